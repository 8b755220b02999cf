//! The engine: sessions over one version of the lake.

use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use lake::{Lake, Table};
use tokio::time::Instant;

use crate::lake_table::LakeTable;
use crate::overrides::KnownOverrides;
use crate::threads::Threads;
use crate::{Answer, Error, Format, guard, views};

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
    overrides: Arc<KnownOverrides>,
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
        let (threads, overrides) = (Arc::new(threads), Arc::default());
        Ok(Self { lake, runtime, threads, overrides, limits })
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
        let planning = async {
            let context = self.context().await?;
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
        let (version, overrides) = self.overrides.of_newest(&self.lake, &context).await?;
        for table in Table::all() {
            let provider = LakeTable::new(&version, table);
            context.register_table(views::name_of(table), Arc::new(provider))?;
        }
        views::register(&context, &version, overrides).await?;
        Ok(context)
    }
}
