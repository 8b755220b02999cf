//! The engine: sessions over one version of the lake.

use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use lake::{Lake, Table};
use tokio::time::Instant;

use crate::lake_table::LakeTable;
use crate::threads::Threads;
use crate::{Answer, Error, Format, guard};

/// The table under the view `events`.
pub(crate) const EVENTS_TABLE: &str = "events_raw";

/// `events` as users see it: the table, and the names under which the first rows were published.
const EVENTS_VIEW: &str = "SELECT *, event AS event_type, token AS api_key FROM events_raw";

/// What one query may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a query may run, its answer's last row included.
    pub time: Duration,
    /// Memory of all running queries together, in bytes.
    pub memory_bytes: usize,
}

impl Default for Limits {
    /// One minute, and 1 GiB: a dashboard's question on a small server.
    fn default() -> Self {
        Self { time: Duration::from_secs(60), memory_bytes: 1 << 30 }
    }
}

/// Answers SQL over a lake. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    lake: Lake,
    runtime: Arc<RuntimeEnv>,
    threads: Arc<Threads>,
    limits: Limits,
}

impl Engine {
    /// An engine over this lake.
    ///
    /// # Errors
    /// When no folder for spilled rows can be made.
    pub fn new(lake: Lake, limits: Limits) -> Result<Self, Error> {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
            .build_arc()?;
        let threads = Threads::start().map_err(|error| Error::Failed(error.to_string()))?;
        Ok(Self { lake, runtime, threads: Arc::new(threads), limits })
    }

    /// Answers one statement as text, on the engine's own threads.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn answer(&self, sql: &str, format: Format) -> Result<Vec<u8>, Error> {
        let (engine, sql) = (self.clone(), sql.to_owned());
        let answered = async move {
            let answer = engine.query(&sql).await?;
            let schema = answer.schema();
            let batches = answer.collect().await?;
            format.write(schema, &batches).map_err(|error| Error::Failed(error.to_string()))
        };
        self.threads.run(self.limits.time, answered).await
    }

    /// The lake that is asked.
    pub(crate) fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Plans one statement over the newest version of the lake, and begins to run it.
    ///
    /// # Errors
    /// See [`Error`]; errors of rows yet to come are in the answer.
    pub async fn query(&self, sql: &str) -> Result<Answer, Error> {
        guard::check_text(sql)?;
        let deadline = Instant::now() + self.limits.time;
        let context = self.context().await?;
        let planning = async {
            let plan = context.state().create_logical_plan(sql).await?;
            guard::check(&plan)?;
            let stream = context.execute_logical_plan(plan).await?.execute_stream().await?;
            Ok(stream)
        };
        let stream = tokio::time::timeout_at(deadline, planning)
            .await
            .unwrap_or(Err(Error::TimedOut { limit: self.limits.time }))?;
        Ok(Answer::new(stream, deadline, self.limits.time))
    }

    async fn context(&self) -> Result<SessionContext, Error> {
        let config = SessionConfig::new()
            .with_default_catalog_and_schema("hogflare", "default")
            .with_information_schema(true)
            // Of the dialects this one binds `->` and `->>` tighter than comparisons.
            .set_str("datafusion.sql_parser.dialect", "PostgreSQL");
        let mut context = SessionContext::new_with_config_rt(config, Arc::clone(&self.runtime));
        datafusion_functions_json::register_all(&mut context)?;
        let version = self.lake.version();
        for table in Table::all() {
            let provider = LakeTable::new(Arc::clone(&version), table);
            context.register_table(name_of(table), Arc::new(provider))?;
        }
        let view = context.sql(EVENTS_VIEW).await?.into_view();
        context.register_table("events", view)?;
        Ok(context)
    }
}

/// What a table is called in SQL.
pub(crate) fn name_of(table: &Table) -> &'static str {
    match table.name() {
        "events" => EVENTS_TABLE,
        name => name,
    }
}
