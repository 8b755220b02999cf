//! OpenTelemetry's values as plain JSON.
//!
//! Real exporters write whole numbers as numbers or strings, leave out or null what is empty, and some
//! name members as the `.proto` files do.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

/// The properties of an event in the making.
pub(super) type Properties = Map<String, Value>;

/// Attributes as an object; those without a value are left out, and the last of a name counts.
pub(super) fn attributes(list: Value) -> Properties {
    let mut properties = Properties::new();
    for item in listed(list) {
        let Value::Object(mut item) = item else {
            continue;
        };
        let (key, value) = (item.remove("key"), item.remove("value"));
        if let (Some(Value::String(key)), Some(value)) = (key, value.and_then(plain)) {
            properties.insert(key, value);
        }
    }
    properties
}

/// The value that `{"stringValue": …}` and its like hold.
fn plain(value: Value) -> Option<Value> {
    let Value::Object(members) = value else {
        // Not OTLP, but what else could be meant.
        return Some(value).filter(|value| !value.is_null());
    };
    let (kind, value) = members.into_iter().next()?;
    match kind.as_str() {
        "stringValue" | "string_value" => Some(value),
        "boolValue" | "bool_value" => Some(value),
        "intValue" | "int_value" => whole(value),
        "doubleValue" | "double_value" => real(value),
        "bytesValue" | "bytes_value" => Some(bytes(value)),
        "arrayValue" | "array_value" => Some(listed(values(value)).filter_map(plain).collect()),
        "kvlistValue" | "kvlist_value" => Some(Value::Object(attributes(values(value)))),
        _ => None,
    }
    .filter(|value| !value.is_null())
}

fn values(holder: Value) -> Value {
    match holder {
        Value::Object(mut holder) => holder.remove("values").unwrap_or_default(),
        _ => Value::Null,
    }
}

fn listed(list: Value) -> impl Iterator<Item = Value> {
    match list {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
    .into_iter()
}

fn whole(value: Value) -> Option<Value> {
    match value {
        Value::String(text) => {
            let number = text.parse::<i64>().map(Number::from);
            number.or_else(|_| text.parse::<u64>().map(Number::from)).map(Value::from).ok()
        }
        other => Some(other),
    }
}

fn real(value: Value) -> Option<Value> {
    match value {
        Value::String(text) => Number::from_f64(text.parse().ok()?).map(Value::from),
        other => Some(other),
    }
}

/// Hexadecimal, as PostHog has bytes.
fn bytes(value: Value) -> Value {
    let decoded = value.as_str().and_then(|text| STANDARD.decode(text).ok());
    decoded.map_or(value, |bytes| Value::from(hex::encode(bytes)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_is_plain_json() {
        let list = json!([
            {"key": "text", "value": {"stringValue": "é"}},
            {"key": "number", "value": {"intValue": 7}},
            {"key": "quoted", "value": {"intValue": "-9007199254740993"}},
            {"key": "real", "value": {"double_value": 0.5}},
            {"key": "flag", "value": {"boolValue": false}},
            {"key": "bytes", "value": {"bytesValue": "q80="}},
            {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {}]}}},
            {"key": "object", "value": {"kvlistValue": {"values": [
                {"key": "a", "value": {"stringValue": "b"}},
            ]}}},
        ]);
        let expected = json!({
            "text": "é", "number": 7, "quoted": -9_007_199_254_740_993_i64, "real": 0.5,
            "flag": false, "bytes": "abcd", "list": [1], "object": {"a": "b"},
        });
        assert_eq!(Value::Object(attributes(list)), expected);
    }

    #[test]
    fn what_is_empty_or_no_number_is_left_out() {
        let list = json!([
            {"key": "a"}, {"key": "b", "value": {}}, {"key": "c", "value": null},
            {"key": "d", "value": {"doubleValue": null}}, {"key": "e", "value": {"intValue": "x"}},
            {"key": "f", "value": {"doubleValue": "NaN"}}, {"key": "g", "value": {"other": 1}},
            {"key": "h", "value": {"arrayValue": {}}}, {"value": {"intValue": 1}}, 7,
        ]);
        assert_eq!(Value::Object(attributes(list)), json!({"h": []}));
        assert!(attributes(json!("no list")).is_empty());
    }
}
