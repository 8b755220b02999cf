//! `person_distinct_ids`: whose each distinct id is, under the names of PostHog's
//! `person_distinct_id2`.

use super::shared;
use crate::column::{Column, Kind, Value, required, text};

pub(super) const COLUMNS: &[Column] = &[
    shared::team_id(1),
    required(2, "distinct_id", Kind::Text, "As the application names the user", |s| {
        text(&s.row.distinct_id)
    }),
    required(3, "person_id", Kind::Text, "The person", |s| Value::Uuid(s.row.person_id().0)),
    shared::version(4),
    shared::is_deleted(5),
    shared::changed_at(6),
    shared::journal_id(7),
    shared::journal_offset(8),
];
