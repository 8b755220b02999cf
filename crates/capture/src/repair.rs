//! Small repairs to JSON that strict parsers refuse.

use std::borrow::Cow;

use memchr::memmem;

/// Replaces escapes of lone surrogates (`\ud83d` without its other half) by `\ufffd`, and says how
/// many there were.
///
/// JavaScript cuts strings between the halves of an emoji. Such an escape parses as JSON, but as no
/// text, and would make whoever reads the stored row later stumble.
pub(crate) fn lone_surrogates(text: Cow<'_, str>) -> (Cow<'_, str>, usize) {
    let lone = lone_surrogate_digits(&text);
    if lone.is_empty() {
        return (text, 0);
    }
    let mut repaired = String::with_capacity(text.len());
    let mut copied = 0;
    for &digits in &lone {
        repaired.push_str(text.get(copied..digits).unwrap_or_default());
        repaired.push_str("fffd");
        copied = digits + 4;
    }
    repaired.push_str(text.get(copied..).unwrap_or_default());
    (Cow::Owned(repaired), lone.len())
}

/// How many control characters stand raw within strings.
pub(crate) fn raw_control_characters(text: &str) -> usize {
    let mut count = 0;
    each_raw_control_character(text, |_, _| count += 1);
    count
}

/// What each escape is longer by than the character.
pub(crate) const ESCAPE_GROWTH: usize = 5;

/// Escapes so many control characters that stand raw within strings.
pub(crate) fn escape_control_characters(text: &str, count: usize) -> String {
    let mut escaped = String::with_capacity(text.len() + ESCAPE_GROWTH * count);
    let mut copied = 0;
    each_raw_control_character(text, |at, byte| {
        escaped.push_str(text.get(copied..at).unwrap_or_default());
        escaped.push_str(if byte < 0x10 { "\\u000" } else { "\\u001" });
        escaped.extend(char::from_digit(u32::from(byte & 0xf), 16));
        copied = at + 1;
    });
    escaped.push_str(text.get(copied..).unwrap_or_default());
    escaped
}

fn each_raw_control_character(text: &str, mut found: impl FnMut(usize, u8)) {
    let (mut in_string, mut after_backslash) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_string && byte < b' ' {
            found(at, byte);
            after_backslash = false;
            continue;
        }
        if byte == b'"' && !after_backslash {
            in_string = !in_string;
        }
        after_backslash = in_string && byte == b'\\' && !after_backslash;
    }
}

/// Where the four digits of each lone surrogate's escape start.
fn lone_surrogate_digits(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut lone = Vec::new();
    let mut paired_up_to = 0;
    for escape in memmem::find_iter(bytes, "\\u") {
        let digits = escape + 2;
        if digits < paired_up_to || !is_surrogate(bytes, digits) || is_escaped(bytes, escape) {
            continue;
        }
        let is_pair = is_half(bytes, digits, 0xd8)
            && bytes.get(digits + 4..digits + 6) == Some(b"\\u")
            && is_half(bytes, digits + 6, 0xdc);
        match is_pair {
            true => paired_up_to = digits + 10,
            false => lone.push(digits),
        }
    }
    lone
}

/// Whether the backslash at this place is itself escaped.
fn is_escaped(bytes: &[u8], backslash: usize) -> bool {
    let before = bytes.get(..backslash).unwrap_or_default();
    let run = before.iter().rev().take_while(|&&byte| byte == b'\\').count();
    run % 2 == 1
}

fn is_surrogate(bytes: &[u8], digits: usize) -> bool {
    is_half(bytes, digits, 0xd8) || is_half(bytes, digits, 0xdc)
}

/// Whether these digits are of the 1024 surrogates from `first_byte` on: `d8`–`db` or `dc`–`df`.
fn is_half(bytes: &[u8], digits: usize, first_byte: u8) -> bool {
    let Some(&[d, second, third, fourth]) = bytes.get(digits..digits + 4) else {
        return false;
    };
    let first_of_half = char::from(second).to_digit(16).unwrap_or(0);
    let wanted = u32::from(first_byte & 0xf);
    d.eq_ignore_ascii_case(&b'd')
        && (wanted..wanted + 4).contains(&first_of_half)
        && third.is_ascii_hexdigit()
        && fourth.is_ascii_hexdigit()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    fn repaired(text: &str) -> String {
        lone_surrogates(Cow::Borrowed(text)).0.into_owned()
    }

    #[test]
    fn pairs_stay_and_halves_go() {
        assert_eq!(repaired(r#""\ud83c\udf89""#), r#""\ud83c\udf89""#);
        assert_eq!(repaired(r#""\ud83c""#), r#""\ufffd""#);
        assert_eq!(repaired(r#""\uDF89\uD83C x""#), r#""\ufffd\ufffd x""#);
        assert_eq!(repaired(r#""\ud83c\ud83c\udf89""#), r#""\ufffd\ud83c\udf89""#);
    }

    #[test]
    fn an_escaped_backslash_is_no_escape() {
        assert_eq!(repaired(r#""\\ud83c""#), r#""\\ud83c""#);
        assert_eq!(repaired(r#""\\\ud83c""#), r#""\\\ufffd""#);
    }

    #[test]
    fn raw_control_characters_become_escapes() {
        let text = "{\n\"a\":\"x\ty\0\\\"\n\u{1f}\"}";
        let count = raw_control_characters(text);
        let escaped = escape_control_characters(text, count);
        assert_eq!(escaped, "{\n\"a\":\"x\\u0009y\\u0000\\\"\\u000a\\u001f\"}");
        assert_eq!(count, 4);
        assert_eq!(escaped.len(), text.len() + ESCAPE_GROWTH * count);
        assert_eq!(raw_control_characters("{\n\"a\":NaN}"), 0);
    }

    proptest! {
        #[test]
        fn what_is_repaired_can_be_read_as_text(units in proptest::collection::vec(
            prop_oneof![Just(0xd83cu16), Just(0xdf89), Just(0x5c), Just(0x22), any::<u16>()],
            0..20,
        )) {
            let mut text = String::from("\"");
            for unit in &units {
                match unit {
                    0x5c => text.push_str("\\\\"),
                    0x22 => text.push_str("\\\""),
                    unit => write!(text, "\\u{unit:04x}").unwrap(),
                }
            }
            text.push('"');
            let expected = String::from_utf16_lossy(&units);
            let read: String = serde_json::from_str(&repaired(&text)).unwrap();
            prop_assert_eq!(read, expected);
        }
    }
}
