//! What PostgreSQL has for a node where nodes share persons.
//!
//! Changes of persons are handed on to the tables of this node's lake and streams, by one node at a
//! time. What it took is in its journal, or with the streams where its disk does not last, before the
//! next is asked for, so that nothing is left out, whatever dies; what is handed on twice is the same
//! twice.
//!
//! Erasures that other nodes were asked for are carried out by every node.

use std::time::Duration;

use event::Timestamp;
use identity::postgres::{Inbox, Outbox, Parcel};
use journal::Offset;
use sequencer::Handle;
use sink::Status;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, error, warn};

use super::erasures::{Erasing, Order};

/// How often it is looked for what is new.
const INTERVAL: Duration = Duration::from_millis(500);

/// How long to wait after PostgreSQL failed.
const RETRY: Duration = Duration::from_secs(1);

/// How long a node whose journal takes nothing leaves the turn to others.
const PAUSE: Duration = Duration::from_secs(10);

/// How often it is looked whether streams have taken what was handed on, …
const LOOK: Duration = Duration::from_millis(100);

/// … and after how many looks PostgreSQL is told that this node is still there.
const LOOKS: usize = 50;

/// What PostgreSQL has for this node.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) outbox: Outbox,
    pub(crate) inbox: Inbox,
}

/// Where changes and erasures come from, and where they go.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) outbox: Outbox,
    pub(crate) inbox: Inbox,
    pub(crate) sequencer: Handle,
    pub(crate) erasing: Erasing,
    /// Who must have changes before they count as handed on, besides the journal.
    pub(crate) streams: Vec<Status>,
    /// Whether PostgreSQL was asked for what this node knows.
    pub(crate) is_compared: bool,
}

/// Hands changes on and carries out erasures until it is stopped.
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

/// Goes on until `stopped` turns true or nobody is left to say so.
async fn run(mut way: Way, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        _ = stopped.wait_for(|stop| *stop) => {}
        () = way.go_on() => {}
    }
}

/// Why nothing was handed on, and how long to wait.
struct Failed {
    cause: String,
    wait: Duration,
}

impl Way {
    async fn go_on(&mut self) {
        loop {
            let wait = match self.take_some().await {
                Ok(wait) => wait,
                Err(Failed { cause, wait }) => {
                    // Whoever failed has said so.
                    debug!(error = cause, "what PostgreSQL has for this node is taken later");
                    wait
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes some of what there is; says how long to wait for the next.
    async fn take_some(&mut self) -> Result<Duration, Failed> {
        let Some((parcel, end)) = self.store_some().await? else { return Ok(INTERVAL) };
        self.wait_for_streams(end).await?;
        self.outbox.confirm(parcel).await.map_err(failed)?;
        Ok(Duration::ZERO)
    }

    /// Stores changes, and erasures before them.
    ///
    /// Erasures are asked for after the changes were read: whoever comes back after one is then behind it
    /// in the journal, too. Meanwhile this node is asked for none.
    async fn store_some(&mut self) -> Result<Option<(Parcel, Option<Offset>)>, Failed> {
        let erasing = self.erasing.clone();
        let order = erasing.in_order().await;
        loop {
            let parcel = self.outbox.look().await.map_err(failed)?;
            if self.adopt_some(&order).await? {
                continue;
            }
            let Some(mut parcel) = parcel else { return Ok(None) };
            let changes = std::mem::take(&mut parcel.changes);
            return match self.sequencer.submit_changes(changes, Timestamp::now()).await {
                Ok(receipt) => Ok(Some((parcel, receipt.resolve_by.end()))),
                Err(rejected) => {
                    self.outbox.give_up_turn();
                    Err(Failed { cause: rejected.to_string(), wait: PAUSE })
                }
            };
        }
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
            let erasing = self.erasing.clone();
            let order = erasing.in_order().await;
            self.adopt_some(&order).await?;
        }
    }

    /// Carries out what other nodes were asked for; says whether there was something.
    async fn adopt_some(&mut self, order: &Order<'_>) -> Result<bool, Failed> {
        let Some(mut news) = self.inbox.look().await.map_err(failed)? else {
            self.compare().await?;
            return Ok(false);
        };
        for request in std::mem::take(&mut news.erasures) {
            let id = request.id;
            if let Err(refused) = self.erasing.adopt(request, order).await {
                let cause = format!("{refused:?}");
                warn!(erasure.id = %id, error = cause, "an erasure of another node waits");
                return Err(Failed { cause, wait: PAUSE });
            }
        }
        for id in news.nameless.iter().filter(|id| !self.erasing.knows(**id)) {
            error!(
                erasure.id = %id,
                "this node missed an erasure, and nobody knows any more whom it was about; rows from \
                 before may say of them: ask for the erasure once more"
            );
        }
        self.inbox.confirm(news).await.map_err(failed)?;
        Ok(true)
    }

    /// Says, once, which erasures of this node PostgreSQL has not.
    async fn compare(&mut self) -> Result<(), Failed> {
        if !self.is_compared {
            for id in self.inbox.unknown(&self.erasing.known()).await.map_err(failed)? {
                error!(
                    erasure.id = %id,
                    "PostgreSQL has not this erasure, and may have the person: where it was restored \
                     from a backup, ask for the erasure once more"
                );
            }
            self.is_compared = true;
        }
        Ok(())
    }
}

fn failed(error: identity::Error) -> Failed {
    Failed { cause: error.to_string(), wait: RETRY }
}
