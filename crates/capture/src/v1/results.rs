//! The answer to a V1 batch: what became of each event.

use std::time::Duration;

use uuid::Uuid;

/// The words that say why, as PostHog writes them.
pub mod tag {
    /// An event named `""`.
    pub const MISSING_EVENT_NAME: &str = "missing_event_name";
    /// A name of more than 200 bytes.
    pub const EVENT_NAME_TOO_LONG: &str = "event_name_too_long";
    /// A blank distinct id.
    pub const MISSING_DISTINCT_ID: &str = "missing_distinct_id";
    /// A distinct id of more than 200 bytes.
    pub const DISTINCT_ID_TOO_LARGE: &str = "distinct_id_too_large";
    /// A timestamp that is not RFC 3339.
    pub const INVALID_EVENT_TIMESTAMP: &str = "invalid_event_timestamp";
    /// Properties that are no object.
    pub const MALFORMED_EVENT_PROPERTIES: &str = "malformed_event_properties";
    /// A `$performance_event`, which PostHog no longer stores.
    pub const DROPPED_PERFORMANCE_EVENT: &str = "dropped_performance_event";
    /// Options of a wrong type.
    pub const INVALID_OPTIONS: &str = "invalid_options";
    /// Another event than `$ai_…` on the lane for those.
    pub const MISROUTED_EVENT: &str = "misrouted_event";
    /// Larger than a row may be; for the server to say.
    pub const EVENT_TOO_BIG: &str = "event_too_big";
    /// Left out by a rule of the project; for the server to say.
    pub const EVENT_RESTRICTION_DROP: &str = "event_restriction_drop";
    /// Refused by what stores it; for the server to say.
    pub const REJECTED: &str = "rejected";
    /// Not stored now; for the server to say.
    pub const NOT_PERSISTED: &str = "not_persisted";
    /// Stored, without a person.
    pub const PERSON_PROCESSING_DISABLED: &str = "person_processing_disabled";
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is stored.
    Ok,
    /// It is stored, and something is to be said of it.
    OkWith(&'static str),
    /// It is stored, with less than it asked for.
    Warning(&'static str),
    /// It is refused for good.
    Drop(&'static str),
    /// It is not stored; the SDK is to send it again.
    Retry(&'static str),
}

impl Verdict {
    /// Whether the event is stored.
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::Ok | Self::OkWith(_) | Self::Warning(_))
    }

    /// What it is, and why where that is to be said.
    pub const fn parts(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Ok => ("ok", None),
            Self::OkWith(detail) => ("ok", Some(detail)),
            Self::Warning(detail) => ("warning", Some(detail)),
            Self::Drop(tag) => ("drop", Some(tag)),
            Self::Retry(tag) => ("retry", Some(tag)),
        }
    }
}

/// The verdict on one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The event, by the uuid that the SDK sent.
    pub uuid: Uuid,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// The body of the answer. SDKs look results up by uuid, in lower case and with hyphens.
pub fn results_body(outcomes: &[Outcome]) -> String {
    let mut body = String::with_capacity(16 + outcomes.len() * 64);
    body.push_str("{\"results\":{");
    for (index, outcome) in outcomes.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push('"');
        body.push_str(outcome.uuid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        let (result, details) = outcome.verdict.parts();
        body.push_str("\":{\"result\":\"");
        body.push_str(result);
        if let Some(details) = details {
            body.push_str("\",\"details\":\"");
            body.push_str(details);
        }
        body.push_str("\"}");
    }
    body.push_str("}}");
    body
}

/// How long the SDK should wait before it sends again what was not stored; `None` where all was.
pub fn retry_after(outcomes: &[Outcome]) -> Option<Duration> {
    let is_retry = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Retry(_));
    outcomes.iter().any(is_retry).then_some(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_order_under_their_uuids() {
        let verdicts = [Verdict::Ok, Verdict::Warning("w"), Verdict::Drop(tag::INVALID_OPTIONS)];
        let outcomes: Vec<Outcome> = (0xabu128..)
            .zip(verdicts)
            .map(|(number, verdict)| Outcome { uuid: Uuid::from_u128(number), verdict })
            .collect();
        assert_eq!(
            results_body(&outcomes),
            "{\"results\":{\"00000000-0000-0000-0000-0000000000ab\":{\"result\":\"ok\"},\
             \"00000000-0000-0000-0000-0000000000ac\":{\"result\":\"warning\",\"details\":\"w\"},\
             \"00000000-0000-0000-0000-0000000000ad\":{\"result\":\"drop\",\
             \"details\":\"invalid_options\"}}}"
        );
        assert_eq!(results_body(&[]), "{\"results\":{}}");
    }

    #[test]
    fn waiting_is_for_those_who_send_again() {
        let outcome = |verdict| [Outcome { uuid: Uuid::nil(), verdict }];
        assert!(retry_after(&outcome(Verdict::Retry(tag::NOT_PERSISTED))).is_some());
        assert!(retry_after(&outcome(Verdict::Drop(tag::MISROUTED_EVENT))).is_none());
        assert!(retry_after(&outcome(Verdict::Ok)).is_none());
    }
}
