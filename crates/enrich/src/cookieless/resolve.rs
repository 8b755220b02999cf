//! From an event without an identity to one that has it, and nothing that it came from.

use event::{Event, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{Inputs, Salts, Sessions, identity};
use crate::deep;
use crate::identifying::{NOTES, PERSONAL, is_address_name, is_agent_name};
use crate::known::{Known, Name};
use crate::object::{Added, Edit, rewrite};

/// What identifies a visitor and must not be stored without consent.
const IDENTIFYING: &[&str] = &["$ip", "$raw_user_agent", "$user_agent", "$cookieless_extra"];

/// Gives a cookieless event its distinct id and session, and removes what they were made from.
///
/// Other events are left alone. The reason of one that cannot be resolved is PostHog's; it is
/// quarantined. `time_zone` is the project's, for events that do not say the visitor's.
pub fn resolve(
    event: &mut Event,
    salts: &Salts,
    sessions: &mut Sessions,
    time_zone: Option<&str>,
) -> Result<(), &'static str> {
    if !event.cookieless {
        return Ok(());
    }
    let resolved = Resolved::of(event, salts, sessions, time_zone);
    match &resolved {
        Ok(resolved) => resolved.apply(event),
        Err(reason) => event.quarantine(reason),
    }
    remove_identifying(event);
    resolved.map(drop)
}

struct Resolved {
    hash: String,
    session_id: String,
}

impl Resolved {
    fn of(
        event: &Event,
        salts: &Salts,
        sessions: &mut Sessions,
        time_zone: Option<&str>,
    ) -> Result<Self, &'static str> {
        if salts.is_empty() {
            return Err("cookieless_globally_disabled");
        }
        match event.event.as_str() {
            "$create_alias" | "$merge_dangerously" => return Err("cookieless_unsupported_event"),
            "$identify" => return Err("cookieless_stateless_no_identify"),
            _ => {}
        }
        let known = Known::find(&event.properties);
        let user_agent = known.text(Name::RawUserAgent).ok_or("cookieless_missing_ua")?;
        let ip = known.text(Name::Ip).ok_or("cookieless_missing_ip")?;
        let host = known.text(Name::Host).ok_or("cookieless_missing_host")?;
        let extra = known.text(Name::CookielessExtra).unwrap_or_default();
        let visitors = known.text(Name::Timezone);
        let day = day_of(event.timestamp, [visitors.as_deref(), time_zone]);
        let salt = day.and_then(|day| salts.of(day, event.created_at));
        let salt = salt.ok_or("cookieless_timestamp_out_of_range")?;
        let inputs = Inputs {
            token: &event.token,
            ip: &ip,
            host: &host,
            user_agent: &user_agent,
            extra: &extra,
        };
        let hash = identity::hash(salt, &inputs);
        let visitor = identity::distinct_id(&hash);
        let session = sessions.session_of(salt, &event.token, &visitor, event.timestamp);
        Ok(Self { hash, session_id: session.hyphenated().to_string() })
    }

    fn apply(&self, event: &mut Event) {
        let mut ids = Added::default();
        ids.push("$device_id", &Value::from(format!("cookielessd_{}", self.hash)));
        ids.push("$session_id", &Value::from(self.session_id.as_str()));
        event.properties = ids.over(&event.properties);
        event.distinct_id = identity::distinct_id(&self.hash);
        event.session_id = Some(self.session_id.clone());
    }
}

/// The calendar day of a moment, in the first of these time zones that exists, else in UTC.
fn day_of(at: Timestamp, time_zones: [Option<&str>; 2]) -> Option<Date> {
    let named = time_zones.into_iter().flatten();
    let time_zone = named.filter_map(|name| TimeZone::get(name).ok()).next();
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
    Some(time_zone.unwrap_or(TimeZone::UTC).to_datetime(at).date())
}

