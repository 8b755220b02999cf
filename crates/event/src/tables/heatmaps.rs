//! `heatmaps`: what posthog-js tells of clicks, moves and scrolls on a page, an event a row.

use crate::column::{
    Column, Kind, Value, number, optional, optional_text, property, required, text,
};

pub(super) const COLUMNS: &[Column] = &[
    required(1, "uuid", Kind::Text, "The event's uuid, from the SDK or made by the server", |s| {
        Value::Uuid(s.row.uuid())
    }),
    required(2, "event", Kind::Text, "Event name, `$$heatmap`", |s| text(&s.row.event)),
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
    optional(8, "session_id", Kind::Text, "Property `$session_id`", |s| {
        optional_text(&s.row.session_id)
    }),
    optional(9, "window_id", Kind::Text, "Property `$window_id`", |s| {
        optional_text(&s.row.window_id)
    }),
    optional(10, "current_url", Kind::Text, "Property `$current_url`", |s| {
        property(s, "$current_url")
    }),
    optional(11, "viewport_width", Kind::Integer, "Property `$viewport_width`", |s| {
        number(s, "$viewport_width")
    }),
    optional(12, "viewport_height", Kind::Integer, "Property `$viewport_height`", |s| {
        number(s, "$viewport_height")
    }),
    required(
        13,
        "properties",
        Kind::Json,
        "Event properties; `$heatmap_data` has the points by URL",
        |s| text(&s.row.properties),
    ),
    required(14, "journal_id", Kind::Text, "The journal that took the event", |s| {
        Value::Uuid(s.journal_id)
    }),
    required(15, "journal_offset", Kind::Integer, "The row's number in that journal", |s| {
        s.offset()
    }),
];
