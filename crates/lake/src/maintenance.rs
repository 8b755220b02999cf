//! Background work: erasing, merging small files, keeping Iceberg's metadata up to date, deleting.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::{Error, Lake, metrics};

/// How often to look for small files.
const COMPACTION_INTERVAL: Duration = Duration::from_secs(2);
/// How often to look for something to erase.
const ERASURE_INTERVAL: Duration = Duration::from_secs(1);
/// How often to look for rows that are too old.
const RETENTION_INTERVAL: Duration = Duration::from_hours(1);
/// How often to look for files to delete.
pub(crate) const REMOVAL_INTERVAL: Duration = Duration::from_mins(1);

impl Lake {
    /// Does the background work until `shutdown` turns true, then brings the Iceberg metadata up to
    /// date once more.
    ///
    /// A failure is logged and counted, and the work tried again when its time comes.
    pub async fn run_maintenance(&self, shutdown: watch::Receiver<bool>) {
        let projection = self.projection_interval();
        let stop = async {
            stopped(shutdown.clone()).await;
            self.shared().stopping.store(true, Ordering::Relaxed);
        };
        tokio::join!(
            stop,
            repeat(projection, shutdown.clone(), || async {
                report("projection", self.project_metadata().await);
            }),
            repeat(COMPACTION_INTERVAL, shutdown.clone(), || async {
                while report("compaction", self.compact_once().await) == Some(true) {}
            }),
            repeat(ERASURE_INTERVAL, shutdown.clone(), || async {
                while report("erasure", self.erase_once().await) == Some(true) {}
            }),
            repeat(RETENTION_INTERVAL, shutdown.clone(), || async {
                report("retention", self.drop_aged().await);
            }),
            repeat(REMOVAL_INTERVAL, shutdown.clone(), || async {
                report("removal", self.remove_expired().await);
            }),
        );
        report("projection", self.project_metadata().await);
    }
}

/// Does some work again and again, until the shutdown.
async fn repeat<W: Future<Output = ()>>(
    interval: Duration,
    shutdown: watch::Receiver<bool>,
    work: impl Fn() -> W,
) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => work().await,
            () = stopped(shutdown.clone()) => return,
        }
    }
}

/// Waits for the shutdown; that nobody is left to ask for it is one, too.
async fn stopped(mut shutdown: watch::Receiver<bool>) {
    drop(shutdown.wait_for(|stop| *stop).await);
}

/// Logs and counts a failure.
fn report<T>(work: &'static str, result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(done) => return Some(done),
        Err(Error::Stopped) => {}
        Err(error) => {
            tracing::warn!(work, %error, "background work on the lake failed");
            ::metrics::counter!(metrics::MAINTENANCE_FAILURES_TOTAL, "work" => work).increment(1);
        }
    }
    None
}
