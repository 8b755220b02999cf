//! From decoded events to an acknowledgement: drop rules, enrichment, the journal.

use event::Event;
use sequencer::Submitted;
use uuid::Uuid;

use crate::admission::Admitted;
use crate::answer::Failure;
use crate::client::Client;
use crate::{EdgeState, ack, metrics};

/// Stores the events of one request; returns when what an acknowledgement promises is true.
///
/// Events that a drop rule fits are left out, and returned by their uuids.
///
/// # Errors
/// When the journal cannot take them, or a pipeline has not in time.
pub(crate) async fn store(
    state: &EdgeState,
    admitted: &Admitted,
    client: &Client,
    mut events: Vec<Event>,
) -> Result<Vec<Uuid>, Failure> {
    let mut dropped = Vec::new();
    events.retain(|event| {
        let is_dropped = admitted.policy.drops(event);
        dropped.extend(is_dropped.then_some(event.uuid));
        !is_dropped
    });
    metrics::dropped("drop_rule", dropped.len() as u64);
    if events.is_empty() {
        return Ok(dropped);
    }
    let project = &admitted.project;
    let client = client.known_to(&state.enricher);
    let submitted = events.into_iter().map(|mut event| {
        client.enrich(&mut event, &project.enrichment);
        if let Some(reason) = event.reason {
            metrics::quarantined(reason);
        }
        Submitted { event, team: project.team }
    });
    let submitted: Vec<Submitted> = submitted.collect();
    let owed = state.ack.owed_for(submitted.iter().map(|submitted| &submitted.event));
    let receipt = state.sequencer.submit(submitted).await?;
    metrics::EVENTS_DUPLICATE.increment(receipt.duplicates.into());
    metrics::EVENTS_ACCEPTED.increment(receipt.appended.into());
    admitted.charge_events(state, receipt.appended.into());
    ack::settle(&owed, &receipt.resolve_by.iter().collect::<Vec<_>>()).await?;
    Ok(dropped)
}
