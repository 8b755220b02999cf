//! The certificate, read again when its files change.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use pgwire::tokio::TlsAcceptor;
use pgwire::tokio::tokio_rustls::rustls::pki_types::pem::PemObject;
use pgwire::tokio::tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use pgwire::tokio::tokio_rustls::rustls::{ServerConfig, crypto};
use tracing::{info, warn};

/// What a client that speaks TLS at once must say that it wants.
const PROTOCOL: &[u8] = b"postgresql";

/// See the module.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    held: Mutex<Held>,
}

/// What was read, and when its files were written.
#[derive(Debug)]
struct Held {
    config: Arc<ServerConfig>,
    written: Option<[SystemTime; 2]>,
}

impl Tls {
    /// Reads a certificate, with those that vouch for it, and its key, in PEM.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn read(certificate: PathBuf, key: PathBuf) -> io::Result<Self> {
        let written = written(&certificate, &key);
        let config = read(&certificate, &key)?;
        Ok(Self { certificate, key, held: Mutex::new(Held { config, written }) })
    }

    /// What a new connection is encrypted with.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let written = written(&self.certificate, &self.key);
        if written.is_some() && written != held.written {
            held.written = written;
            match read(&self.certificate, &self.key) {
                Ok(config) => {
                    info!(path = %self.certificate.display(), "the certificate was read again");
                    held.config = config;
                }
                Err(error) => warn!(%error, path = %self.certificate.display(),
                    "the changed certificate cannot be used, the one before stays"),
            }
        }
        TlsAcceptor::from(Arc::clone(&held.config))
    }
}

fn written(certificate: &PathBuf, key: &PathBuf) -> Option<[SystemTime; 2]> {
    let written = |path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    Some([written(certificate)?, written(key)?])
}

fn read(certificate: &PathBuf, key: &PathBuf) -> io::Result<Arc<ServerConfig>> {
    let unusable = |path: &PathBuf, error: &dyn std::fmt::Display| {
        io::Error::other(format!("{}: {error}", path.display()))
    };
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(certificate).and_then(|found| found.collect());
    let chain = chain.map_err(|error| unusable(certificate, &error))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| unusable(certificate, &error))?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Arc::new(config))
}
