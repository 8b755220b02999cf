//! `group_types`: the name of each of a project's types of groups.

use super::shared::{self, change};
use crate::column::{Column, Kind, required, text};

pub(super) const COLUMNS: &[Column] = &[
    shared::team_id(1),
    shared::group_type_index(2),
    required(3, "group_type", Kind::Text, "Its name in `$groups`", |s| {
        change(s, |fields| text(&fields.group))
    }),
    shared::changed_at(4),
    shared::journal_id(5),
    shared::journal_offset(6),
];
