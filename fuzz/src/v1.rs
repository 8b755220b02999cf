//! Requests to both lanes of Capture V1.
//!
//! - Decoding does not panic; the same request, sent again or as gzip, gives the same verdicts.
//! - Every event has one verdict, in order and under its uuid; those stored are those that it says are.
//! - The answer is JSON with every uuid once, and asks to be sent again what would have been stored
//!   where nothing can be.
//! - Properties are those that were sent, byte for byte, but for what V1 says outside of them.
//! - Memory is asked for before it is used, and a refusal ends the request.

use std::collections::BTreeSet;

use capture::v1::{Batch, Error, Verdict, decode, results_body, retry_after};
use event::UuidOrigin;
use http::{HeaderName, HeaderValue};

use crate::json::{self, Object};
use crate::meter::Meter;
use crate::opinion::{Disguise, Refusal, decoded};
use crate::wrap::declared_gzip;
use crate::{Sent, stored};

/// Properties that are left out, replaced or appended on purpose.
const CHANGED: [&str; 12] = [
    "$elements",
    "$elements_chain",
    "$ip",
    "$sent_at",
    "$session_id",
    "$window_id",
    "$cookieless_mode",
    "$ignore_sent_at",
    "$product_tour_id",
    "$process_person_profile",
    "$lib",
    "$lib_version",
];
const DISGUISES: [Disguise; 2] = [declared_gzip, next_attempt];

/// Decodes a request to one of the two lanes, by its path.
pub fn v1(input: &[u8]) {
    let sent = Sent::parse(input);
    let decode = |sent: &Sent, meter: &mut Meter| decode(&sent.v1(), &sent.settings, meter);
    let (outcome, reserved) = decoded(&sent, decode, &DISGUISES);
    let batch = match outcome {
        Ok(batch) => batch,
        Err(error) => return refused(&error),
    };
    check(&batch, &sent);
    stored::bounded(&batch.events, &sent, reserved);
    answered(&batch);
    if sent.choice().is_multiple_of(3) {
        batch.events.iter().for_each(stored::survives);
        not_persisted(batch.clone());
    }
    if let Some(body) = sent.plain_body() {
        same_events(&batch, body);
    }
}

/// The same request, as an SDK sends it when it heard no answer.
fn next_attempt(sent: &Sent) -> Option<(Sent, &'static str)> {
    let name = HeaderName::from_static("posthog-attempt");
    let attempt: u32 = sent.headers.get(&name)?.to_str().ok()?.parse().ok()?;
    let next = attempt.checked_add(1).filter(|_| attempt > 0)?;
    let mut again = sent.clone();
    again.headers.insert(name, HeaderValue::from(next));
    Some((again, "next attempt"))
}

fn refused(error: &Error) {
    let body: serde_json::Value = serde_json::from_str(&error.body()).expect("an answer in JSON");
    assert_eq!(body["error"], error.tag());
    assert_eq!(
        error.retry_after().is_some(),
        error.is_busy(),
        "nothing else gets better: {error:?}"
    );
}

fn check(batch: &Batch, sent: &Sent) {
    let stored = batch.outcomes.iter().filter(|outcome| outcome.verdict.is_stored());
    let stored: Vec<_> = stored.map(|outcome| outcome.uuid).collect();
    let events: Vec<_> = batch.events.iter().map(|event| event.uuid).collect();
    assert_eq!(events, stored, "what is stored is what is said to be");
    for event in &batch.events {
        stored::check(event, sent.now());
        assert_eq!(event.uuid_origin, UuidOrigin::Client);
        assert_eq!(event.token, batch.token);
    }
}

fn answered(batch: &Batch) {
    let body = results_body(&batch.outcomes);
    let body = Object::parse(&body).expect("an answer in JSON");
    let results = body.get("results").and_then(Object::parse).expect("results");
    let told: Vec<&str> = results.0.iter().map(|(name, _)| name.as_str()).collect();
    let uuids: Vec<String> =
        batch.outcomes.iter().map(|outcome| outcome.uuid.hyphenated().to_string()).collect();
    assert_eq!(told, uuids, "a result for each event");
    let distinct: BTreeSet<&str> = told.iter().copied().collect();
    assert_eq!(distinct.len(), told.len(), "a result twice");
    for ((_, result), outcome) in results.0.iter().zip(&batch.outcomes) {
        let result = Object::parse(result).expect("a result");
        let (said, _) = outcome.verdict.parts();
        assert_eq!(result.get("result"), Some(format!("\"{said}\"").as_str()));
    }
    assert_eq!(retry_after(&batch.outcomes), None, "decoding is final");
}

/// What would have been stored is to be sent again, and nothing else.
fn not_persisted(mut batch: Batch) {
    let before = batch.outcomes.clone();
    batch.not_persisted();
    for (before, after) in before.iter().zip(&batch.outcomes) {
        let is_retry = matches!(after.verdict, Verdict::Retry(_));
        assert_eq!(is_retry, before.verdict.is_stored());
        assert!(is_retry || before == after);
    }
    assert_eq!(retry_after(&batch.outcomes).is_some(), !batch.events.is_empty());
}

/// Compares with a second, simpler reading of the same body.
fn same_events(batch: &Batch, body: &str) {
    if stored::is_repaired(&batch.notes) {
        return;
    }
    let envelope = Object::parse(body).expect("a batch");
    let items = json::items(envelope.get("batch").expect("batch")).expect("items");
    assert_eq!(items.len(), batch.outcomes.len(), "a verdict for each event");
    let mut events = batch.events.iter();
    for (item, outcome) in items.into_iter().zip(&batch.outcomes) {
        let item = Object::parse(item).expect("an event");
        let uuid: String = serde_json::from_str(item.get("uuid").expect("uuid")).expect("text");
        assert_eq!(uuid.trim().parse(), Ok(outcome.uuid), "in order");
        if outcome.verdict.is_stored() {
            let event = events.next().expect("an event that is stored");
            let sent = item.get("properties").and_then(Object::parse).unwrap_or_default();
            stored::same_properties(&sent, event, &CHANGED);
        }
    }
}
