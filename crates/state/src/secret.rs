//! Secrets: made here, shown once, and kept as hashes.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::Error;

/// So many of 62 characters are 256 bits.
const CHARACTERS: usize = 43;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Bytes from here on would make some characters more likely than others.
const FAIR: u8 = 62 * 4;

/// Text that opens something. It is random, so that a plain hash of it tells nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What is kept of a secret.
pub(crate) type Hash = [u8; 32];

impl Secret {
    /// What somebody shows.
    pub fn shown(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Makes one that begins with `prefix` and `_`.
    pub(crate) fn new(prefix: &str) -> Result<Self, Error> {
        Ok(Self(format!("{prefix}_{}", random_text(CHARACTERS)?)))
    }

    /// The text, for whoever is to have it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> Hash {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// Another secret that follows from this one, and from which this one does not follow.
    pub fn derive(&self, purpose: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(purpose.as_bytes());
        hash.update([0]);
        hash.update(self.0.as_bytes());
        let digits = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self(digits)
    }

    /// The last characters, by which its owner knows it again.
    pub(crate) fn hint(&self) -> String {
        let count = self.0.chars().count();
        self.0.chars().skip(count.saturating_sub(4)).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn random_text(length: usize) -> Result<String, Error> {
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 64];
    while text.len() < length {
        random(&mut bytes)?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        let characters = fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        text.extend(characters.take(length - text.len()));
    }
    Ok(text)
}

/// Fills with random bytes of the operating system.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| Error::Random(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_are_not_printed() {
        let (one, other) = (Secret::new("phx").unwrap(), Secret::new("phx").unwrap());
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), 4 + CHARACTERS);
        assert!(one.reveal().starts_with("phx_") && one.reveal().ends_with(&one.hint()));
        let text = one.reveal().strip_prefix("phx_").unwrap();
        assert!(text.bytes().all(|byte| ALPHABET.contains(&byte)));
        assert!(!format!("{one:?}").contains(text));
    }

    #[test]
    fn what_is_derived_depends_on_purpose_and_secret() {
        let secret = Secret::shown("a");
        let derived = secret.derive("csrf");
        assert_eq!(derived, Secret::shown("a").derive("csrf"));
        assert_ne!(derived, secret.derive("other"));
        assert_ne!(derived, Secret::shown("b").derive("csrf"));
        assert_ne!(derived.hash(), secret.hash());
    }
}
