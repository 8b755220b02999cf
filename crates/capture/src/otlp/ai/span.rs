//! A span as sent: raw values, none of them looked into before it is known to be of AI.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::tree;
use super::value::{Properties, attributes};
use crate::Error;
use crate::json;
use crate::memory::Budget;
use crate::otlp::walk::{items, member, members};

/// Bytes of a trace's and of a span's id.
const ID_BYTES: [usize; 2] = [16, 8];

/// A span.
#[derive(Debug, Default)]
pub(super) struct Span<'a> {
    trace_id: Option<&'a str>,
    span_id: Option<&'a str>,
    parent_span_id: Option<&'a str>,
    name: Option<&'a str>,
    start: Option<&'a str>,
    end: Option<&'a str>,
    attributes: Option<&'a str>,
    /// What happened within it, an exception for one.
    pub(super) events: Option<&'a str>,
    pub(super) status: Option<&'a str>,
    /// The library that made it.
    scope: Option<&'a str>,
}

impl<'a> Span<'a> {
    /// Takes a raw span apart.
    pub(super) fn of(raw: &'a str, scope: Option<&'a str>) -> Result<Self, Error> {
        let mut span = Self { scope, ..Self::default() };
        members(raw, &mut |name, value| {
            let place = match name.as_ref() {
                "traceId" | "trace_id" => &mut span.trace_id,
                "spanId" | "span_id" => &mut span.span_id,
                "parentSpanId" | "parent_span_id" => &mut span.parent_span_id,
                "name" => &mut span.name,
                "startTimeUnixNano" | "start_time_unix_nano" => &mut span.start,
                "endTimeUnixNano" | "end_time_unix_nano" => &mut span.end,
                "attributes" => &mut span.attributes,
                "events" => &mut span.events,
                "status" => &mut span.status,
                _ => return Ok(()),
            };
            *place = Some(value);
            Ok(())
        })?;
        Ok(span)
    }

    /// Its trace, as hexadecimal digits.
    pub(super) fn trace_id(&self) -> Option<String> {
        self.trace_id.and_then(id)
    }

    /// Its own id.
    pub(super) fn span_id(&self) -> Option<String> {
        self.span_id.and_then(id)
    }

    /// The span within which it happened.
    pub(super) fn parent_span_id(&self) -> Option<String> {
        self.parent_span_id.and_then(id)
    }

    /// Its name, unless empty.
    pub(super) fn name(&self) -> Option<Cow<'a, str>> {
        self.name.and_then(text)
    }

    /// When it began, in nanoseconds since the epoch; 0 where it does not say.
    pub(super) fn start(&self) -> u64 {
        self.start.map_or(0, nanos)
    }

    /// When it ended, likewise.
    pub(super) fn end(&self) -> u64 {
        self.end.map_or(0, nanos)
    }

    /// The version of the library that made it.
    pub(super) fn scope_version(&self) -> Result<Option<Cow<'a, str>>, Error> {
        Ok(member(self.scope.unwrap_or("null"), "version")?.and_then(text))
    }

    /// Calls back with the key of each attribute.
    pub(super) fn each_key(&self, each: &mut dyn FnMut(&str)) -> Result<(), Error> {
        items(self.attributes.unwrap_or("null"), &mut |attribute| {
            if let Some(key) = member(attribute, "key")?.and_then(json::string) {
                each(&key);
            }
            Ok(())
        })
    }

    /// Its attributes.
    pub(super) fn attributes(&self, budget: &mut Budget<'_>) -> Result<Properties, Error> {
        Ok(attributes(tree::read(self.attributes.unwrap_or("null"), budget)?))
    }
}

/// The attributes of a resource, read when a span of it is of AI.
pub(super) struct Attributes<'a> {
    raw: &'a str,
    read: Option<Properties>,
}

impl<'a> Attributes<'a> {
    /// Those of a raw object with a member `attributes`.
    pub(super) fn of_holder(raw: Option<&'a str>) -> Result<Self, Error> {
        let list = member(raw.unwrap_or("null"), "attributes")?;
        Ok(Self { raw: list.unwrap_or("null"), read: None })
    }

    pub(super) fn read(&mut self, budget: &mut Budget<'_>) -> Result<&Properties, Error> {
        let read = match self.read.take() {
            Some(read) => read,
            None => attributes(tree::read(self.raw, budget)?),
        };
        Ok(self.read.insert(read))
    }
}

fn text(raw: &str) -> Option<Cow<'_, str>> {
    json::string(raw).filter(|text| !text.is_empty())
}

/// An id in lower case; `None` where it is empty or all zeros, which means none. Some exporters write
/// ids as protobuf's JSON writes all bytes, in base64.
fn id(raw: &str) -> Option<String> {
    let text = json::string(raw)?;
    let is_hex = text.len() % 2 == 0 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let of_base64 = || STANDARD.decode(text.as_bytes()).ok();
    let id = match of_base64().filter(|bytes| !is_hex && ID_BYTES.contains(&bytes.len())) {
        Some(bytes) => hex::encode(bytes),
        None => text.to_ascii_lowercase(),
    };
    id.bytes().any(|byte| byte != b'0').then_some(id)
}

/// A time as a number or a string, or in two halves as old versions of OpenTelemetry for JavaScript
/// write it.
fn nanos(raw: &str) -> u64 {
    let value: Value = match raw.len() < 100 {
        true => serde_json::from_str(raw).unwrap_or_default(),
        false => Value::Null,
    };
    match &value {
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().map(|real| real as u64))
        }
        Value::String(text) => text.parse().ok(),
        Value::Object(halves) => {
            let half = |name| halves.get(name).and_then(Value::as_i64).map(|half| half as u32);
            let of_halves = |high, low| u64::from(high) << 32 | u64::from(low);
            half("high").zip(half("low")).map(|(high, low)| of_halves(high, low))
        }
        _ => None,
    }
    .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hexadecimal_however_they_were_written() {
        let hex = "0102030405060708090A0b0c0d0e0f10";
        assert_eq!(id(&json::quote(hex)), Some(hex.to_lowercase()));
        assert_eq!(id("\"AQIDBAUGBwgJCgsMDQ4PEA==\""), Some(hex.to_lowercase()));
        assert_eq!(id("\"AQIDBAUGBwg=\"").as_deref(), Some("0102030405060708"));
        for none in ["\"\"", "null", "\"0000000000000000\"", "7"] {
            assert_eq!(id(none), None);
        }
    }

    #[test]
    fn times_are_read_however_they_were_written() {
        let time = 1_751_367_600_123_456_789;
        assert_eq!(nanos("1751367600123456789"), time);
        assert_eq!(nanos("\"1751367600123456789\""), time);
        assert_eq!(nanos(r#"{"low": -1669550827, "high": 407772045}"#), time);
        for none in ["null", "\"\"", "\"soon\"", "-1", "[]"] {
            assert_eq!(nanos(none), 0, "{none}");
        }
    }
}
