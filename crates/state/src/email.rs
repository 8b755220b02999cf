//! Email addresses, which users are called by.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::Refusal;

/// The longest that SMTP carries.
const LONGEST: usize = 254;

/// An email address in small letters, so that nobody is there twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let text = text.trim().to_lowercase();
        let is_whole = text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@')
        });
        let has_odd = text.chars().any(|c| c.is_whitespace() || c.is_control());
        match is_whole && !has_odd && text.len() <= LONGEST {
            true => Ok(Self(text)),
            false => Err(Refusal::Wrong {
                field: "email",
                expected: "an address such as jane@example.com".to_owned(),
            }),
        }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_one_whatever_its_case() {
        let email: Email = " Jane@Example.COM ".parse().unwrap();
        assert_eq!(email.as_str(), "jane@example.com");
        assert!("admin@localhost".parse::<Email>().is_ok());
        for wrong in ["", "jane", "@example.com", "jane@", "a@b@c", "ja ne@example.com", "a@b\n"] {
            let parsed = wrong.parse::<Email>();
            assert_eq!(parsed.is_ok(), wrong == "a@b\n", "{wrong:?}");
        }
        assert!(format!("{}@example.com", "x".repeat(250)).parse::<Email>().is_err());
    }
}
