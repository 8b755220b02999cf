//! The engine: sessions over one version of the lake.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use lake::Table;
use tokio::time::Instant;

use crate::compact_views::CompactBelowSorts;
use crate::kept::{self, Keeping, KeptAnswers, Of, Question};
use crate::lake_table::LakeTable;
use crate::overrides::{KnownOverrides, Overrides};
use crate::threads::{Running, Threads};
use crate::{
    Answer, Error, Format, Source, Written, as_meant, functions, guard, project_scope, views,
    written,
};

/// What everything in a session is in.
pub(crate) const CATALOG: &str = "hogflare";
/// The namespace of the lake's tables.
pub(crate) const SCHEMA: &str = "default";

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

/// Everything that a question is answered of.
pub(crate) struct Session {
    pub(crate) context: SessionContext,
    /// Who was merged into whom.
    pub(crate) overrides: Arc<Overrides>,
    pub(crate) of: Of,
}

/// Answers SQL over a lake. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    source: Source,
    runtime: Arc<RuntimeEnv>,
    threads: Arc<Threads>,
    overrides: Arc<KnownOverrides>,
    kept: Arc<KeptAnswers>,
    limits: Limits,
    /// Whose rows there are; everyone's without it.
    teams: Option<Arc<BTreeSet<i64>>>,
}

impl Engine {
    /// An engine over these tables.
    ///
    /// # Errors
    /// When no folder for spilled rows can be made.
    pub fn new(source: impl Into<Source>, limits: Limits) -> Result<Self, Error> {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
            .build_arc()?;
        let threads = Threads::start().map_err(|error| Error::Failed(error.to_string()))?;
        let (threads, overrides, kept) = (Arc::new(threads), Arc::default(), Arc::default());
        let source = source.into();
        Ok(Self { source, runtime, threads, overrides, kept, limits, teams: None })
    }

    /// The same engine, over the rows of some projects alone.
    #[must_use]
    pub fn of_projects(&self, teams: impl IntoIterator<Item = i64>) -> Self {
        Self { teams: Some(Arc::new(teams.into_iter().collect())), ..self.clone() }
    }

    /// Answers one statement as a whole, on the engine's own threads.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn answer(&self, sql: &str, format: Format) -> Result<Vec<u8>, Error> {
        let (engine, sql) = (self.clone(), sql.to_owned());
        self.run(async move { written::whole(engine.query(&sql).await?, format).await }).await
    }

    /// Answers one statement piece by piece, on the engine's own threads, so that the answer may be
    /// larger than memory.
    ///
    /// # Errors
    /// See [`Error`]; errors of rows yet to come are in the answer.
    pub async fn write(&self, sql: &str, format: Format) -> Result<Written, Error> {
        let question = Question::sql(sql, format, self.teams.as_deref());
        if let Some(answer) = self.kept.get(self.source.version().number(), &question) {
            return Ok(Written::whole(answer.to_vec()));
        }
        let (engine, sql) = (self.clone(), sql.to_owned());
        let begun = Written::begin(|sender| {
            self.threads.start_one(async move {
                let (answer, lasting) = match engine.begin_answer(&sql).await {
                    Ok((answer, lasting)) => (Ok(answer), lasting),
                    Err(error) => (Err(error), None),
                };
                let keep = |of| Keeping::of(&engine.kept, of, question);
                sender.send_all(answer, format, lasting.map(keep)).await;
            })
        });
        // The limit holds even where the query is stuck in one function call.
        let limit = self.limits.time;
        tokio::time::timeout(limit, begun).await.unwrap_or(Err(Error::TimedOut { limit }))
    }

    /// Runs what asks on the engine's own threads, as long as a query may take.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        asking: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.threads.run(self.limits.time, asking).await
    }

    /// Starts what tells by itself how it goes on the engine's own threads.
    pub(crate) fn start(
        &self,
        asking: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Running, Error> {
        self.threads.start_one(asking)
    }

    /// What one query may use.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// What is asked.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Plans one statement over the newest version of the lake, and begins to run it.
    ///
    /// # Errors
    /// See [`Error`]; errors of rows yet to come are in the answer.
    pub async fn query(&self, sql: &str) -> Result<Answer, Error> {
        Ok(self.begin_answer(sql).await?.0)
    }

    /// The same, with the version as whose answer it may be kept, if it may.
    async fn begin_answer(&self, sql: &str) -> Result<(Answer, Option<Of>), Error> {
        guard::check_text(sql)?;
        let deadline = Instant::now() + self.limits.time;
        let planning = async {
            let Session { context, of, .. } = self.session().await?;
            views::register_sessions(&context, sql).await?;
            let state = context.state();
            let dialect = state.config_options().sql_parser.dialect;
            let mut statement = state.sql_to_statement(sql, &dialect)?;
            as_meant::statement(&mut statement)?;
            let plan = state.statement_to_plan(statement).await?;
            guard::check(&plan)?;
            let lasting = kept::is_of_rows(&plan)?.then_some(of);
            let stream = context.execute_logical_plan(plan).await?.execute_stream().await?;
            Ok((stream, lasting))
        };
        let (stream, lasting) = tokio::time::timeout_at(deadline, planning)
            .await
            .unwrap_or(Err(Error::TimedOut { limit: self.limits.time }))?;
        Ok((Answer::new(stream, deadline, self.limits.time), lasting))
    }

    pub(crate) fn kept(&self) -> &KeptAnswers {
        &self.kept
    }

    /// A session over the newest version of the lake.
    pub(crate) async fn session(&self) -> Result<Session, Error> {
        let config = SessionConfig::new()
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_information_schema(true)
            // Of the dialects this one binds `->` and `->>` tighter than comparisons.
            .set_str("datafusion.sql_parser.dialect", "PostgreSQL");
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.runtime))
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(CompactBelowSorts))
            .build();
        let mut context = SessionContext::new_with_state(state);
        datafusion_functions_json::register_all(&mut context)?;
        functions::register(&context);
        let (version, overrides) = self.overrides.of_newest(&self.source, &context).await?;
        for table in Table::all() {
            let provider = LakeTable::new(&version, table);
            context.register_table(views::name_of(table), Arc::new(provider))?;
        }
        let overrides = Arc::new(overrides);
        views::register(&context, &version, &overrides).await?;
        if let Some(teams) = &self.teams {
            project_scope::limit(&context, teams).await?;
        }
        Ok(Session { context, overrides, of: Of::from(&*version) })
    }
}
