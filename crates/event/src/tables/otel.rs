//! `otel`: OpenTelemetry signals as they came, a row for each resource of a request.

use super::shared;
use crate::column::{Column, Kind, Value, optional, optional_text, required, text};

pub(super) const COLUMNS: &[Column] = &[
    required(1, "uuid", Kind::Text, "Made by the server", |s| Value::Uuid(s.row.uuid())),
    required(2, "signal", Kind::Text, "`logs`, `traces` or `metrics`", |s| text(&s.row.event)),
    required(3, "received_at", Kind::Timestamp, "When the server received it", |s| {
        Value::Timestamp(s.row.created_at_micros)
    }),
    shared::team_id(4),
    shared::token(5),
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
    shared::journal_id(8),
    shared::journal_offset(9),
];
