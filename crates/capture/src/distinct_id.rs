//! Distinct ids, which SDKs send as any JSON type.

use std::borrow::Cow;

use event::DistinctId;
use event::limits::DISTINCT_ID_CHARS;

use crate::{Error, Note, Notes, json};

/// The distinct id: the first of these raw values that is not blank.
pub(crate) fn of(candidates: &[Option<&str>], notes: &mut Notes) -> Result<DistinctId, Error> {
    let text = candidates
        .iter()
        .flatten()
        .map(|raw| text(raw))
        .find(|text| !text.trim().is_empty())
        .ok_or(Error::MissingDistinctId)?;
    if cut(&text).is_some() {
        notes.take(Note::CutDistinctId);
    }
    Ok(stored(&text))
}

/// A distinct id as events have it that came with this text.
pub fn stored(text: &str) -> DistinctId {
    without_nul(cut(text).unwrap_or(text))
}

/// As much of a text as is kept; `None` for all of it.
fn cut(text: &str) -> Option<&str> {
    let (end, _) = text.char_indices().nth(DISTINCT_ID_CHARS)?;
    text.get(..end)
}

/// A distinct id of this text; databases take no NUL.
pub(crate) fn without_nul(text: &str) -> DistinctId {
    DistinctId::new(match memchr::memchr(0, text.as_bytes()) {
        None => text.to_owned(),
        Some(_) => text.replace('\0', "\u{fffd}"),
    })
}

/// What careless code sends for everyone at once; PostHog's list.
const ILLEGAL: [&str; 20] = [
    "0",
    "00000000-0000-0000-0000-000000000000",
    "[object object]",
    "anonymous",
    "anonymous-user",
    "backend",
    "distinct_id",
    "distinctid",
    "email",
    "false",
    "guest",
    "id",
    "nan",
    "none",
    "not_authenticated",
    "null",
    "system",
    "true",
    "undefined",
    "user",
];

/// Whether a distinct id cannot be that of one person.
pub(crate) fn is_illegal(distinct_id: &str) -> bool {
    let distinct_id = distinct_id.trim();
    ILLEGAL.iter().any(|illegal| distinct_id.eq_ignore_ascii_case(illegal))
}

/// A string as it is; anything else as compact JSON, `null` as nothing.
pub(crate) fn text(raw: &str) -> Cow<'_, str> {
    match json::string(raw) {
        Some(text) => text,
        None if raw == "null" => Cow::Borrowed(""),
        None if raw.bytes().all(|byte| byte.is_ascii_digit()) => Cow::Borrowed(raw),
        None => serde_json::from_str::<serde_json::Value>(raw)
            .map_or(Cow::Borrowed(raw), |value| Cow::Owned(value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(raw: &str) -> Option<String> {
        let distinct_id = of(&[Some(raw)], &mut Notes::default()).ok()?;
        Some(distinct_id.into_string())
    }

    #[test]
    fn an_application_s_id_is_stored_as_an_event_s() {
        for id in ["jane", &"€".repeat(250), "a\0b"] {
            let raw = serde_json::to_string(id).unwrap();
            let of_event = of(&[Some(&raw)], &mut Notes::default()).unwrap();
            assert_eq!(stored(id).as_str(), of_event.as_str());
        }
    }

    #[test]
    fn any_type_becomes_text() {
        assert_eq!(id("\"  u 1 \"").as_deref(), Some("  u 1 "));
        assert_eq!(id("18446744073709551615").as_deref(), Some("18446744073709551615"));
        assert_eq!(id("1.50").as_deref(), Some("1.5"));
        assert_eq!(id("true").as_deref(), Some("true"));
        assert_eq!(id("[ \"a\", 1 ]").as_deref(), Some("[\"a\",1]"));
        assert_eq!(id("{ \"k\" : \"v\" }").as_deref(), Some("{\"k\":\"v\"}"));
    }

    #[test]
    fn blank_and_null_are_missing() {
        for raw in ["\"\"", "\" \\n\"", "null"] {
            assert_eq!(id(raw), None);
        }
        let fallback = of(&[Some("\"\""), None, Some("7")], &mut Notes::default());
        assert_eq!(fallback.unwrap().as_str(), "7");
    }

    #[test]
    fn nul_is_replaced_and_length_counts_characters() {
        assert_eq!(id("\"a\\u0000b\"").as_deref(), Some("a\u{fffd}b"));
        let mut notes = Notes::default();
        let long = format!("\"{}\"", "€".repeat(201));
        let cut = of(&[Some(&long)], &mut notes).unwrap();
        assert_eq!(cut.as_str(), "€".repeat(200));
        assert_eq!(notes.count(Note::CutDistinctId), 1);
    }
}
