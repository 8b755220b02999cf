//! PostgreSQL: what several nodes share, in a schema of its own.
//!
//! One connection does everything in turn, as in SQLite. Who writes holds an advisory lock to the end of
//! the transaction, so that all that write, on whichever node, do so one after the other.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Statement};

use super::{Access, Database, Row, Transaction, Value, Work};
use crate::Error;

/// Whoever holds this advisory lock writes.
const LOCK: i64 = 0x686f_6766_7365_7400;
/// How long PostgreSQL may take for anything.
const PATIENCE: Duration = Duration::from_secs(15);

const PREPARE: &str = "
DO $$ BEGIN
    IF to_regnamespace('hogflare_settings') IS NULL THEN CREATE SCHEMA hogflare_settings; END IF;
END $$;
";

/// A connection that is being made; whatever drives it ends with its client.
pub type Connecting = Pin<Box<dyn Future<Output = Result<Client, String>> + Send>>;

/// Connects to PostgreSQL, as often as connections end.
#[derive(Clone)]
pub struct Connect {
    /// Where that is, without what is secret of it.
    pub place: String,
    /// Makes another connection.
    pub open: Arc<dyn Fn() -> Connecting + Send + Sync>,
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("place", &self.place).finish_non_exhaustive()
    }
}

/// A schema.
#[derive(Debug)]
pub(crate) struct Postgres {
    connect: Connect,
    waiting: Waiting,
    link: Mutex<Option<Link>>,
}

struct Link {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Postgres {
    pub(crate) fn new(connect: Connect) -> Result<Self, Error> {
        Ok(Self { connect, waiting: Waiting::new()?, link: Mutex::new(None) })
    }

    fn link(&self) -> Result<Link, Error> {
        let opened = self.waiting.wait_for(async {
            let client = (self.connect.open)().await.map_err(Error::Unreachable)?;
            let set_up = format!(
                "SELECT pg_advisory_lock({LOCK}); {PREPARE} SELECT pg_advisory_unlock({LOCK});
                 SET search_path TO hogflare_settings"
            );
            client.batch_execute(&set_up).await.map_err(|error| failed(&error))?;
            Ok(client)
        });
        Ok(Link { client: opened?, statements: HashMap::new() })
    }
}

impl Database for Postgres {
    fn transact(&self, access: Access, work: &mut Work<'_>) -> Result<(), Error> {
        let mut kept = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let mut link = match kept.take().filter(|link| !link.client.is_closed()) {
            Some(link) => link,
            None => self.link()?,
        };
        let begin = match access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
            Access::Write => format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})"),
        };
        let mut within = Within { waiting: &self.waiting, link: &mut link };
        within.batch(&begin)?;
        // A connection on which that fails is not used again.
        match work(&mut within) {
            Ok(()) => within.batch("COMMIT")?,
            Err(error) => {
                within.batch("ROLLBACK")?;
                *kept = Some(link);
                return Err(error);
            }
        }
        *kept = Some(link);
        Ok(())
    }

    fn dialect(&self, statements: &str) -> String {
        let statements = statements.replace("INTEGER", "bigint").replace("BLOB", "bytea");
        statements.replace(") STRICT", ")")
    }

    fn place(&self) -> String {
        self.connect.place.clone()
    }
}

struct Within<'a> {
    waiting: &'a Waiting,
    link: &'a mut Link,
}

impl Within<'_> {
    fn prepared(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.link.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.waiting.wait_for(async {
            self.link.client.prepare(sql).await.map_err(|error| failed(&error))
        })?;
        self.link.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Transaction for Within<'_> {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        let statement = self.prepared(sql)?;
        let values = parameters(values);
        self.waiting.wait_for(async {
            let done = self.link.client.execute(&statement, &values).await;
            done.map_err(|error| failed(&error))
        })
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let statement = self.prepared(sql)?;
        let values = parameters(values);
        let rows = self.waiting.wait_for(async {
            let rows = self.link.client.query(&statement, &values).await;
            rows.map_err(|error| failed(&error))
        })?;
        rows.iter().map(row).collect()
    }

    fn batch(&mut self, sql: &str) -> Result<(), Error> {
        self.waiting.wait_for(async {
            self.link.client.batch_execute(sql).await.map_err(|error| failed(&error))
        })
    }
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn row(found: &tokio_postgres::Row) -> Result<Row, Error> {
    let values = (0..found.len()).map(|index| {
        let kind = found.columns()[index].type_();
        let value = match *kind {
            Type::INT4 => found.try_get::<_, Option<i32>>(index).map(|n| n.map(i64::from).into()),
            Type::INT8 => found.try_get::<_, Option<i64>>(index).map(Value::from),
            Type::BYTEA => found
                .try_get::<_, Option<Vec<u8>>>(index)
                .map(|bytes| bytes.map_or(Value::Null, Value::Bytes)),
            _ => found.try_get::<_, Option<String>>(index).map(Value::from),
        };
        value.map_err(|error| failed(&error))
    });
    values.collect::<Result<_, _>>().map(Row::new)
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql_checked(kind, out),
            Self::Text(text) => text.to_sql_checked(kind, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn failed(error: &tokio_postgres::Error) -> Error {
    let mut cause = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        cause = format!("{cause}: {error}");
        source = error.source();
    }
    Error::Unreachable(cause)
}

/// A runtime for threads that wait.
#[derive(Debug)]
struct Waiting(Option<Runtime>);

impl Waiting {
    fn new() -> Result<Self, Error> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("settings-postgres").enable_all();
        Ok(Self(Some(runtime.build().map_err(Error::Thread)?)))
    }

    fn wait_for<T>(&self, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let runtime = self.0.as_ref().expect("it is there until this is dropped");
        runtime.block_on(async {
            match tokio::time::timeout(PATIENCE, future).await {
                Ok(done) => done,
                Err(_) => Err(Error::Unreachable("it does not answer".to_owned())),
            }
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Dropping it would wait, which a caller that is itself asynchronous must not.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
