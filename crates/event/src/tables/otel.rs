//! `otel`: OpenTelemetry signals as they came, a row for each resource of a request.

use crate::column::{Column, Kind, Value, optional, optional_text, required, text};

pub(super) const COLUMNS: &[Column] = &[
    required(1, "uuid", Kind::Text, "Made by the server", |s| Value::Uuid(s.row.uuid())),
    required(2, "signal", Kind::Text, "`logs`, `traces` or `metrics`", |s| text(&s.row.event)),
    required(3, "received_at", Kind::Timestamp, "When the server received it", |s| {
        Value::Timestamp(s.row.created_at_micros)
    }),
    required(4, "team_id", Kind::Integer, "Project number; 0 for none", |s| {
        Value::Integer(s.row.team_id)
    }),
    required(5, "token", Kind::Text, "Project API key", |s| text(&s.row.token)),
    optional(6, "resource", Kind::Json, "The resource, in OTLP's JSON", |s| {
        optional_text(&s.row.context)
    }),
    required(
        7,
        "body",
        Kind::Json,
        "The resource's `scopeLogs`, `scopeSpans` or `scopeMetrics`, in OTLP's JSON",
        |s| text(&s.row.properties),
    ),
    required(8, "journal_id", Kind::Text, "The journal that took it", |s| {
        Value::Uuid(s.journal_id)
    }),
    required(9, "journal_offset", Kind::Integer, "The row's number in that journal", |s| {
        s.offset()
    }),
];
