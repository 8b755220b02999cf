//! Looking at JSON text without making a tree of it.
//!
//! "Raw" is the text of one valid JSON value, without whitespace around it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The text of a raw string, borrowed unless it has escapes; `None` for any other value.
pub(crate) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let quoted = raw.strip_prefix('"')?.strip_suffix('"')?;
    match memchr::memchr(b'\\', quoted.as_bytes()) {
        None => Some(Cow::Borrowed(quoted)),
        Some(_) => serde_json::from_str(raw).ok().map(Cow::Owned),
    }
}

/// The raw string of a text.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether a raw value is an object.
pub(crate) fn is_object(raw: &str) -> bool {
    raw.starts_with('{')
}

/// Whether a raw value says nothing: `null`, `""`, `[]` or `{}`.
pub(crate) fn is_empty(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    match (bytes.first(), bytes.len()) {
        (Some(b'{' | b'['), length) => {
            bytes.get(1..length.saturating_sub(1)).is_none_or(|inner| inner.trim_ascii().is_empty())
        }
        _ => matches!(raw, "" | "null" | "\"\""),
    }
}

/// Whether JavaScript would take a raw value for false.
pub(crate) fn is_falsy(raw: &str) -> bool {
    matches!(raw, "null" | "false" | "\"\"") || raw.parse() == Ok(0.0_f64)
}

/// The members of an object, in order, repeated keys included: raw keys and raw values.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(pub(crate) Vec<(&'a str, &'a str)>);

impl<'a> Members<'a> {
    /// The members of a raw object; none of anything else.
    pub(crate) fn of(raw: &'a str) -> Self {
        serde_json::from_str(raw).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            members.push((key.get(), value.get()));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_borrowed_unless_escaped() {
        assert!(matches!(string("\"abc\""), Some(Cow::Borrowed("abc"))));
        assert_eq!(string(r#""a\n\u00e9""#).as_deref(), Some("a\n\u{e9}"));
        assert_eq!(string("12"), None);
    }

    #[test]
    fn emptiness_and_falsehood_are_javascripts() {
        for raw in ["null", "\"\"", "{}", "[ ]", "{\n}"] {
            assert!(is_empty(raw), "{raw}");
        }
        for raw in ["0", "false", "[0]", "{\"a\":1}", "\" \""] {
            assert!(!is_empty(raw), "{raw}");
        }
        for raw in ["null", "\"\"", "false", "0", "-0.0"] {
            assert!(is_falsy(raw), "{raw}");
        }
        for raw in ["1", "\"0\"", "[]", "{}", "true"] {
            assert!(!is_falsy(raw), "{raw}");
        }
    }

    #[test]
    fn members_keep_order_and_repetitions() {
        let members = Members::of(r#"{"b":1, "a":{"x":[ ]},"b":null}"#);
        let expected = [("\"b\"", "1"), ("\"a\"", "{\"x\":[ ]}"), ("\"b\"", "null")];
        assert_eq!(members.0, expected);
        assert!(Members::of("[1]").0.is_empty());
    }
}
