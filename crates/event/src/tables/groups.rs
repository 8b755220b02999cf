//! `groups`: each group as it is after a change, under the names of PostHog's table.

use super::shared::{self, change};
use crate::column::{Column, Kind, Value, required, text};

pub(super) const COLUMNS: &[Column] = &[
    shared::team_id(1),
    shared::group_type_index(2),
    required(3, "group_key", Kind::Text, "The group's key within its type", |s| {
        change(s, |fields| text(&fields.group))
    }),
    shared::version(4),
    required(5, "created_at", Kind::Timestamp, "When the group came to be", |s| {
        change(s, |fields| Value::Timestamp(fields.since_micros))
    }),
    required(6, "group_properties", Kind::Json, "The group's properties", |s| {
        text(&s.row.properties)
    }),
    shared::is_deleted(7),
    shared::changed_at(8),
    shared::journal_id(9),
    shared::journal_offset(10),
];
