//! Passwords, kept as argon2id.

use std::fmt;
use std::sync::LazyLock;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::wrong;
use crate::{Error, secret};

/// Fewest characters of a password.
pub const SHORTEST_PASSWORD: usize = 10;
/// Most bytes of one, so that hashing takes no longer than it must.
pub const LONGEST_PASSWORD: usize = 1_024;

/// OWASP's first recommendation for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;

/// What is verified against where there is no user, so that it takes as long.
static NOBODYS: LazyLock<Option<String>> =
    LazyLock::new(|| Password::new("correct horse battery staple").ok()?.hash().ok());

/// A password that is long enough.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Takes a password.
    ///
    /// # Errors
    /// When it is too short or far too long.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.chars().count() < SHORTEST_PASSWORD {
            return Err(wrong("password", format!("at least {SHORTEST_PASSWORD} characters")));
        }
        if text.len() > LONGEST_PASSWORD {
            return Err(wrong("password", format!("at most {LONGEST_PASSWORD} bytes")));
        }
        Ok(Self(text))
    }

    /// What is kept of it; takes some ten milliseconds and 19 MiB, on purpose.
    pub(crate) fn hash(&self) -> Result<String, Error> {
        let mut salt = [0; 16];
        secret::random(&mut salt)?;
        let failed = |error: argon2::password_hash::Error| Error::Damaged {
            what: "a password",
            value: error.to_string(),
        };
        let salt = SaltString::encode_b64(&salt).map_err(failed)?;
        let hash = hasher().hash_password(self.0.as_bytes(), &salt).map_err(failed)?;
        Ok(hash.to_string())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Whether a password is the one of a hash. Without a hash it takes as long, and is not.
pub(crate) fn verify(shown: &str, kept: Option<&str>) -> bool {
    let hash = kept.or(NOBODYS.as_deref()).unwrap_or_default();
    let is_too_long = shown.len() > LONGEST_PASSWORD;
    let shown = if is_too_long { "" } else { shown };
    let is_right = PasswordHash::new(hash)
        .is_ok_and(|hash| hasher().verify_password(shown.as_bytes(), &hash).is_ok());
    is_right && kept.is_some() && !is_too_long
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_is_the_password() {
        let hash = Password::new("a long password").unwrap().hash().unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("a long password", Some(&hash)));
        assert!(!verify("a long passwore", Some(&hash)));
        assert!(!verify("", Some(&hash)));
        assert_ne!(Password::new("a long password").unwrap().hash().unwrap(), hash, "salted");
    }

    #[test]
    fn nobody_has_a_password() {
        assert!(!verify("correct horse battery staple", None));
        assert!(NOBODYS.is_some());
    }

    #[test]
    fn what_is_too_short_or_long_is_none() {
        assert!(Password::new("123456789").is_err());
        assert!(Password::new("ÄÖÜäöüßéèê").is_ok(), "characters, not bytes");
        assert!(Password::new("x".repeat(LONGEST_PASSWORD + 1)).is_err());
        assert!(!verify(&"x".repeat(1 << 20), None));
    }
}
