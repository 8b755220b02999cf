//! Text: from UTF-8, from the CESU-8 of old SDKs, and cut to a length.

use std::borrow::Cow;

use crate::{Note, Notes};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The text of these bytes, or `None` where they are none.
pub(crate) fn decode<'a>(bytes: Cow<'a, [u8]>, notes: &mut Notes) -> Option<Cow<'a, str>> {
    let bytes = without_mark(bytes);
    match bytes {
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Some(Cow::Borrowed(text)),
            Err(_) => from_cesu8(bytes, notes).map(Cow::Owned),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Some(Cow::Owned(text)),
            Err(error) => from_cesu8(error.as_bytes(), notes).map(Cow::Owned),
        },
    }
}

fn without_mark(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)),
        Cow::Owned(mut bytes) => {
            if bytes.starts_with(BYTE_ORDER_MARK) {
                bytes.drain(..BYTE_ORDER_MARK.len());
            }
            Cow::Owned(bytes)
        }
    }
}

/// CESU-8 spells a character beyond U+FFFF as two surrogates of three bytes each. posthog-js 1.57 to
/// 1.150 sends an emoji so within base64 (`ed a0 bc ed be 89`). A half without its other becomes
/// U+FFFD; anything else that is not UTF-8 is an error.
fn from_cesu8(bytes: &[u8], notes: &mut Notes) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(all) => all.len(),
            Err(error) => error.valid_up_to(),
        };
        let (good, bad) = rest.split_at(valid);
        text.push_str(std::str::from_utf8(good).ok()?);
        rest = match (surrogate(bad), bad.get(3..).and_then(surrogate)) {
            _ if bad.is_empty() => bad,
            (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
                let scalar = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                text.push(char::from_u32(scalar)?);
                notes.take(Note::Cesu8Text);
                bad.get(6..)?
            }
            (Some(_), _) => {
                text.push(char::REPLACEMENT_CHARACTER);
                notes.take(Note::LoneSurrogate);
                bad.get(3..)?
            }
            (None, _) => return None,
        };
    }
    Some(text)
}

/// At most so many UTF-16 units, and no half characters.
pub(crate) fn cut_utf16(text: Cow<'_, str>, units: usize) -> Cow<'_, str> {
    if text.len() <= units {
        return text;
    }
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += character.len_utf16();
        used > units
    });
    match end {
        None => text,
        Some((end, _)) => Cow::Owned(text.get(..end).unwrap_or_default().to_owned()),
    }
}

/// The surrogate that these bytes start with, spelled in three.
fn surrogate(bytes: &[u8]) -> Option<u32> {
    match *bytes {
        [0xed, middle @ 0xa0..=0xbf, last @ 0x80..=0xbf, ..] => {
            Some(0xd000 | u32::from(middle & 0x3f) << 6 | u32::from(last & 0x3f))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8]) -> Option<String> {
        decode(Cow::Borrowed(bytes), &mut Notes::default()).map(Cow::into_owned)
    }

    #[test]
    fn an_emoji_in_cesu8_is_an_emoji() {
        let bytes = b"{\"a\":\"\xed\xa0\xbc\xed\xbe\x89!\"}";
        assert_eq!(decoded(bytes).as_deref(), Some("{\"a\":\"\u{1f389}!\"}"));
    }

    #[test]
    fn half_an_emoji_is_replaced_and_noted() {
        let mut notes = Notes::default();
        let text = decode(Cow::Borrowed(b"\xed\xa0\xbcx"), &mut notes);
        assert_eq!(text.as_deref(), Some("\u{fffd}x"));
        assert_eq!(notes.count(Note::LoneSurrogate), 1);
    }

    #[test]
    fn other_bytes_are_no_text() {
        assert_eq!(decoded(b"{\"event\":\"\xff\xfe\"}"), None);
        assert_eq!(decoded(b"\xed\xa0"), None);
    }

    #[test]
    fn long_text_is_cut_by_utf16_units() {
        assert_eq!(cut_utf16("a😀b".into(), 2), "a");
        assert_eq!(cut_utf16("a😀b".into(), 3), "a😀");
        assert_eq!(cut_utf16("é".repeat(400).into(), 400), "é".repeat(400));
    }

    #[test]
    fn a_byte_order_mark_is_no_text_either() {
        assert_eq!(decoded(b"\xef\xbb\xbf{}").as_deref(), Some("{}"));
    }

    proptest! {
        #[test]
        fn every_text_survives_cesu8(text in ".*") {
            let mut bytes = Vec::new();
            for unit in text.encode_utf16() {
                match char::from_u32(u32::from(unit)) {
                    Some(character) => {
                        bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                    None => bytes.extend([
                        0xed,
                        0x80 | (unit >> 6 & 0x3f) as u8,
                        0x80 | (unit & 0x3f) as u8,
                    ]),
                }
            }
            prop_assume!(!text.starts_with('\u{feff}'));
            prop_assert_eq!(decoded(&bytes), Some(text));
        }
    }
}
