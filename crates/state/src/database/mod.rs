//! What is needed of a database: transactions of statements in the SQL that SQLite and PostgreSQL share.
//!
//! Parameters are `$1`, `$2` …; values are numbers, text and bytes; truth is 0 or 1, and times are
//! microseconds. Whoever writes is alone, so that what was read in a transaction still holds where it
//! is written, whichever database it is, and however many nodes there are.

mod postgres;
mod sqlite;

use std::fmt::Debug;
use std::str::FromStr;

use event::Timestamp;
use uuid::Uuid;

use crate::Error;

pub(crate) use postgres::Postgres;
pub use postgres::{Connect, Connecting};
pub(crate) use sqlite::Sqlite;

/// Whether a transaction changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// What is done in a transaction. It may be done again where the database asks for that.
pub(crate) type Work<'a> = dyn FnMut(&mut dyn Transaction) -> Result<(), Error> + 'a;

/// Keeps tables.
pub(crate) trait Database: Debug + Send + Sync {
    /// Does all of it, or nothing where it fails.
    fn transact(&self, access: Access, work: &mut Work<'_>) -> Result<(), Error>;

    /// The statements that make tables, as this database has them: `INTEGER` has 64 bits here.
    fn dialect(&self, statements: &str) -> String;

    /// Where it is, for messages.
    fn place(&self) -> String;
}

/// Runs statements.
pub(crate) trait Transaction {
    /// Runs one that changes rows, and counts them.
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error>;

    /// Runs one that returns rows.
    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error>;

    /// Runs several, without parameters.
    fn batch(&mut self, sql: &str) -> Result<(), Error>;
}

impl dyn Transaction + '_ {
    /// The first row.
    pub(crate) fn first(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// The number in the first column of the first row.
    pub(crate) fn number(&mut self, sql: &str, values: &[Value]) -> Result<Option<i64>, Error> {
        self.first(sql, values)?.map(|mut row| row.integer()).transpose()
    }
}

/// A value of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Value {
    fn from(is_so: bool) -> Self {
        Self::Integer(is_so.into())
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.as_micros())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Text(id.to_string())
    }
}

impl From<crate::secret::Hash> for Value {
    fn from(hash: crate::secret::Hash) -> Self {
        Self::Bytes(hash.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row, whose columns are taken one after the other.
#[derive(Debug)]
pub(crate) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    pub(crate) fn integer(&mut self) -> Result<i64, Error> {
        self.optional_integer()?.ok_or_else(|| damaged("a number", &Value::Null))
    }

    pub(crate) fn optional_integer(&mut self) -> Result<Option<i64>, Error> {
        match self.next() {
            Value::Integer(number) => Ok(Some(number)),
            Value::Null => Ok(None),
            other => Err(damaged("a number", &other)),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String, Error> {
        self.optional_text()?.ok_or_else(|| damaged("text", &Value::Null))
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, Error> {
        match self.next() {
            Value::Text(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            other => Err(damaged("text", &other)),
        }
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Error> {
        Ok(self.integer()? != 0)
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, Error> {
        self.integer().map(Timestamp::from_micros)
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>, Error> {
        Ok(self.optional_integer()?.map(Timestamp::from_micros))
    }

    /// Text that stands for something.
    pub(crate) fn named<T: FromStr>(&mut self, what: &'static str) -> Result<T, Error> {
        let text = self.text()?;
        text.parse().map_err(|_| Error::Damaged { what, value: text })
    }

    pub(crate) fn optional_id(&mut self) -> Result<Option<Uuid>, Error> {
        let parse =
            |text: String| text.parse().map_err(|_| Error::Damaged { what: "an id", value: text });
        self.optional_text()?.map(parse).transpose()
    }

    fn next(&mut self) -> Value {
        self.0.next().unwrap_or(Value::Null)
    }
}

/// Says what was found, unless it may be a secret.
fn damaged(what: &'static str, found: &Value) -> Error {
    let value = match found {
        Value::Null => "nothing",
        Value::Integer(_) => "a number",
        Value::Text(_) => "text",
        Value::Bytes(_) => "bytes",
    };
    Error::Damaged { what, value: value.to_owned() }
}
