//! Handing on what changed of persons that nodes share, to the tables of this node's lake and streams.
//!
//! One node at a time does it. What it took is in its journal, or with the streams where its disk does
//! not last, before the next is asked for, so that nothing is left out, whatever dies; what is handed
//! on twice is the same twice.

use std::time::Duration;

use event::Timestamp;
use identity::postgres::Outbox;
use journal::Offset;
use sequencer::Handle;
use sink::Status;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, error};

/// How long to wait after PostgreSQL failed.
const RETRY: Duration = Duration::from_secs(1);

/// How long a node whose journal takes nothing leaves the turn to others.
const PAUSE: Duration = Duration::from_secs(10);

/// How often it is looked whether streams have taken what was handed on, …
const LOOK: Duration = Duration::from_millis(100);

/// … and after how many looks PostgreSQL is told that this node is still there.
const LOOKS: usize = 50;

/// Where changes come from, and where they go.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) outbox: Outbox,
    pub(crate) sequencer: Handle,
    /// Who must have them before they count as handed on, besides the journal.
    pub(crate) streams: Vec<Status>,
}

/// Hands changes on until it is stopped.
#[derive(Debug)]
pub(crate) struct HandingOn {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl HandingOn {
    pub(crate) fn start(way: Way) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(run(way, stopped)) }
    }

    /// Waits until it has ended by itself, which it should not.
    pub(crate) async fn ended(&mut self) {
        if let Err(error) = (&mut self.task).await {
            error!(%error, "changes of persons are not handed on any more");
        }
    }

    /// Ends it, and lets another node go on.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        // One that ended by a defect has said so.
        self.task.await.ok();
    }
}

/// Hands changes on until `stopped` turns true or nobody is left to say so.
async fn run(mut way: Way, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        _ = stopped.wait_for(|stop| *stop) => {}
        () = way.hand_on() => {}
    }
}

/// Why nothing was handed on, and how long to wait.
struct Failed {
    cause: String,
    wait: Duration,
}

impl Way {
    async fn hand_on(&mut self) {
        loop {
            if let Err(Failed { cause, wait }) = self.hand_on_some().await {
                // Whoever failed has said so.
                debug!(error = cause, "changes of persons are handed on later");
                tokio::time::sleep(wait).await;
            }
        }
    }

    async fn hand_on_some(&mut self) -> Result<(), Failed> {
        let mut parcel = self.outbox.next_changes().await.map_err(failed)?;
        let changes = std::mem::take(&mut parcel.changes);
        match self.sequencer.submit_changes(changes, Timestamp::now()).await {
            Ok(receipt) => self.wait_for_streams(receipt.resolve_by.end()).await?,
            Err(rejected) => {
                self.outbox.give_up_turn();
                return Err(Failed { cause: rejected.to_string(), wait: PAUSE });
            }
        }
        self.outbox.confirm(parcel).await.map_err(failed)
    }

    async fn wait_for_streams(&mut self, end: Option<Offset>) -> Result<(), Failed> {
        let Some(end) = end else { return Ok(()) };
        loop {
            for _ in 0..LOOKS {
                if self.streams.iter().all(|stream| stream.kept() >= end) {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
            self.outbox.keep_turn().await.map_err(failed)?;
        }
    }
}

fn failed(error: identity::Error) -> Failed {
    Failed { cause: error.to_string(), wait: RETRY }
}
