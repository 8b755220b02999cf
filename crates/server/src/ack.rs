//! What `{"status":1}` waits for, `HOGFLARE_ACK`.

use std::time::{Duration, Instant};

use event::{Event, Table};
use journal::Offset;
use sink::pipelines::Route;
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
        /// The streams of events, each with its rows: one in trouble concerns only those.
        events: Vec<(Route, Delivery)>,
        /// The stream of recordings.
        recordings: Delivery,
        /// Whether there is no lake.
        is_only_copy: bool,
    },
}

impl Ack {
    /// The deliveries that a request of these events waits for. What has a table of its own in the lake
    /// goes to a pipeline only where there is no lake.
    pub(crate) fn owed_for<'a>(
        &self,
        events: impl Iterator<Item = &'a Event> + Clone,
    ) -> Vec<Delivery> {
        let Self::Delivered { events: streams, is_only_copy, .. } = self else { return Vec::new() };
        let takes = |route: &Route| {
            let mut sent =
                events.clone().filter(|event| *is_only_copy || event.table == Table::Events);
            sent.any(|event| route.takes_event(event.token.as_str(), event.distinct_id.as_str()))
        };
        let owed = streams.iter().filter(|(route, _)| takes(route));
        owed.map(|(_, delivery)| delivery.clone()).collect()
    }

    /// Likewise for a request of recordings.
    pub(crate) fn owed_for_recordings(&self) -> Vec<Delivery> {
        match self {
            Self::Durable => Vec::new(),
            Self::Delivered { recordings, .. } => vec![recordings.clone()],
        }
    }
}

/// Waits until rows at these offsets are where they were promised to be.
pub(crate) async fn settle(owed: &[Delivery], offsets: &[Offset]) -> Result<(), Failure> {
    let until = Instant::now() + DELIVERY_DEADLINE;
    for delivery in owed {
        let left = until.saturating_duration_since(Instant::now());
        match delivery.wait(offsets, left).await {
            Outcome::Delivered => {}
            Outcome::Refused => return Err(Failure::RefusedByPipeline),
            Outcome::TimedOut => return Err(Failure::NotYetDelivered),
        }
    }
    Ok(())
}
