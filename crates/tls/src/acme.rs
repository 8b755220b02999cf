//! A certificate that an authority gives to whoever answers at its names (RFC 8555).
//!
//! The authority connects to port 443 of each name and asks for `acme-tls/1` (RFC 8737); the answer is a
//! certificate that only the account's owner can have made, so nothing but the https address is needed.
//! Another certificate is asked for when a third of the time is left, and after a failure again, later
//! each time: authorities refuse who asks too often.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::authority::{Authority, Client};
use crate::folder::Folder;
use crate::metrics;
use crate::pair::{Unusable, Validity, certified};

/// What an authority asks for that looks whether a name is ours.
pub const PROTOCOL: &[u8] = b"acme-tls/1";

/// How often is looked whether it is time.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long an order may take.
const ORDER: Duration = Duration::from_secs(600);
/// Between two certificates; some are good for so short a time that it would be time at once.
const SHORTEST_PAUSE: Duration = Duration::from_secs(60);
/// After the first failure; three times as long after each further one. Let's Encrypt allows five failures an
/// hour.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// After many.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3_600);

/// The certificate for some names.
#[derive(Debug)]
pub struct Acme {
    names: Vec<String>,
    client: Client,
    folder: Folder,
    /// Whose it is, for metrics and the log.
    door: &'static str,
    held: RwLock<Held>,
    answers: Answers,
}

/// What shows the authority that names are ours, while it looks.
pub(crate) type Answers = RwLock<HashMap<String, Arc<CertifiedKey>>>;

/// The certificate, where there is one.
#[derive(Debug, Default)]
struct Held {
    key: Option<Arc<CertifiedKey>>,
    validity: Option<Validity>,
}

impl Acme {
    /// With what the folder has of last time; [`Acme::run`] asks for the rest.
    ///
    /// # Errors
    /// When the folder cannot be used, or the authority's root cannot be read.
    pub fn open(
        names: Vec<String>,
        authority: Authority,
        folder: &Path,
        door: &'static str,
    ) -> Result<Self, Unusable> {
        let client = Client::new(authority)?;
        let folder = Folder::create(folder).map_err(|error| Unusable::new(folder, error))?;
        let (held, answers) = (RwLock::default(), RwLock::default());
        let acme = Self { names, client, folder, door, held, answers };
        match acme.folder.certificate(&acme.names, acme.client.directory()) {
            Ok(Some(kept)) => {
                if let Err(error) = acme.hold(&kept, "the certificate of last time is used") {
                    warn!(%error, "the certificate of last time cannot be used");
                }
            }
            Ok(None) => info!(names = ?acme.names, "a certificate is asked for"),
            Err(error) => warn!(%error, "the certificate of last time cannot be read"),
        }
        Ok(acme)
    }

    /// How long the certificate in a folder is good, if there is one for these names.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn kept_in(
        folder: &Path,
        names: &[String],
        authority: &Authority,
    ) -> Result<Option<Validity>, Unusable> {
        let kept = Folder::at(folder).certificate(names, &authority.directory);
        let kept = kept.map_err(|error| Unusable::new(folder, error))?;
        kept.map(|text| Ok(certified((folder, &text), (folder, &text))?.1)).transpose()
    }

    /// How long the certificate is good, where there is one yet.
    pub fn validity(&self) -> Option<Validity> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).validity
    }

    /// Has a certificate, and another before it is over, until `stop` turns true.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut tries = Tries::default();
        loop {
            metrics::time_left(self.door, self.validity());
            if tries.is_time(self.validity()) {
                let ordered = tokio::select! {
                    ordered = tokio::time::timeout(ORDER, self.order()) => ordered,
                    _ = stop.wait_for(|stop| *stop) => return,
                };
                let ordered = ordered.unwrap_or_else(|_| Err("it took too long".to_owned()));
                self.answers.write().unwrap_or_else(PoisonError::into_inner).clear();
                tries.count(ordered.is_ok());
                if let Err(error) = ordered {
                    metrics::refused(self.door);
                    let directory = self.client.directory();
                    error!(error, names = ?self.names, directory,
                        "no certificate could be had, the next try is in {:?}", tries.pause());
                }
            }
            if tokio::time::timeout(INTERVAL, stop.wait_for(|stop| *stop)).await.is_ok() {
                return;
            }
        }
    }

    /// Gets a certificate, takes it, and keeps it for the next start.
    async fn order(&self) -> Result<(), String> {
        let text = self.client.order(&self.names, &self.folder, &self.answers).await?;
        self.hold(text.as_bytes(), "there is a certificate").map_err(|error| error.to_string())?;
        metrics::taken(self.door);
        let kept = self.folder.keep_certificate(&self.names, self.client.directory(), &text);
        if let Err(error) = kept {
            error!(%error, "the certificate cannot be kept: the next start asks for another");
        }
        Ok(())
    }

    fn hold(&self, text: &[u8], what: &str) -> Result<(), Unusable> {
        let source = Path::new(self.client.directory());
        let (key, validity) = certified((source, text), (source, text))?;
        info!(names = ?self.names, "{what}: {validity}");
        let held = Held { key: Some(Arc::new(key)), validity: Some(validity) };
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        metrics::time_left(self.door, Some(validity));
        Ok(())
    }
}

