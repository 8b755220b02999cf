//! A column: what it holds, and how it is read from a stored row.

use std::borrow::Cow;

use uuid::Uuid;

use crate::{Promoted, Row};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// JSON as text.
    Json,
    /// 64-bit integer.
    Integer,
    /// UTC microseconds since the epoch.
    Timestamp,
}

/// A value of a row, of its column's kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// For [`Kind::Text`] and [`Kind::Json`].
    Text(Cow<'a, str>),
    /// For [`Kind::Text`]: a uuid, hyphenated and in lower case.
    Uuid(Uuid),
    /// For [`Kind::Integer`].
    Integer(i64),
    /// For [`Kind::Timestamp`], in microseconds.
    Timestamp(i64),
}

/// A row at its place in the journal.
#[derive(Clone, Copy, Debug)]
pub struct StoredRow<'a> {
    /// The row.
    pub row: &'a Row,
    /// Its promoted properties.
    pub promoted: &'a Promoted<'a>,
    /// The journal that holds it.
    pub journal_id: Uuid,
    /// Its number in that journal.
    pub journal_offset: u64,
}

impl<'a> StoredRow<'a> {
    /// Its offset as a value.
    pub(crate) fn offset(self) -> Value<'a> {
        Value::Integer(i64::try_from(self.journal_offset).unwrap_or(i64::MAX))
    }
}

/// A column of a [`Table`](crate::Table).
#[derive(Debug)]
pub struct Column {
    /// Iceberg field id; never reused.
    pub id: i32,
    /// Name, PostHog's where PostHog has the column.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it is never NULL.
    pub required: bool,
    /// What it means and where it comes from, for the reference.
    pub doc: &'static str,
    /// Reads it from a row.
    pub value: for<'a> fn(StoredRow<'a>) -> Value<'a>,
}

pub(crate) type Read = for<'a> fn(StoredRow<'a>) -> Value<'a>;

pub(crate) const fn required(
    id: i32,
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    value: Read,
) -> Column {
    Column { id, name, kind, required: true, doc, value }
}

pub(crate) const fn optional(
    id: i32,
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    value: Read,
) -> Column {
    Column { id, name, kind, required: false, doc, value }
}

pub(crate) fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

pub(crate) fn optional_text(text: &Option<String>) -> Value<'_> {
    text.as_deref().map_or(Value::Null, |text| Value::Text(Cow::Borrowed(text)))
}

pub(crate) fn timestamp<'a>(micros: Option<i64>) -> Value<'a> {
    micros.map_or(Value::Null, Value::Timestamp)
}

pub(crate) fn group(row: &Row, index: usize) -> Value<'_> {
    match row.groups.get(index).map(String::as_str) {
        None | Some("") => Value::Null,
        Some(key) => text(key),
    }
}

pub(crate) fn property<'a>(stored: StoredRow<'a>, name: &str) -> Value<'a> {
    stored.promoted.text(name).map_or(Value::Null, Value::Text)
}

pub(crate) fn number<'a>(stored: StoredRow<'a>, name: &str) -> Value<'a> {
    stored.promoted.integer(name).map_or(Value::Null, Value::Integer)
}
