//! SQLite: a file of this process's.
//!
//! One connection does everything in turn: there are few statements, and short ones.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql, TransactionBehavior};

use super::{Access, Database, Row, Transaction, Value, Work};
use crate::Error;
use crate::error::Context;

/// How long to wait for commands that write to the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Statements that stay prepared: all of them.
const STATEMENTS: usize = 128;

/// A file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Sqlite {
    /// Opens the file, and creates it where there is none, for its owner alone.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        // SQLite gives the files beside it the same mode.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| Error::File { path: path.to_owned(), source })?;
        let connection = connect(path).context("open")?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }
}

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // A password's hash that was replaced is not to be found in unused parts of the file.
    connection.pragma_update(None, "secure_delete", "ON")?;
    Ok(connection)
}

impl Database for Sqlite {
    fn transact(&self, access: Access, work: &mut Work<'_>) -> Result<(), Error> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let behavior = match access {
            Access::Read => TransactionBehavior::Deferred,
            Access::Write => TransactionBehavior::Immediate,
        };
        let transaction = connection.transaction_with_behavior(behavior).context("open")?;
        work(&mut Within(&transaction))?;
        transaction.commit().context("write")
    }

    fn dialect(&self, statements: &str) -> String {
        statements.to_owned()
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

struct Within<'a>(&'a Connection);

impl Transaction for Within<'_> {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        let mut statement = prepared(self.0, sql, values).context("write")?;
        statement.raw_execute().map(|rows| rows as u64).context("write")
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let mut statement = prepared(self.0, sql, values).context("read")?;
        collect(&mut statement).context("read")
    }

    fn batch(&mut self, sql: &str) -> Result<(), Error> {
        self.0.execute_batch(sql).context("write")
    }
}

/// SQLite takes `$1` for a name, and numbers names as they come.
fn prepared<'a>(
    connection: &'a Connection,
    sql: &str,
    values: &[Value],
) -> Result<CachedStatement<'a>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    for (number, value) in (1..).zip(values) {
        if let Some(index) = statement.parameter_index(&format!("${number}"))? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(statement)
}

fn collect(statement: &mut CachedStatement<'_>) -> Result<Vec<Row>, rusqlite::Error> {
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|column| row.get_ref(column).map(value));
        found.push(Row::new(values.collect::<Result<_, _>>()?));
    }
    Ok(found)
}

fn value(found: ValueRef<'_>) -> Value {
    match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        // No table has such a column.
        ValueRef::Real(number) => Value::Text(number.to_string()),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
