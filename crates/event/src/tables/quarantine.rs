//! `quarantine`: what was accepted and is not counted, so that nothing is lost without a trace.

use super::shared;
use crate::column::{Column, Kind, optional, optional_text, required, text};

pub(super) const COLUMNS: &[Column] = &[
    shared::uuid(1),
    shared::event(2),
    shared::distinct_id(3),
    shared::timestamp(4),
    shared::created_at(5),
    shared::team_id(6),
    shared::token(7),
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
    shared::context(12),
    shared::extra(13),
    shared::journal_id(14),
    shared::journal_offset(15),
];
