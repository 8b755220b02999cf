//! Base64 that nobody announced: old posthog-js, and beacons.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// SDKs pad, proxies sometimes strip the padding.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// PostHog looks at so many bytes before it believes in base64.
const SNIFFED_BYTES: usize = 128;

/// Decodes what looks like base64 and is; `None` leaves the payload as it is.
///
/// A form or query turns an unescaped `+` into a space, so spaces count as `+`.
pub(crate) fn decode(payload: &[u8]) -> Option<Vec<u8>> {
    let payload = payload.trim_ascii();
    let start = payload.get(..SNIFFED_BYTES).unwrap_or(payload);
    if start.is_empty() || !start.iter().all(|&byte| is_base64(byte)) {
        return None;
    }
    ENGINE.decode(with_pluses(payload)).ok()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b' ')
}

fn with_pluses(payload: &[u8]) -> Cow<'_, [u8]> {
    match memchr::memchr(b' ', payload) {
        None => Cow::Borrowed(payload),
        Some(_) => payload.iter().map(|&byte| if byte == b' ' { b'+' } else { byte }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_padding_and_line_ends_do_not_matter() {
        for payload in ["Pvv//g==", "Pvv//g", "Pvv//g==\r\n"] {
            assert_eq!(decode(payload.as_bytes()).as_deref(), Some(&b">\xfb\xff\xfe"[..]));
        }
        assert_eq!(decode(b"Pv /").as_deref(), Some(&b">\xff\xbf"[..]));
    }

    #[test]
    fn json_is_not_base64() {
        for payload in ["", "  ", "{\"event\":1}", "[]", "caf\u{e9}"] {
            assert_eq!(decode(payload.as_bytes()), None);
        }
    }
}
