//! Tables of a catalog that others write, as questions see them.
//!
//! A task asks the catalog again and again; questions never wait for it. What they see is replaced as a
//! whole, with the merges of persons that belong to it, and says how new it is. Before anything was read there
//! is no answer rather than a wrong one.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use datafusion::prelude::SessionContext;
use event::Timestamp;
use lake::Version;
use lake::rest::{Attached, Found};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::overrides::OfFiles;
use crate::{Error, remote_files};

/// How soon a catalog in trouble is asked again.
const RETRY: Duration = Duration::from_secs(5);
/// After so long it is told that no answer came; it is still waited for.
const LATE: Duration = Duration::from_secs(30);

/// Tables of a catalog. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CatalogTables {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    attached: Attached,
    shown: RwLock<Option<Arc<Shown>>>,
    freshness: RwLock<Freshness>,
    /// Counts what was shown.
    changes: watch::Sender<u64>,
}

/// What questions see.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) version: Arc<Version>,
    /// Who was merged into whom.
    pub(crate) overrides: OfFiles,
}

/// How new what is seen is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// When the newest snapshot of `events` was committed.
    pub committed_at: Option<Timestamp>,
    /// When the catalog last said so; `None` before it has said anything.
    pub checked_at: Option<Timestamp>,
    /// Why something is older than that, or not there.
    pub trouble: Option<String>,
}

impl CatalogTables {
    /// Tables that are read once [`Self::keep_fresh`] runs.
    pub fn new(attached: Attached) -> Self {
        let (changes, _) = watch::channel(0);
        let (shown, freshness) = (RwLock::default(), RwLock::default());
        Self { shared: Arc::new(Shared { attached, shown, freshness, changes }) }
    }

    /// Says how new what is seen is.
    pub fn freshness(&self) -> Freshness {
        self.shared.freshness.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until what is seen was replaced more often than so; returns how often it was. At first it was
    /// never.
    pub async fn changed_since(&self, seen: u64) -> u64 {
        let mut changes = self.shared.changes.subscribe();
        let more = changes.wait_for(|count| *count > seen).await.map(|count| *count);
        more.unwrap_or(seen)
    }

    /// Asks the catalog again and again, until it is stopped.
    pub async fn keep_fresh(self, mut stopped: watch::Receiver<bool>) {
        let asking = async {
            loop {
                let done = self.refresh_and_tell_when_late().await;
                let interval = self.shared.attached.interval();
                let pause = if done { interval } else { interval.min(RETRY) };
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => {}
            () = asking => {}
        }
    }

    /// Reads the tables once; returns what is wrong with some of them.
    ///
    /// # Errors
    /// When the catalog or its storage cannot be asked.
    pub async fn refresh(&self) -> Result<Vec<String>, Error> {
        let checked_at = Timestamp::now();
        let failed = |error: sink::Error| Error::Failed(error.to_string());
        let Found { version, committed_at, troubles } =
            self.shared.attached.read().await.map_err(failed)?;
        let before = self.shown();
        if before.as_ref().is_none_or(|shown| shown.version.number() != version.number()) {
            let shown = Arc::new(Shown::of(version, before.as_deref()).await?);
            *self.shared.shown.write().unwrap_or_else(PoisonError::into_inner) = Some(shown);
            self.shared.changes.send_modify(|count| *count += 1);
        }
        let mut freshness = self.shared.freshness.write().unwrap_or_else(PoisonError::into_inner);
        freshness.committed_at = committed_at;
        freshness.checked_at = Some(checked_at);
        Ok(troubles)
    }

    /// What questions see, once something was read.
    pub(crate) fn shown(&self) -> Option<Arc<Shown>> {
        self.shared.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same, or why there is nothing.
    pub(crate) fn ready(&self) -> Result<Arc<Shown>, Error> {
        self.shown().ok_or_else(|| {
            let trouble = self.freshness().trouble;
            Error::NotReady(trouble.unwrap_or_else(|| "it is being asked".to_owned()))
        })
    }

    async fn refresh_and_tell_when_late(&self) -> bool {
        let mut refreshing = std::pin::pin!(self.refresh());
        let done = loop {
            tokio::select! {
                done = &mut refreshing => break done,
                () = tokio::time::sleep(LATE) => {
                    self.tell(Some("the catalog, or its storage, does not answer".to_owned()));
                }
            }
        };
        let trouble = match done {
            Ok(troubles) if troubles.is_empty() => None,
            Ok(troubles) => Some(troubles.join("; ")),
            Err(error) => Some(error.to_string()),
        };
        self.tell(trouble.clone());
        trouble.is_none()
    }

    /// Logs a trouble when it begins and when it ends, and not each time.
    fn tell(&self, trouble: Option<String>) {
        let mut freshness = self.shared.freshness.write().unwrap_or_else(PoisonError::into_inner);
        match (&freshness.trouble, &trouble) {
            (before, Some(reason)) if before.as_ref() != Some(reason) => {
                warn!(%reason, "tables of the catalog cannot be read; questions get older rows");
            }
            (Some(_), None) => info!("all tables of the catalog are read again"),
            _ => {}
        }
        freshness.trouble = trouble;
    }
}

impl Shown {
    /// A version with its merges.
    async fn of(version: Arc<Version>, before: Option<&Self>) -> Result<Self, Error> {
        let before = before.map(|before| before.overrides.clone());
        let before = before.filter(|overrides| !overrides.lacks_files(&version));
        let mut overrides = before.unwrap_or_default();
        let context = SessionContext::new();
        remote_files::register(&context.runtime_env(), version.remote())?;
        overrides.take_in(&version, &context).await?;
        Ok(Self { version, overrides })
    }
}
