//! What JavaScript makes of a raw JSON value.

use std::borrow::Cow;

/// Whether a raw value is one that JavaScript takes for true.
pub(crate) fn is_truthy(raw: &str) -> bool {
    match raw.as_bytes().first() {
        None | Some(b'n' | b'f') => false,
        Some(b'"') => raw != "\"\"",
        Some(b'-' | b'0'..=b'9') => raw.parse() != Ok(0.0_f64),
        Some(_) => true,
    }
}

/// `String(value)`, except that an array is written as JSON.
pub(crate) fn text(raw: &str) -> Cow<'_, str> {
    match raw.as_bytes().first() {
        Some(b'"') => string(raw),
        Some(b'{') => Cow::Borrowed("[object Object]"),
        Some(b'-' | b'0'..=b'9') => number(raw),
        Some(_) => Cow::Borrowed(raw),
        None => Cow::Borrowed("undefined"),
    }
}

fn string(raw: &str) -> Cow<'_, str> {
    let quoted = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
    match memchr::memchr(b'\\', quoted.as_bytes()) {
        None => Cow::Borrowed(quoted),
        Some(_) => serde_json::from_str(raw).map_or(Cow::Borrowed(quoted), Cow::Owned),
    }
}

/// An integer is kept however long it is: it is an id, and a rounded id is somebody else's.
fn number(raw: &str) -> Cow<'_, str> {
    match is_integer(raw) {
        true => Cow::Borrowed(raw),
        false => {
            raw.parse::<f64>().map_or(Cow::Borrowed(raw), |value| Cow::Owned(value.to_string()))
        }
    }
}

fn is_integer(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// Whether two raw values are the same value.
///
/// PostHog compares with `!==`, by which two equal objects differ and are written again; here they
/// are the same, and are not.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (Some(first), Some(second)) = (one.as_bytes().first(), other.as_bytes().first()) else {
        return false;
    };
    let is_number = |byte: &u8| matches!(byte, b'-' | b'0'..=b'9');
    if is_number(first) && is_number(second) {
        // As numbers, two long ids that are not the same may be.
        if is_integer(one) && is_integer(other) {
            return false;
        }
        return one.parse::<f64>().ok().is_some_and(|one| other.parse() == Ok(one));
    }
    match (first, second) {
        (b'"', b'"')
            if memchr::memchr(b'\\', one.as_bytes()).is_none()
                && memchr::memchr(b'\\', other.as_bytes()).is_none() =>
        {
            false
        }
        (b'"', b'"') | (b'{', b'{') | (b'[', b'[') => {
            let value = |raw| serde_json::from_str::<serde_json::Value>(raw).ok();
            value(one).is_some_and(|one| value(other) == Some(one))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_is_javascripts() {
        for raw in ["", "null", "false", "0", "-0.0", "\"\""] {
            assert!(!is_truthy(raw), "{raw}");
        }
        for raw in ["1", "\"0\"", "[]", "{}", "true"] {
            assert!(is_truthy(raw), "{raw}");
        }
    }

    #[test]
    fn text_is_javascripts() {
        let cases = [
            ("\"a\\u00e9\"", "aé"),
            ("null", "null"),
            ("{\"a\":1}", "[object Object]"),
            ("1.50", "1.5"),
            ("1.0", "1"),
            ("18446744073709551616", "18446744073709551616"),
            ("true", "true"),
        ];
        for (raw, expected) in cases {
            assert_eq!(text(raw), expected);
        }
    }

    #[test]
    fn the_same_value_may_be_written_in_two_ways() {
        for (one, other) in [("1", "1.0"), ("\"\\u0061\"", "\"a\""), ("{\"a\": 1}", "{\"a\":1}")] {
            assert!(is_same(one, other), "{one} {other}");
        }
        for (one, other) in
            [("1", "\"1\""), ("1", "2"), ("null", "0"), ("[1,2]", "[2,1]"), ("\"a\"", "\"b\"")]
        {
            assert!(!is_same(one, other), "{one} {other}");
        }
        assert!(!is_same("9007199254740992", "9007199254740993"));
    }
}