fn remove_identifying(event: &mut Event) {
    let properties = rewrite(&event.properties, |name, raw| match name {
        _ if PERSONAL.contains(&name) => anonymous(raw).map_or(Edit::Keep, Edit::Replace),
        name if is_identifying(name) => Edit::Drop,
        _ => Edit::Keep,
    });
    if let Some(properties) = properties {
        event.properties = properties;
    }
    for object in [&mut event.set, &mut event.set_once, &mut event.group_set] {
        if let Some(rest) = object.as_deref().and_then(anonymous) {
            *object = Some(rest);
        }
    }
    // What stands beside an event is whatever the client liked to say.
    event.context = None;
    event.extra = event.extra.as_deref().and_then(notes);
}

/// What is said of a person or a group, less what identifies a visitor by any name.
fn anonymous(raw: &str) -> Option<String> {
    let is_gone = |name: &str| is_identifying(name) || is_address_name(name) || is_agent_name(name);
    deep::rewrite(raw, is_gone, |_, _| Edit::Drop)
}

/// The server's own notes, if there are any.
fn notes(extra: &str) -> Option<String> {
    let noted = rewrite(extra, |name, _| match NOTES.contains(&name) {
        true => Edit::Keep,
        false => Edit::Drop,
    });
    let noted = noted.unwrap_or_else(|| extra.to_owned());
    let noted = anonymous(&noted).unwrap_or(noted);
    (noted != "{}").then_some(noted)
}

fn is_identifying(name: &str) -> bool {
    let later = name.strip_prefix("$initial_");
    let is =
        |gone: &&str| *gone == name || later.is_some_and(|it| gone.strip_prefix('$') == Some(it));
    IDENTIFYING.iter().any(is)
}

#[cfg(test)]
mod tests {
    use event::Table;
    use serde_json::json;

    use super::*;
    use crate::samples::{self, NOON, tree};

