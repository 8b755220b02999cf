//! From decoded events to an acknowledgement: drop rules, enrichment, the journal.

use event::Event;
use sequencer::{Receipt, Submitted};
use uuid::Uuid;

use crate::admission::Admitted;
use crate::answer::Failure;
use crate::client::Client;
use crate::{EdgeState, ack, metrics};

/// What became of events that were brought from elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Brought {
    /// Stored now.
    pub(crate) stored: u64,
    /// Stored before: the server knows their uuids.
    pub(crate) duplicates: u64,
    /// Left out, as a drop rule wants.
    pub(crate) dropped: u64,
}

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
    let dropped = drop_unwanted(admitted, &mut events);
    if events.is_empty() {
        return Ok(dropped);
    }
    let client = client.known_to(&state.enricher);
    for event in &mut events {
        client.enrich(event, &admitted.project.enrichment);
    }
    let receipt = submit(state, admitted, events).await?;
    admitted.charge_events(state, receipt.appended.into());
    Ok(dropped)
}

/// Stores events that were brought from elsewhere: nothing is added, since who brings them is not who
/// sent them, and they count towards no quota.
///
/// # Errors
/// Likewise.
pub(crate) async fn store_brought(
    state: &EdgeState,
    admitted: &Admitted,
    mut events: Vec<Event>,
) -> Result<Brought, Failure> {
    let dropped = drop_unwanted(admitted, &mut events).len() as u64;
    if events.is_empty() {
        return Ok(Brought { dropped, ..Brought::default() });
    }
    for event in &mut events {
        admitted.project.enrichment.apply(event);
    }
    let receipt = submit(state, admitted, events).await?;
    Ok(Brought { stored: receipt.appended.into(), duplicates: receipt.duplicates.into(), dropped })
}

fn drop_unwanted(admitted: &Admitted, events: &mut Vec<Event>) -> Vec<Uuid> {
    let mut dropped = Vec::new();
    events.retain(|event| {
        let is_dropped = admitted.policy.drops(event);
        dropped.extend(is_dropped.then_some(event.uuid));
        !is_dropped
    });
    metrics::dropped("drop_rule", dropped.len() as u64);
    dropped
}

async fn submit(
    state: &EdgeState,
    admitted: &Admitted,
    events: Vec<Event>,
) -> Result<Receipt, Failure> {
    let team = admitted.project.team;
    let submitted = events.into_iter().map(|event| {
        if let Some(reason) = event.reason {
            metrics::quarantined(reason);
        }
        Submitted { event, team }
    });
    let submitted: Vec<Submitted> = submitted.collect();
    let owed = state.ack.owed_for(submitted.iter().map(|submitted| &submitted.event));
    let receipt = state.sequencer.submit(submitted).await?;
    metrics::EVENTS_DUPLICATE.increment(receipt.duplicates.into());
    metrics::EVENTS_ACCEPTED.increment(receipt.appended.into());
    ack::settle(&owed, &receipt.resolve_by.iter().collect::<Vec<_>>()).await?;
    Ok(receipt)
}
