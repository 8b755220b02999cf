//! `heatmaps`: what posthog-js tells of clicks, moves and scrolls on a page, an event a row.

use super::shared;
use crate::column::{Column, Kind, number, optional, property, required, text};

pub(super) const COLUMNS: &[Column] = &[
    shared::uuid(1),
    shared::event(2),
    shared::distinct_id(3),
    shared::timestamp(4),
    shared::created_at(5),
    shared::team_id(6),
    shared::token(7),
    shared::session_id(8),
    shared::window_id(9),
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
    shared::journal_id(14),
    shared::journal_offset(15),
];
