//! Handing on what changed of persons that nodes share, to the tables of this node's lake and streams.
//!
//! One node at a time does it. What it took is in its journal before the next is asked for, so that
//! nothing is left out, whatever dies; what is handed on twice is the same twice.

use std::time::Duration;

use event::Timestamp;
use identity::postgres::Outbox;
use sequencer::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, warn};

/// How long to wait after PostgreSQL failed.
const RETRY: Duration = Duration::from_secs(1);

/// How long a node whose journal takes nothing leaves the turn to others.
const PAUSE: Duration = Duration::from_secs(10);

/// Hands changes on until it is stopped.
#[derive(Debug)]
pub(crate) struct HandingOn {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl HandingOn {
    pub(crate) fn start(outbox: Outbox, sequencer: Handle) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(run(outbox, sequencer, stopped)) }
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
async fn run(mut outbox: Outbox, sequencer: Handle, mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        _ = stopped.wait_for(|stop| *stop) => {}
        () = hand_on(&mut outbox, &sequencer) => {}
    }
}

async fn hand_on(outbox: &mut Outbox, sequencer: &Handle) {
    let mut is_told = false;
    loop {
        let wait = match hand_on_some(outbox, sequencer).await {
            Ok(()) => {
                is_told = false;
                continue;
            }
            Err(Failed { cause, wait }) => {
                if !is_told {
                    warn!(error = cause, "changes of persons cannot be handed on now");
                }
                is_told = true;
                wait
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// Why nothing was handed on, and how long to wait.
struct Failed {
    cause: String,
    wait: Duration,
}

async fn hand_on_some(outbox: &mut Outbox, sequencer: &Handle) -> Result<(), Failed> {
    let failed = |error: identity::Error| Failed { cause: error.to_string(), wait: RETRY };
    let mut parcel = outbox.next_changes().await.map_err(failed)?;
    let changes = std::mem::take(&mut parcel.changes);
    if let Err(rejected) = sequencer.submit_changes(changes, Timestamp::now()).await {
        outbox.give_up_turn();
        return Err(Failed { cause: rejected.to_string(), wait: PAUSE });
    }
    outbox.confirm(parcel).await.map_err(failed)
}
