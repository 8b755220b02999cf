//! A certificate and its key, as PEM has them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// A file that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    path: PathBuf,
    why: String,
}

impl Unusable {
    pub(crate) fn new(path: &Path, why: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), why: why.to_string() }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for Unusable {}

/// From when to when a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    begins: SystemTime,
    ends: SystemTime,
}

impl Validity {
    /// Of the certificate in DER.
    fn of(certificate: &[u8]) -> Result<Self, String> {
        let certificate = Certificate::from_der(certificate).map_err(|error| error.to_string())?;
        let validity = certificate.tbs_certificate.validity;
        let (begins, ends) = (validity.not_before, validity.not_after);
        Ok(Self { begins: begins.to_system_time(), ends: ends.to_system_time() })
    }

    /// Seconds until it is over; less than none where it is.
    pub fn seconds_left(&self) -> i64 {
        match self.ends.duration_since(SystemTime::now()) {
            Ok(left) => left.as_secs().cast_signed(),
            Err(over) => -over.duration().as_secs().cast_signed(),
        }
    }

    /// Whether a third of its time is left, or less, which is when another is asked for.
    pub(crate) fn is_in_last_third(&self) -> bool {
        let length = self.ends.duration_since(self.begins).unwrap_or_default();
        SystemTime::now() >= self.ends - length / 3
    }
}

impl fmt::Display for Validity {
    /// How long it is still good, as a person says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, hours) = (self.seconds_left() / 86_400, self.seconds_left() / 3_600);
        match self.seconds_left() {
            ..0 => write!(f, "it was over {} days ago", -days),
            0..172_800 => write!(f, "it is good for {hours} hours"),
            _ => write!(f, "it is good for {days} days"),
        }
    }
}

/// The chain of certificates in a text, and until when the first of them is good.
fn chain(text: &[u8]) -> Result<(Vec<CertificateDer<'static>>, Validity), String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let chain = chain.map_err(|error| error.to_string())?;
    let first = chain.first().ok_or("there is no certificate in it")?;
    let validity = Validity::of(first)?;
    Ok((chain, validity))
}

/// What two texts give: a chain, and the key that its first certificate is of.
pub(crate) fn certified(
    certificate: (&Path, &[u8]),
    key: (&Path, &[u8]),
) -> Result<(CertifiedKey, Validity), Unusable> {
    let (chain, validity) =
        chain(certificate.1).map_err(|why| Unusable::new(certificate.0, why))?;
    let secret = PrivateKeyDer::from_pem_slice(key.1).map_err(|_| {
        Unusable::new(key.0, "there is no private key in it, or one that needs a password")
    })?;
    let certified = CertifiedKey::from_der(chain, secret, &ring::default_provider());
    let certified = certified.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            let why =
                format!("it is the key of another certificate than {}", certificate.0.display());
            Unusable::new(key.0, why)
        }
        error => Unusable::new(key.0, error),
    })?;
    Ok((certified, validity))
}
