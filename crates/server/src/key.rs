//! The keys for reading and for erasing: capture is public by nature, data is not.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

/// A secret that whoever reads or erases over HTTP must show as `Authorization: Bearer …`.
#[derive(Clone)]
pub struct Key(String);

impl Key {
    /// Wraps a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Whether the request shows this key; the time it takes says nothing of the key.
    pub(crate) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, key)) = shown.and_then(|value| value.split_once(' ')) else {
            return false;
        };
        scheme.eq_ignore_ascii_case("bearer") && self.is(key.trim())
    }

    /// Whether this is the key, likewise.
    pub(crate) fn is(&self, shown: &str) -> bool {
        bool::from(shown.as_bytes().ct_eq(self.0.as_bytes()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_key_opens() {
        let key = Key::new("hfr_secret");
        let shown = |value: &str| {
            let headers = [(AUTHORIZATION, value.parse().unwrap())].into_iter().collect();
            key.is_shown(&headers)
        };
        assert!(shown("Bearer hfr_secret"));
        assert!(shown("bearer hfr_secret"));
        assert!(!shown("Bearer hfr_secre"));
        assert!(!shown("Basic hfr_secret"));
        assert!(!key.is_shown(&HeaderMap::new()));
        assert!(!format!("{key:?}").contains("hfr_secret"));
    }
}
