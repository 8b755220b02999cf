//! What `{"status":1}` waits for, `HOGFLARE_ACK`.

use std::time::{Duration, Instant};

use journal::Offset;
use sink::{Delivery, Outcome};

use crate::answer::Failure;

/// Shorter than the timeouts of the SDKs (posthog-node's is 10 s), so that they hear of it.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(8);

/// When a request is acknowledged.
#[derive(Clone, Debug)]
pub enum Ack {
    /// Once the journal has it on disk.
    Durable,
    /// Once the pipelines hold it too, for disks that do not last.
    Delivered {
        /// The streams of events; each resolves every offset, as some rows are its own.
        events: Vec<Delivery>,
        /// The stream of recordings.
        recordings: Delivery,
    },
}

impl Ack {
    /// Waits until the events at these offsets are where they were promised to be.
    pub(crate) async fn settle_events(&self, offsets: &[Offset]) -> Result<(), Failure> {
        match self {
            Self::Durable => Ok(()),
            Self::Delivered { events, .. } => settle(events, offsets).await,
        }
    }

    /// Likewise the recordings.
    pub(crate) async fn settle_recordings(&self, offsets: &[Offset]) -> Result<(), Failure> {
        match self {
            Self::Durable => Ok(()),
            Self::Delivered { recordings, .. } => {
                settle(std::slice::from_ref(recordings), offsets).await
            }
        }
    }
}

async fn settle(deliveries: &[Delivery], offsets: &[Offset]) -> Result<(), Failure> {
    let until = Instant::now() + DELIVERY_DEADLINE;
    for delivery in deliveries {
        let left = until.saturating_duration_since(Instant::now());
        match delivery.wait(offsets, left).await {
            Outcome::Delivered => {}
            Outcome::Refused => return Err(Failure::RefusedByPipeline),
            Outcome::TimedOut => return Err(Failure::NotYetDelivered),
        }
    }
    Ok(())
}
