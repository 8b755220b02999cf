//! What handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enrich::Enricher;
use journal::{Journal, Offset};
use lake::{Lake, Retention};
use metrics_exporter_prometheus::PrometheusHandle;
use query::{CatalogTables, Engine, Freshness};
use sink::Status;

use crate::dead_letters::Desk;
use crate::erasure::Eraser;
use crate::policy::{CurrentPolicy, PolicySource, Quotas};
use crate::{Access, Ack, Budget, Tee, TrustedProxies};

/// How long a question waits for the newest rows; a lake in trouble must not keep old ones back.
const CATCH_UP_PATIENCE: Duration = Duration::from_secs(1);

/// Everything that handlers need; built once by the binary.
#[derive(Debug)]
pub struct Edge {
    /// How requests are decoded.
    pub capture: capture::Settings,
    /// `POSTHOG_SIGNING_SECRET`: when set, write lanes require a valid signature.
    pub signing_secret: Option<String>,
    /// `POSTHOG_SESSION_RECORDING_ENDPOINT`, told to SDKs.
    pub recording_endpoint: Option<String>,
    /// Who may send, how much, and what becomes of it.
    pub policy: CurrentPolicy,
    /// What the policy is made of.
    pub policies: Arc<PolicySource>,
    /// What is added to events.
    pub enricher: Arc<Enricher>,
    /// What was sent today.
    pub quotas: Arc<Quotas>,
    /// Whose word about the client is believed.
    pub trusted_proxies: TrustedProxies,
    /// The bytes that requests in flight may hold.
    pub budget: Budget,
    /// The way into the journal.
    pub sequencer: sequencer::Handle,
    /// The way into the recordings' journal.
    pub recordings: sequencer::Appender,
    /// What is kept for a PostHog, too.
    pub tee: Option<Tee>,
    /// What an acknowledgement waits for.
    pub ack: Ack,
    /// SQL over the lake, or over a catalog; `None` where there is neither.
    pub questions: Option<Questions>,
    /// The lake, for whoever looks after it; `None` where it is off.
    pub lake: Option<Lake>,
    /// How long rows of the lake are kept; for ever where it is not said.
    pub retention: Option<Retention>,
    /// Persons and groups, where they are kept.
    pub persons: Option<Arc<dyn identity::Lookup>>,
    /// Who may ask.
    pub access: Access,
    /// Who erases, and knows how far that is.
    pub eraser: Arc<dyn Eraser>,
    /// Rows that sinks refused for good.
    pub dead_letters: Arc<dyn Desk>,
    /// What a backup holds.
    pub backups: Arc<dyn crate::backup::Desk>,
    /// Sinks, for readiness.
    pub sinks: Vec<Status>,
    /// Renders the metrics page.
    pub metrics: PrometheusHandle,
    /// Turns true when the process begins to stop.
    pub draining: AtomicBool,
}

/// What answers questions, and how it knows that it is up to date.
#[derive(Debug)]
pub struct Questions {
    /// SQL over the lake, or the tables of a catalog.
    pub engine: Engine,
    /// How it hears of rows that came.
    pub news: News,
}

/// How a page, or a question, hears of rows that came.
#[derive(Debug)]
pub enum News {
    /// They are in the lake moments after they are in the journal.
    Journal {
        /// Where they are first.
        journal: Journal,
        /// How far the lake has them.
        lake: Status,
    },
    /// They are in tables of a catalog when these are committed there, and that was noticed.
    Catalog(CatalogTables),
}

impl Questions {
    /// Waits until queries see every row that was acknowledged before, or for a moment. Nobody waits for a
    /// catalog.
    pub(crate) async fn catch_up(&self) {
        if let News::Journal { journal, lake } = &self.news {
            lake.has_written(journal.synced(), CATCH_UP_PATIENCE).await;
        }
    }

    /// Waits until there are rows past what was seen, but no longer than this; returns what is seen then.
    /// Whoever has seen nothing says 0, and hears from a catalog at once.
    pub(crate) async fn written_past(&self, seen: u64, patience: Duration) -> Option<u64> {
        match &self.news {
            News::Journal { lake, .. } => {
                lake.written_past(Offset::new(seen), patience).await.map(Offset::get)
            }
            News::Catalog(_) if seen == 0 => Some(1),
            News::Catalog(tables) => {
                let changed = tables.changed_since(seen - 1);
                tokio::time::timeout(patience, changed).await.ok().map(|count| count + 1)
            }
        }
    }

    /// How new the rows of a catalog are; `None` where the answer is always: of this moment.
    pub fn freshness(&self) -> Option<Freshness> {
        match &self.news {
            News::Journal { .. } => None,
            News::Catalog(tables) => Some(tables.freshness()),
        }
    }

    /// The engine over the rows of these projects, or of all, when it is up to date.
    pub(crate) async fn over(&self, teams: Option<Vec<i64>>) -> Engine {
        self.catch_up().await;
        match teams {
            Some(teams) => self.engine.of_projects(teams),
            None => self.engine.clone(),
        }
    }
}

/// [`Edge`], shared.
#[derive(Clone, Debug)]
pub struct EdgeState(Arc<Edge>);

impl EdgeState {
    /// Shares the edge among connections.
    pub fn new(edge: Edge) -> Self {
        Self(Arc::new(edge))
    }

    /// From now on readiness says no, so that a balancer sends nobody new.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }
}

impl std::ops::Deref for EdgeState {
    type Target = Edge;

    fn deref(&self) -> &Edge {
        &self.0
    }
}
