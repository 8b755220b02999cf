//! Small repairs to JSON that strict parsers refuse.

use std::borrow::Cow;
use std::fmt::Write;

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

/// Escapes control characters that stand raw within strings, and says how many there were; `None`
/// where there are none and the text is refused for another reason.
pub(crate) fn raw_control_characters(text: &str) -> Option<(String, usize)> {
    let mut repaired = String::with_capacity(text.len() + 16);
    let mut escaped = 0;
    let (mut in_string, mut after_backslash) = (false, false);
    for character in text.chars() {
        if in_string && character < ' ' {
            write!(repaired, "\\u{:04x}", u32::from(character)).ok()?;
            (escaped, after_backslash) = (escaped + 1, false);
            continue;
        }
        match character {
            '"' if !after_backslash => in_string = !in_string,
            _ => {}
        }
        after_backslash = in_string && character == '\\' && !after_backslash;
        repaired.push(character);
    }
    (escaped > 0).then_some((repaired, escaped))
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
        let (text, count) = raw_control_characters("{\n\"a\":\"x\ty\0\\\"\n\"}").unwrap();
        assert_eq!(text, "{\n\"a\":\"x\\u0009y\\u0000\\\"\\u000a\"}");
        assert_eq!(count, 3);
        assert!(raw_control_characters("{\n\"a\":NaN}").is_none());
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
