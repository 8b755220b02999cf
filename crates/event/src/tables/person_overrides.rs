//! `person_overrides`: whose the rows of a person are that became another's.

use super::shared::{self, change};
use crate::column::{Column, Kind, Value, required};

pub(super) const COLUMNS: &[Column] = &[
    shared::team_id(1),
    required(2, "old_person_id", Kind::Text, "`person_id` in rows as written", |s| {
        change(s, |fields| Value::Uuid(fields.old_person_id().0))
    }),
    required(3, "person_id", Kind::Text, "The person that they belong to; never overridden", |s| {
        Value::Uuid(s.row.person_id().0)
    }),
    shared::version(4),
    shared::changed_at(5),
    shared::journal_id(6),
    shared::journal_offset(7),
];
