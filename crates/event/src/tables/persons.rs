//! `persons`: each person as it is after a change, under the names of PostHog's `person`.

use super::shared::{self, change};
use crate::column::{Column, Kind, Value, optional, required, text, timestamp};

pub(super) const COLUMNS: &[Column] = &[
    shared::team_id(1),
    required(2, "id", Kind::Text, "The person; `person_id` elsewhere", |s| {
        Value::Uuid(s.row.person_id().0)
    }),
    shared::version(3),
    required(4, "created_at", Kind::Timestamp, "When the person came to be", |s| {
        change(s, |fields| Value::Timestamp(fields.since_micros))
    }),
    required(
        5,
        "is_identified",
        Kind::Integer,
        "1 when the application has said who it is, else 0",
        |s| change(s, |fields| Value::Integer(fields.is_identified.into())),
    ),
    required(6, "properties", Kind::Json, "The person's properties", |s| text(&s.row.properties)),
    optional(
        7,
        "last_seen_at",
        Kind::Timestamp,
        "When an event of it came last, to the hour, where that is kept",
        |s| change(s, |fields| timestamp(fields.last_seen_at_micros)),
    ),
    shared::is_deleted(8),
    shared::changed_at(9),
    shared::journal_id(10),
    shared::journal_offset(11),
];
