//! Removing journal segments that nobody needs any more.

use std::time::Duration;

use journal::Journal;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::error;

const INTERVAL: Duration = Duration::from_secs(5);

/// Trims the journals from time to time, while every sink holds what it lacks.
///
/// It is the first part to stop: a sink that ends lets go of its hold, and from then on the journal
/// no longer knows what that sink lacks.
#[derive(Debug)]
pub(crate) struct Trimmer {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Trimmer {
    /// Starts once all sinks hold the journals.
    pub(crate) fn start(journals: Vec<Journal>) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(run(journals, stopped)) }
    }

    /// Waits until nothing is removed any more.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            error!(%error, "trimming had ended by a defect");
        }
    }
}

/// Trims until `stopped` turns true or nobody is left to say so.
async fn run(journals: Vec<Journal>, mut stopped: watch::Receiver<bool>) {
    while tokio::time::timeout(INTERVAL, stopped.wait_for(|stop| *stop)).await.is_err() {
        for journal in &journals {
            journal::failpoint("journal-before-trim");
            let journal = journal.clone();
            let trimmed = tokio::task::spawn_blocking(move || journal.trim()).await;
            if let Ok(Err(error)) = trimmed {
                error!(%error, "cannot remove old journal segments");
            }
        }
    }
}