    const PAGE_VIEW: &str = r#"{"$cookieless_mode":true,"$ip":"203.0.113.7","$host":"a.example.com",
        "$raw_user_agent":"Firefox","$cookieless_extra":"x","$session_id":null,"$device_id":null,
        "$timezone":"Europe/Berlin","z": 1.0}"#;

    fn visit(name: &str, properties: &str) -> Event {
        Event { cookieless: true, ..samples::event(name, properties) }
    }

    fn salts() -> Salts {
        let mut salts = Salts::default();
        let mut next = 0;
        salts.renew(NOON, || {
            next += 1;
            [next; 32]
        });
        salts
    }

    fn resolved(mut event: Event) -> (Event, Result<(), &'static str>) {
        let result = resolve(&mut event, &salts(), &mut Sessions::default(), None);
        (event, result)
    }

    fn refused(name: &str, properties: &str) -> &'static str {
        let (event, result) = resolved(visit(name, properties));
        assert_eq!((event.table, event.reason), (Table::Quarantine, result.err()));
        assert_eq!(event.distinct_id.as_str(), "d");
        for identifying in ["203.0.113.7", "Firefox"] {
            assert!(!event.properties.contains(identifying));
        }
        result.unwrap_err()
    }

    #[test]
    fn a_visitor_gets_an_id_and_a_session_and_nothing_to_be_found_by() {
        let mut event = visit("$pageview", PAGE_VIEW);
        event.set = Some(r#"{"$raw_user_agent":"Firefox","$os":"Linux"}"#.into());
        event.set_once = Some(r#"{"$initial_raw_user_agent":"Firefox"}"#.into());
        event.context = Some(r#"{"ip":"203.0.113.7","userAgent":"Firefox"}"#.into());
        let (event, result) = resolved(event);
        assert_eq!(result, Ok(()));
        let id = event.distinct_id.as_str().strip_prefix("cookieless_").unwrap();
        let session = event.session_id.unwrap();
        let expected = json!({
            "$cookieless_mode": true, "$host": "a.example.com", "$timezone": "Europe/Berlin",
            "z": 1.0, "$session_id": session, "$device_id": format!("cookielessd_{id}"),
        });
        assert_eq!(tree(&event.properties), expected);
        assert!(event.properties.contains("\"z\": 1.0"), "as it was sent");
        assert_eq!(event.set.as_deref(), Some(r#"{"$os":"Linux"}"#));
        assert_eq!(event.set_once.as_deref(), Some("{}"));
        assert_eq!(event.context, None);
        assert_eq!(event.table, Table::Events);
    }

    #[test]
    fn nothing_that_stands_beside_or_within_gives_a_visitor_away() {
        let nested =
            r#"{"traits":{"a":[{"ip":"203.0.113.7"}]},"$group_set":{"userAgent":"Firefox"},"#;
        let mut event = visit("e", &PAGE_VIEW.replacen('{', nested, 1));
        event.group_set = Some(r#"{"a":{"client_ip":"203.0.113.7"},"b":1}"#.into());
        event.context = Some(r#"{"a":{"b":"203.0.113.7"}}"#.into());
        event.extra = Some(r#"{"historical_migration":true,"who":"203.0.113.7"}"#.into());
        let (event, result) = resolved(event);
        assert_eq!(result, Ok(()));
        let everything = format!("{event:?}");
        assert!(!everything.contains("203.0.113.7") && !everything.contains("Firefox"));
        assert_eq!(event.group_set.as_deref(), Some(r#"{"a":{},"b":1}"#));
        assert_eq!(event.extra.as_deref(), Some(r#"{"historical_migration":true}"#));
        let mut event = visit("e", PAGE_VIEW);
        event.extra = Some(r#"{"who":"203.0.113.7"}"#.into());
        assert_eq!(resolved(event).0.extra, None);
    }

    #[test]
    fn the_day_is_the_visitors() {
        let id_at = |hours: i64, zone: &str| {
            let mut event = visit("e", &PAGE_VIEW.replace("Europe/Berlin", zone));
            event.timestamp = NOON.plus_micros(hours * 3_600_000_000);
            resolved(event).0.distinct_id
        };
        // 11 p.m. in Greenwich is the next day in Berlin.
        assert_eq!(id_at(10, "Europe/Berlin"), id_at(-12, "Europe/Berlin"));
        assert_ne!(id_at(11, "Europe/Berlin"), id_at(10, "Europe/Berlin"));
        assert_eq!(id_at(11, "UTC"), id_at(-12, "UTC"));
        assert_eq!(id_at(11, "Nowhere/Town"), id_at(11, "UTC"));
        let mut event = visit("e", &PAGE_VIEW.replace("Europe/Berlin", "?"));
        event.timestamp = NOON.plus_micros(11 * 3_600_000_000);
        resolve(&mut event, &salts(), &mut Sessions::default(), Some("Europe/Berlin")).unwrap();
        assert_eq!(event.distinct_id, id_at(11, "Europe/Berlin"), "else the project's");
    }

    #[test]
    fn what_cannot_be_resolved_is_quarantined_without_a_trace() {
        let without = |name: &str| PAGE_VIEW.replace(name, "$other").replace("203.0.113.7", "::1");
        assert_eq!(refused("$create_alias", PAGE_VIEW), "cookieless_unsupported_event");
        assert_eq!(refused("$identify", PAGE_VIEW), "cookieless_stateless_no_identify");
        assert_eq!(refused("e", &without("$ip")), "cookieless_missing_ip");
        assert_eq!(refused("e", &without("$host")), "cookieless_missing_host");
        let agentless = PAGE_VIEW.replace("Firefox", "");
        assert_eq!(refused("e", &agentless), "cookieless_missing_ua");
        let mut old = visit("e", PAGE_VIEW);
        old.timestamp = NOON.plus_micros(-5 * 24 * 3_600_000_000);
        assert_eq!(resolved(old).1, Err("cookieless_timestamp_out_of_range"));
        let mut event = visit("e", PAGE_VIEW);
        let result = resolve(&mut event, &Salts::default(), &mut Sessions::default(), None);
        assert_eq!(result, Err("cookieless_globally_disabled"));
    }

    #[test]
    fn other_events_are_left_alone() {
        let event = samples::event("$identify", PAGE_VIEW);
        assert_eq!(resolved(event.clone()), (event, Ok(())));
    }
}
