//! The payload of a journal record: rows, each behind its length.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use prost::Message;
use serde_json::value::RawValue;

use crate::Row;

/// A record's payload is not what [`encode_row`] wrote.
#[derive(Debug)]
pub struct RowsError {
    row: usize,
    cause: prost::DecodeError,
}

impl fmt::Display for RowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} of the record cannot be decoded: {}", self.row, self.cause)
    }
}

impl std::error::Error for RowsError {}

/// Appends a row to a record's payload.
pub fn encode_row(row: &Row, payload: &mut Vec<u8>) {
    row.encode_length_delimited(payload).expect("a Vec grows as needed");
}

/// Decodes all rows of a record's payload.
///
/// # Errors
/// When a row is cut short or is not protobuf.
pub fn decode_rows(mut payload: Bytes) -> Result<Vec<Row>, RowsError> {
    let mut rows = Vec::new();
    while !payload.is_empty() {
        let row = Row::decode_length_delimited(&mut payload)
            .map_err(|cause| RowsError { row: rows.len(), cause })?;
        rows.push(row);
    }
    Ok(rows)
}

/// Members of `over` on top of those of `under`, both JSON objects.
pub(crate) fn overlay<'a>(under: Option<&'a str>, over: Option<&'a str>) -> Option<Cow<'a, str>> {
    let (under, over) = match (under, over) {
        (Some(under), Some(over)) => (under, over),
        (one, other) => return one.or(other).map(Cow::Borrowed),
    };
    let mut merged = members(under);
    merged.extend(members(over));
    Some(Cow::Owned(serde_json::to_string(&merged).expect("a map of JSON values is JSON")))
}

/// The members of a JSON object, their values as sent.
fn members(object: &str) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(object).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let rows: Vec<Row> = (0..3)
            .map(|number| Row {
                event: format!("event {number}"),
                uuid_low: number,
                ..Row::default()
            })
            .collect();
        let mut payload = Vec::new();
        rows.iter().for_each(|row| encode_row(row, &mut payload));
        assert_eq!(decode_rows(payload.into()).unwrap(), rows);
    }

    #[test]
    fn a_cut_payload_is_an_error() {
        let mut payload = Vec::new();
        encode_row(&Row { event: "purchase".into(), ..Row::default() }, &mut payload);
        payload.pop();
        assert!(decode_rows(payload.into()).is_err());
    }

    #[test]
    fn set_wins_over_set_once() {
        let merged = overlay(Some(r#"{"a":1,"b":1}"#), Some(r#"{"b":2.0}"#));
        assert_eq!(merged.as_deref(), Some(r#"{"a":1,"b":2.0}"#));
    }
}
