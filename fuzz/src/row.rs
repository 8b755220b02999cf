//! The payload of a journal record: rows or recordings in protobuf.
//!
//! What is no payload is an error. What is one can be read column by column whatever its strings
//! hold, and is the same when it is written and read again.

use bytes::Bytes;
use event::{Kind, Promoted, StoredRow, Value, decode_recordings, decode_rows, encode_row};
use uuid::Uuid;

/// Decodes a payload, once as rows and once as recordings.
pub fn row(input: &[u8]) {
    let payload = Bytes::copy_from_slice(input);
    if let Ok(rows) = decode_rows(payload.clone()) {
        assert!(rows.len() <= input.len(), "a row takes a byte at least");
        rows.iter().for_each(read);
        let mut again = Vec::new();
        rows.iter().for_each(|row| encode_row(row, &mut again));
        assert_eq!(decode_rows(again.into()).expect("rows that were encoded"), rows);
    }
    if let Ok(recordings) = decode_recordings(payload) {
        assert!(recordings.len() <= input.len(), "a recording takes a byte at least");
    }
}

/// Reads every column, each of which must be of its kind.
fn read(row: &event::Row) {
    let promoted = Promoted::of(&row.properties);
    let stored =
        StoredRow { row, promoted: &promoted, journal_id: Uuid::nil(), journal_offset: u64::MAX };
    for column in row.table().columns() {
        let is_of_its_kind = match (column.value)(stored) {
            Value::Null => !column.required,
            Value::Text(_) => matches!(column.kind, Kind::Text | Kind::Json),
            Value::Uuid(_) => column.kind == Kind::Text,
            Value::Integer(_) => column.kind == Kind::Integer,
            Value::Timestamp(_) => column.kind == Kind::Timestamp,
        };
        assert!(is_of_its_kind, "column {}", column.name);
    }
    assert!(!row.timestamp().to_string().is_empty());
}
