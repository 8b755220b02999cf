//! Hiding what the queries of addresses say.
//!
//! Applications put names, addresses and secrets into them. The values go, the names stay, so that
//! pages can still be told apart: `/invite?email=<masked>`. Text behind `#` is treated alike, since
//! single-page applications and some logins keep their query there.

use std::borrow::Cow;

use crate::json;

use super::patterns::Patterns;

/// What stands where a value was; posthog-js writes the same.
const MASK: &str = "<masked>";

/// Hides values in queries.
#[derive(Clone, Debug)]
pub(super) struct Urls {
    kept: Patterns,
}

impl Urls {
    /// Hides all but the values of these names.
    pub(super) fn keeping(kept: Patterns) -> Self {
        Self { kept }
    }

    /// The raw value of a member with the addresses in it masked, at any depth; `None` where there
    /// is nothing to mask.
    pub(super) fn masked(&self, name: &str, raw: &str) -> Option<String> {
        // An escape could hide the sign.
        let bytes = raw.as_bytes();
        memchr::memchr3(b'?', b'#', b'\\', bytes)?;
        let mut is_of_address = is_address_name(name);
        let mut text = String::new();
        let (mut written, mut at) = (0, 0);
        while let Some(found) = memchr::memchr(b'"', bytes.get(at..)?) {
            let start = at + found;
            at = json::string_end(bytes, start)?;
            let string = json::string(raw.get(start..at)?)?;
            if let Some(masked) = self.masked_string(&string, is_of_address) {
                text.push_str(raw.get(written..start)?);
                text.push_str(&json::quote(&masked));
                written = at;
            }
            // Only what a name stands before is what the name says.
            is_of_address = is_name(bytes, at) && is_address_name(&string);
        }
        match written {
            0 => None,
            _ => {
                text.push_str(raw.get(written..)?);
                Some(text)
            }
        }
    }

    /// A chain of elements with the addresses in its attributes masked.
    pub(super) fn masked_chain(&self, chain: &str) -> Option<String> {
        let mask = |piece| match self.masked_string(piece, is_path(piece)) {
            Some(masked) => Cow::Owned(masked),
            None => Cow::Borrowed(piece),
        };
        let pieces: Vec<Cow<'_, str>> = chain.split('"').map(mask).collect();
        let is_changed = pieces.iter().any(|piece| matches!(piece, Cow::Owned(_)));
        is_changed.then(|| pieces.join("\""))
    }

    fn masked_string(&self, text: &str, is_address: bool) -> Option<String> {
        let is_absolute = || {
            ["http://", "https://"].iter().any(|scheme| {
                text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
            })
        };
        match is_address || is_absolute() {
            true => self.masked_address(text),
            false => None,
        }
    }

    fn masked_address(&self, address: &str) -> Option<String> {
        let (path, query) = address.split_at_checked(address.find(['?', '#'])?)?;
        let mut masked = path.to_owned();
        let mut is_changed = false;
        for piece in query.split_inclusive(['?', '#', '&', ';']) {
            let end = piece.trim_end_matches(['?', '#', '&', ';']).len();
            let (pair, separator) = piece.split_at_checked(end)?;
            match pair.split_once('=') {
                Some((name, value)) if !value.is_empty() && !self.kept.has(name) => {
                    masked.extend([name, "=", MASK]);
                    is_changed = true;
                }
                _ => masked.push_str(pair),
            }
            masked.push_str(separator);
        }
        is_changed.then_some(masked)
    }
}

/// Whether what ends here is a name in an object.
fn is_name(bytes: &[u8], end: usize) -> bool {
    let rest = bytes.get(end..).unwrap_or_default();
    rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// Whether a member by its name holds addresses, which need not be absolute.
fn is_address_name(name: &str) -> bool {
    ["url", "referrer", "pathname", "href"].iter().any(|part| name.contains(part))
}

fn is_path(text: &str) -> bool {
    text.starts_with(['/', '?'])
}
