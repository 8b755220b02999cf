//! What `{"status":1}` waits for, `HOGFLARE_ACK`.

use std::time::Duration;

use sequencer::Receipt;
use sink::{Delivery, Outcome};

use crate::answer::Failure;

/// Shorter than the timeouts of the SDKs (posthog-node's is 10 s), so that they hear of it.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(8);

/// When a request is acknowledged.
#[derive(Clone, Debug)]
pub enum Ack {
    /// Once the journal has it on disk.
    Durable,
    /// Once the pipeline holds it too, for disks that do not last.
    Delivered(Delivery),
}

impl Ack {
    /// Waits for what has been promised.
    pub(crate) async fn settle(&self, receipt: &Receipt) -> Result<(), Failure> {
        let Self::Delivered(delivery) = self else { return Ok(()) };
        match delivery.wait(&receipt.resolve_by.iter().collect::<Vec<_>>(), DELIVERY_DEADLINE).await
        {
            Outcome::Delivered => Ok(()),
            Outcome::Refused => Err(Failure::RefusedByPipeline),
            Outcome::TimedOut => Err(Failure::NotYetDelivered),
        }
    }
}
