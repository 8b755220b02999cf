//! What went wrong in a span.

use serde_json::Value;

use super::draft::Draft;
use super::span::Span;
use super::tree;
use super::value::{Properties, attributes};
use crate::Error;
use crate::memory::Budget;
use crate::otlp::walk::items;

/// Attributes by which HTTP clients tell their status.
const STATUS_KEYS: [&str; 7] = [
    "$ai_http_status",
    "http.response.status_code",
    "http.status_code",
    "http.status",
    "status_code",
    "error.status_code",
    "exception.status_code",
];
const UNKNOWN: &str = "OpenTelemetry span status error";
const SERVER_ERROR: i64 = 500;
/// How far behind the word `http` or `status` a number is its status.
const NEAR_CHARS: usize = 40;

/// Adds `$ai_is_error`, `$ai_error` and `$ai_http_status` where the span's status is an error.
pub(super) fn apply(
    span: &Span<'_>,
    draft: &mut Draft,
    budget: &mut Budget<'_>,
) -> Result<(), Error> {
    let status = tree::read(span.status.unwrap_or("null"), budget)?;
    if !is_error(&status) {
        return Ok(());
    }
    let exception = exception(span, budget)?.unwrap_or_default();
    let said = status.get("message").and_then(Value::as_str).unwrap_or_default();
    draft.set("$ai_is_error", true);
    if !draft.has("$ai_error") {
        let told = message(&exception).unwrap_or_else(|| match said {
            "" => UNKNOWN.to_owned(),
            said => said.to_owned(),
        });
        draft.set("$ai_error", told);
    }
    if !draft.has("$ai_http_status") {
        let in_texts = || {
            let mut texts = ["exception.message", "error.message"].into_iter();
            texts.find_map(|key| in_text(exception.get(key)?.as_str()?))
        };
        let found = in_attributes(&exception)
            .or_else(in_texts)
            .or_else(|| in_attributes(&draft.properties))
            .or_else(|| in_text(said));
        draft.set("$ai_http_status", found.unwrap_or(SERVER_ERROR));
    }
    Ok(())
}

fn is_error(status: &Value) -> bool {
    match status.get("code") {
        Some(Value::Number(code)) => code.as_u64() == Some(2),
        Some(Value::String(code)) => matches!(code.as_str(), "2" | "STATUS_CODE_ERROR"),
        _ => false,
    }
}

/// The attributes of the last exception within a span.
fn exception(span: &Span<'_>, budget: &mut Budget<'_>) -> Result<Option<Properties>, Error> {
    let mut last = None;
    items(span.events.unwrap_or("null"), &mut |event| {
        // Whatever is one has this word as its name, or within those of its attributes.
        if memchr::memmem::find(event.as_bytes(), b"exception").is_some() {
            let Value::Object(mut event) = tree::read(event, budget)? else {
                return Ok(());
            };
            let is_named = event.get("name").is_some_and(|name| name == "exception");
            let told = attributes(event.remove("attributes").unwrap_or_default());
            let is_typed = ["exception.message", "exception.type"];
            if is_named || is_typed.iter().any(|key| told.contains_key(*key)) {
                last = Some(told);
            }
        }
        Ok(())
    })?;
    Ok(last)
}

fn message(exception: &Properties) -> Option<String> {
    let text = |key: &str| exception.get(key)?.as_str().filter(|text| !text.is_empty());
    match (text("exception.type"), text("exception.message")) {
        (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

fn in_attributes(attributes: &Properties) -> Option<i64> {
    STATUS_KEYS.iter().find_map(|key| match attributes.get(*key)? {
        Value::Number(number) => number.as_i64().filter(is_status),
        Value::String(text) => text.parse().ok().filter(is_status),
        _ => None,
    })
}

/// A number of three digits soon after `http` or `status`.
fn in_text(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    ["http", "status"].into_iter().find_map(|word| {
        let mut behind = lower.split(word).skip(1);
        behind.find_map(|behind| {
            let end = behind.char_indices().nth(NEAR_CHARS).map_or(behind.len(), |(end, _)| end);
            let near = behind.get(..end).unwrap_or_default();
            let mut numbers = near.split(|character: char| !character.is_ascii_digit());
            numbers.find_map(|digits| {
                let status = digits.parse().ok().filter(is_status);
                status.filter(|_| digits.len() == 3)
            })
        })
    })
}

fn is_status(status: &i64) -> bool {
    (100..=599).contains(status)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::provider::GENERATION;
    use super::*;
    use crate::{Settings, Unbounded};

    fn applied(span: Value, properties: Value) -> Value {
        let Value::Object(properties) = properties else {
            panic!("an object");
        };
        let mut draft = Draft { event: GENERATION, properties };
        let span = span.to_string();
        let mut memory = Unbounded;
        let mut budget = Budget::new(&mut memory, &Settings::default(), 0);
        apply(&Span::of(&span, None).unwrap(), &mut draft, &mut budget).unwrap();
        Value::Object(draft.properties)
    }

    fn event(attributes: Value) -> Value {
        json!({"name": "exception", "attributes": attributes})
    }

    #[test]
    fn the_last_exception_tells_what_and_its_text_may_tell_the_status() {
        let span = json!({"status": {"code": 2, "message": "failed"}, "events": [
            event(json!([{"key": "exception.message", "value": {"stringValue": "first"}}])),
            event(json!([
                {"key": "exception.type", "value": {"stringValue": "RateLimitError"}},
                {"key": "exception.message", "value": {"stringValue": "answered HTTP/1.1 429"}},
            ])),
            {"name": "retry"},
        ]});
        let expected = json!({
            "$ai_is_error": true, "$ai_error": "RateLimitError: answered HTTP/1.1 429",
            "$ai_http_status": 429,
        });
        assert_eq!(applied(span, json!({})), expected);
    }

    #[test]
    fn without_an_exception_the_status_tells_and_what_was_set_stays() {
        let span = json!({"status": {"code": "STATUS_CODE_ERROR", "message": "status: 503!"}});
        let expected =
            json!({"$ai_is_error": true, "$ai_error": "status: 503!", "$ai_http_status": 503});
        assert_eq!(applied(span.clone(), json!({})), expected);
        let set = json!({"$ai_is_error": true, "$ai_error": "own", "$ai_http_status": 418});
        assert_eq!(applied(span, set.clone()), set);
        let silent = applied(json!({"status": {"code": 2}}), json!({"http.status_code": "404"}));
        assert_eq!(silent["$ai_error"], UNKNOWN);
        assert_eq!(silent["$ai_http_status"], 404);
        let unknown = applied(json!({"status": {"code": 2, "message": "http 12345"}}), json!({}));
        assert_eq!(unknown["$ai_http_status"], 500);
    }

    #[test]
    fn an_exception_in_a_span_that_went_well_is_none() {
        let events = [event(json!([{"key": "exception.type", "value": {"stringValue": "E"}}]))];
        for code in [json!(0), json!(1), json!(null)] {
            let span = json!({"status": {"code": code}, "events": events});
            assert_eq!(applied(span, json!({})), json!({}));
        }
    }
}
