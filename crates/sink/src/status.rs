//! How a sink is doing, for `/_readiness`, `hogflare doctor` and metrics.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use journal::Offset;
use tokio::sync::watch;

/// What is wrong with a sink, if anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// The last write or flush went well.
    Working,
    /// It is being retried; this is the last failure.
    Retrying(String),
    /// It waits for an operator; this is why.
    Paused(String),
    /// It fell too far behind and holds no segments; it catches up from the lake.
    Parked,
}

/// A sink's health and position. Cheap to clone; the runner writes it, anyone reads.
#[derive(Clone, Debug)]
pub struct Status {
    name: &'static str,
    inner: Arc<RwLock<Inner>>,
    written: watch::Sender<Offset>,
}

#[derive(Debug)]
struct Inner {
    health: Health,
    kept: Offset,
}

impl Status {
    pub(crate) fn new(name: &'static str) -> Self {
        let inner = Inner { health: Health::Working, kept: Offset::new(0) };
        let written = watch::Sender::new(Offset::new(0));
        Self { name, inner: Arc::new(RwLock::new(inner)), written }
    }

    /// The sink's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What is wrong with it, if anything.
    pub fn health(&self) -> Health {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).health.clone()
    }

    /// The offset below which it keeps everything.
    pub fn kept(&self) -> Offset {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).kept
    }

    /// Waits until the sink has taken every row below this offset, but not for ever.
    ///
    /// For the lake, that is when queries see them.
    pub async fn has_written(&self, offset: Offset, patience: Duration) -> bool {
        let mut written = self.written.subscribe();
        let reached = written.wait_for(|written| *written >= offset);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// Waits until the sink has taken rows beyond this offset, but not for ever; tells how far it is then.
    pub async fn written_past(&self, offset: Offset, patience: Duration) -> Option<Offset> {
        let mut written = self.written.subscribe();
        let further = written.wait_for(|written| *written > offset);
        let found = tokio::time::timeout(patience, further).await;
        found.ok().and_then(Result::ok).map(|written| *written)
    }

    pub(crate) fn set_written(&self, written: Offset) {
        self.written.send_replace(written);
    }

    pub(crate) fn set_health(&self, health: Health) {
        self.inner.write().unwrap_or_else(PoisonError::into_inner).health = health;
    }

    pub(crate) fn set_kept(&self, kept: Offset) {
        self.inner.write().unwrap_or_else(PoisonError::into_inner).kept = kept;
    }
}
