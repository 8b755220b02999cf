//! `erasures`: that something was erased, and when; never whose it was.

use super::shared;
use crate::column::{Column, Kind, StoredRow, Value, required, text};
use crate::erasure::ErasureFields;

pub(super) const COLUMNS: &[Column] = &[
    required(1, "id", Kind::Text, "The erasure, as its receipt names it", |s| {
        Value::Uuid(s.row.uuid())
    }),
    shared::team_id(2),
    required(3, "kind", Kind::Text, "`delete` or `anonymize`", |s| text(erasure(s).kind())),
    required(4, "distinct_ids", Kind::Integer, "How many distinct ids were erased", |s| {
        Value::Integer(i64::try_from(erasure(s).distinct_ids.len()).unwrap_or(i64::MAX))
    }),
    required(5, "requested_at", Kind::Timestamp, "When it was asked for", |s| {
        Value::Timestamp(s.row.created_at_micros)
    }),
    shared::journal_id(6),
    required(
        7,
        "journal_offset",
        Kind::Integer,
        "Its place in that journal: rows before it are erased",
        |s| s.offset(),
    ),
];

/// What a row asks for; of a row that asks for nothing, as protobuf has it.
fn erasure(stored: StoredRow<'_>) -> &ErasureFields {
    static NONE: ErasureFields = ErasureFields::NONE;
    stored.row.erasure.as_deref().unwrap_or(&NONE)
}
