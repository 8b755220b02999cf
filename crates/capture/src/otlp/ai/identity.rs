//! Whose span it is.
//!
//! One process serves many users, so that a span's own attributes win over its resource's. A span
//! that names nobody belongs to its session, else to its trace: PostHog makes the same id of either.

use serde_json::Value;
use uuid::Uuid;

use super::value::Properties;

/// PostHog's namespace, so that nobody has another id here and there.
const NAMESPACE: Uuid = Uuid::from_u128(0x392e81d5_3d13_4a6f_b541_bdbf6c865e56);

const OF_SPAN: [&str; 4] = [
    "ai.telemetry.metadata.posthog_distinct_id",
    "ai.settings.context.posthog_distinct_id",
    "posthog.distinct_id",
    "user.id",
];
const OF_RESOURCE: [&str; 2] = ["posthog.distinct_id", "user.id"];
/// A session may have several traces; the widest comes first.
const SESSIONS: [&str; 6] = [
    "$ai_session_id",
    "ai.telemetry.metadata.$ai_session_id",
    "ai.settings.context.$ai_session_id",
    "eve.session.id",
    "anthropic.session.id",
    "gen_ai.conversation.id",
];

/// The distinct id that attributes name, else one made of the session or the trace.
pub(super) fn distinct_id(
    span: &Properties,
    resource: &Properties,
    trace_id: Option<&str>,
) -> String {
    let named = first(span, &OF_SPAN).or_else(|| first(resource, &OF_RESOURCE));
    match (named, session_id(span, resource), trace_id) {
        (Some(named), ..) => named.to_owned(),
        (None, Some(session), _) => derived(&format!("session:{session}")),
        (None, None, Some(trace)) => derived(&format!("trace:{trace}")),
        (None, None, None) => Uuid::new_v4().to_string(),
    }
}

/// The session that a span belongs to.
pub(super) fn session_id<'a>(span: &'a Properties, resource: &'a Properties) -> Option<&'a str> {
    SESSIONS.iter().find_map(|&key| first(span, &[key]).or_else(|| first(resource, &[key])))
}

fn first<'a>(attributes: &'a Properties, keys: &[&str]) -> Option<&'a str> {
    let mut texts = keys.iter().filter_map(|key| attributes.get(*key).and_then(Value::as_str));
    texts.find(|text| !text.is_empty())
}

fn derived(name: &str) -> String {
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(span: Value, resource: Value, trace: Option<&str>) -> String {
        let (Value::Object(span), Value::Object(resource)) = (span, resource) else {
            panic!("objects");
        };
        distinct_id(&span, &resource, trace)
    }

    #[test]
    fn the_span_wins_over_the_resource_and_posthogs_name_over_others() {
        let resource = || json!({"posthog.distinct_id": "process", "user.id": "system"});
        let both = json!({"user.id": "u", "posthog.distinct_id": "d"});
        assert_eq!(of(both, resource(), None), "d");
        assert_eq!(of(json!({"user.id": ""}), resource(), None), "process");
        assert_eq!(of(json!({"user.id": 7}), json!({"user.id": "system"}), None), "system");
    }

    #[test]
    fn nobody_is_the_same_nobody_throughout_a_trace_or_session() {
        let trace = |trace| of(json!({}), json!({}), Some(trace));
        assert_eq!(trace("01"), trace("01"));
        assert_ne!(trace("01"), trace("02"));
        let session = |key: &str, trace| of(json!({ (key): "s" }), json!({}), Some(trace));
        assert_eq!(session("$ai_session_id", "01"), session("gen_ai.conversation.id", "02"));
        assert_ne!(session("$ai_session_id", "01"), trace("01"));
    }
}
