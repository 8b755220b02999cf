//! `quarantine`: what was accepted and is not counted, so that nothing is lost without a trace.

use crate::column::{Column, Kind, Value, optional, optional_text, required, text};

pub(super) const COLUMNS: &[Column] = &[
    required(1, "uuid", Kind::Text, "The event's uuid, from the SDK or made by the server", |s| {
        Value::Uuid(s.row.uuid())
    }),
    required(2, "event", Kind::Text, "Event name", |s| text(&s.row.event)),
    required(3, "distinct_id", Kind::Text, "Whose event it is", |s| text(&s.row.distinct_id)),
    required(
        4,
        "timestamp",
        Kind::Timestamp,
        "When it happened, corrected for the client's clock",
        |s| Value::Timestamp(s.row.timestamp_micros),
    ),
    required(5, "created_at", Kind::Timestamp, "When the server received it", |s| {
        Value::Timestamp(s.row.created_at_micros)
    }),
    required(6, "team_id", Kind::Integer, "Project number; 0 for none", |s| {
        Value::Integer(s.row.team_id)
    }),
    required(7, "token", Kind::Text, "Project API key", |s| text(&s.row.token)),
    required(
        8,
        "reason",
        Kind::Text,
        "Why it is here, in PostHog's words where it has some",
        |s| text(s.row.reason.as_deref().unwrap_or("unknown_table")),
    ),
    required(9, "properties", Kind::Json, "Event properties as sent", |s| text(&s.row.properties)),
    optional(10, "set", Kind::Json, "What it would have set of its person", |s| {
        optional_text(&s.row.set)
    }),
    optional(11, "set_once", Kind::Json, "Likewise, where the person has nothing yet", |s| {
        optional_text(&s.row.set_once)
    }),
    optional(12, "context", Kind::Json, "Member `context` of the request", |s| {
        optional_text(&s.row.context)
    }),
    optional(13, "extra", Kind::Json, "Members of the request that have no other place", |s| {
        optional_text(&s.row.extra)
    }),
    required(14, "journal_id", Kind::Text, "The journal that took the event", |s| {
        Value::Uuid(s.journal_id)
    }),
    required(15, "journal_offset", Kind::Integer, "The row's number in that journal", |s| {
        s.offset()
    }),
];
