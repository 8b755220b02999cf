//! A certificate and its key in two files, read again when they change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::{error, info};

use crate::metrics;
use crate::pair::{Unusable, Validity, certified};

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// Where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The certificate, with those that vouch for it, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// See the module.
#[derive(Debug)]
pub struct Files {
    paths: Paths,
    /// Whose they are, for metrics and the log.
    door: &'static str,
    held: RwLock<Held>,
}

/// What was read.
#[derive(Clone, Debug)]
struct Held {
    key: Arc<CertifiedKey>,
    validity: Validity,
}

/// What is in the two files. Nothing prints it, as there is a key in it.
#[derive(Clone, PartialEq, Eq)]
struct Content {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Content {
    fn read(paths: &Paths) -> Result<Self, Unusable> {
        let read = |path: &Path| std::fs::read(path).map_err(|error| Unusable::new(path, error));
        Ok(Self { certificate: read(&paths.certificate)?, key: read(&paths.key)? })
    }

    fn held(&self, paths: &Paths) -> Result<Held, Unusable> {
        let (key, validity) =
            certified((&paths.certificate, &self.certificate), (&paths.key, &self.key))?;
        Ok(Held { key: Arc::new(key), validity })
    }
}

impl Files {
    /// Reads them for a door.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn read(paths: Paths, door: &'static str) -> Result<Self, Unusable> {
        let held = Content::read(&paths)?.held(&paths)?;
        metrics::time_left(door, Some(held.validity));
        Ok(Self { paths, door, held: RwLock::new(held) })
    }

    /// How long the certificate is good.
    pub fn validity(&self) -> Validity {
        self.held.read().unwrap_or_else(PoisonError::into_inner).validity
    }

    /// Follows what becomes of the files until `stop` turns true. A pair that cannot be used is told of,
    /// and the one before stays.
    ///
    /// # Errors
    /// When the process cannot listen to SIGHUP.
    pub async fn follow(self: Arc<Self>, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut tried = self.look();
        let mut seen = tried.clone();
        while let Some(is_asked) = next(&mut stop, &mut hang_up).await {
            let now = self.look();
            // One that is being written is left alone until it is the same twice.
            let is_still = now == seen;
            seen = now;
            if is_asked || is_still && seen != tried {
                tried = seen.clone();
                self.take(&tried);
            }
            metrics::time_left(self.door, Some(self.validity()));
        }
        Ok(())
    }

    fn look(&self) -> Result<Content, Unusable> {
        // A few kilobytes, which the system has in memory.
        tokio::task::block_in_place(|| Content::read(&self.paths))
    }

    fn take(&self, found: &Result<Content, Unusable>) {
        let held =
            found.as_ref().map_err(Unusable::clone).and_then(|found| found.held(&self.paths));
        match held {
            Ok(held) => {
                info!(door = self.door, path = %self.paths.certificate.display(),
                    "the certificate was read again: {}", held.validity);
                metrics::taken(self.door);
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
            }
            Err(error) => {
                metrics::refused(self.door);
                error!(door = self.door, %error,
                    "the changed certificate cannot be used: the one before stays, {}",
                    self.validity());
            }
        }
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}

/// Waits until it is time to look, and says whether that was asked for; `None` when there is an end.
async fn next(stop: &mut watch::Receiver<bool>, hang_up: &mut Signal) -> Option<bool> {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => None,
        _ = hang_up.recv() => Some(true),
        () = tokio::time::sleep(INTERVAL) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(folder: &Path, name: &str) -> Paths {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let paths = Paths {
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
        };
        std::fs::write(&paths.certificate, made.cert.pem()).unwrap();
        std::fs::write(&paths.key, made.signing_key.serialize_pem()).unwrap();
        paths
    }

    fn refusal(paths: Paths) -> String {
        Files::read(paths, "test").unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_with_a_pair_is_said_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (pair(folder.path(), "one"), pair(folder.path(), "other"));
        assert!(Files::read(one.clone(), "test").unwrap().validity().seconds_left() > 0);
        let mixed = Paths { key: other.key, ..one.clone() };
        assert!(refusal(mixed).contains("other.key: it is the key of another certificate"));
        let swapped = Paths { certificate: one.key.clone(), key: one.certificate.clone() };
        assert!(refusal(swapped).contains("one.key: there is no certificate in it"));
        let keyless = Paths { key: one.certificate.clone(), ..one.clone() };
        assert!(refusal(keyless).contains("one.pem: there is no private key in it"));
        let absent = Paths { key: folder.path().join("none"), ..one };
        assert!(refusal(absent).contains("none: No such file"));
    }

    #[test]
    fn a_key_is_printed_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let paths = pair(folder.path(), "one");
        let key = std::fs::read_to_string(&paths.key).unwrap();
        let line = key.lines().nth(1).unwrap();
        assert!(!format!("{:?}", Files::read(paths, "test").unwrap()).contains(line));
    }
}
