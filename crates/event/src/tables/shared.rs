//! Columns that tables beside `events` have alike, but for their ids.

use crate::column::{Column, Kind, StoredRow, Value, optional, optional_text, required, text};
use crate::row::ChangeFields;

pub(super) const fn uuid(id: i32) -> Column {
    required(id, "uuid", Kind::Text, "The event's uuid, from the SDK or made by the server", |s| {
        Value::Uuid(s.row.uuid())
    })
}

pub(super) const fn event(id: i32) -> Column {
    required(id, "event", Kind::Text, "Event name", |s| text(&s.row.event))
}

pub(super) const fn distinct_id(id: i32) -> Column {
    required(id, "distinct_id", Kind::Text, "Whose event it is", |s| text(&s.row.distinct_id))
}

pub(super) const fn timestamp(id: i32) -> Column {
    required(
        id,
        "timestamp",
        Kind::Timestamp,
        "When it happened, corrected for the client's clock",
        |s| Value::Timestamp(s.row.timestamp_micros),
    )
}

pub(super) const fn created_at(id: i32) -> Column {
    required(id, "created_at", Kind::Timestamp, "When the server received it", |s| {
        Value::Timestamp(s.row.created_at_micros)
    })
}

pub(super) const fn team_id(id: i32) -> Column {
    required(id, "team_id", Kind::Integer, "Project number; 0 for none", |s| {
        Value::Integer(s.row.team_id)
    })
}

pub(super) const fn token(id: i32) -> Column {
    required(id, "token", Kind::Text, "Project API key", |s| text(&s.row.token))
}

pub(super) const fn session_id(id: i32) -> Column {
    optional(id, "session_id", Kind::Text, "Property `$session_id`", |s| {
        optional_text(&s.row.session_id)
    })
}

pub(super) const fn window_id(id: i32) -> Column {
    optional(id, "window_id", Kind::Text, "Property `$window_id`", |s| {
        optional_text(&s.row.window_id)
    })
}

pub(super) const fn context(id: i32) -> Column {
    optional(id, "context", Kind::Json, "Member `context` of the request", |s| {
        optional_text(&s.row.context)
    })
}

pub(super) const fn extra(id: i32) -> Column {
    optional(id, "extra", Kind::Json, "Members of the request that have no other place", |s| {
        optional_text(&s.row.extra)
    })
}

pub(super) const fn journal_id(id: i32) -> Column {
    required(id, "journal_id", Kind::Text, "The journal that took it", |s| {
        Value::Uuid(s.journal_id)
    })
}

pub(super) const fn journal_offset(id: i32) -> Column {
    required(id, "journal_offset", Kind::Integer, "The row's number in that journal", |s| {
        s.offset()
    })
}

pub(super) const fn version(id: i32) -> Column {
    required(id, "version", Kind::Integer, "Of the rows of one key the highest counts", |s| {
        change(s, |fields| Value::Integer(fields.version))
    })
}

pub(super) const fn is_deleted(id: i32) -> Column {
    required(id, "is_deleted", Kind::Integer, "1 for what is gone, else 0", |s| {
        change(s, |fields| Value::Integer(fields.is_deleted.into()))
    })
}

pub(super) const fn group_type_index(id: i32) -> Column {
    required(
        id,
        "group_type_index",
        Kind::Integer,
        "Which of the project's types of groups, 0 to 4",
        |s| change(s, |fields| Value::Integer(fields.group_type_index)),
    )
}

pub(super) const fn changed_at(id: i32) -> Column {
    required(id, "changed_at", Kind::Timestamp, "When the server received what changed it", |s| {
        Value::Timestamp(s.row.created_at_micros)
    })
}

/// A member of a change; that of a row without one is as protobuf has it.
pub(super) fn change<'a>(
    stored: StoredRow<'a>,
    member: impl FnOnce(&'a ChangeFields) -> Value<'a>,
) -> Value<'a> {
    static NONE: ChangeFields = ChangeFields::NONE;
    member(stored.row.change.as_deref().unwrap_or(&NONE))
}