impl ResolvesServerCert for Acme {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_asked = hello.alpn().into_iter().flatten().eq([PROTOCOL]);
        if is_asked {
            let answers = self.answers.read().unwrap_or_else(PoisonError::into_inner);
            return answers.get(&hello.server_name()?.to_lowercase()).cloned();
        }
        self.held.read().unwrap_or_else(PoisonError::into_inner).key.clone()
    }
}

/// When there was a try, and how they went.
#[derive(Debug, Default)]
struct Tries {
    last: Option<Instant>,
    failures: u32,
}

impl Tries {
    fn count(&mut self, is_success: bool) {
        self.last = Some(Instant::now());
        self.failures = if is_success { 0 } else { self.failures + 1 };
    }

    /// Until the next one.
    fn pause(&self) -> Duration {
        match self.failures {
            0 => SHORTEST_PAUSE,
            failures => {
                let times = 3_u32.saturating_pow(failures - 1);
                FIRST_PAUSE.saturating_mul(times).min(LONGEST_PAUSE)
            }
        }
    }

    /// Whether to try now.
    fn is_time(&self, validity: Option<Validity>) -> bool {
        let has_paused = self.last.is_none_or(|last| last.elapsed() >= self.pause());
        has_paused && validity.is_none_or(|validity| validity.is_in_last_third())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_within_what_authorities_allow() {
        let mut tries = Tries::default();
        assert!(tries.is_time(None), "the first start asks at once");
        let mut pauses = Vec::new();
        for _ in 0..9 {
            tries.count(false);
            pauses.push(tries.pause().as_secs());
        }
        assert_eq!(pauses, [30, 90, 270, 810, 2_430, 7_290, 21_600, 21_600, 21_600]);
        let within_an_hour: u64 = pauses[..5].iter().sum();
        assert!(within_an_hour >= 3_600, "no sixth failure within an hour");
        tries.count(true);
        assert!(!tries.is_time(None) && tries.pause() == SHORTEST_PAUSE);
    }

    #[test]
    fn what_was_kept_and_cannot_be_used_is_no_reason_not_to_start() {
        let data = tempfile::tempdir().unwrap();
        let names = vec!["stats.example.com".to_owned()];
        let authority =
            Authority { directory: "https://ca.example/".to_owned(), contact: None, root: None };
        let open =
            || Acme::open(names.clone(), authority.clone(), &data.path().join("tls"), "test");
        let acme = open().unwrap();
        assert!(acme.validity().is_none());
        acme.folder.keep_certificate(&names, &authority.directory, "rubbish").unwrap();
        assert!(open().unwrap().validity().is_none());
        let made = rcgen::generate_simple_self_signed(names.clone()).unwrap();
        let text = format!("{}{}", made.signing_key.serialize_pem(), made.cert.pem());
        acme.folder.keep_certificate(&names, &authority.directory, &text).unwrap();
        assert!(open().unwrap().validity().unwrap().seconds_left() > 0);
    }
}
