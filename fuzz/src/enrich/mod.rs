//! What is added to events and taken from them, by a policy that the input has in a header.
//!
//! - Enriching does not panic, and the same event becomes the same.
//! - What was well formed stays so: JSON where it says JSON, no name twice, within its limits.
//! - Members that neither enrichment nor a rule is about stay byte for byte; none is invented.
//! - A blocked name is nowhere, however it was spelled, and a hashed one has a hash alone.
//! - Where addresses are dropped, or the visitor is cookieless, none is left: neither under its name nor
//!   the client's own anywhere; cut ones are networks. The same holds for a cookieless visitor's agent.
//! - The queries of addresses that are to be masked say nothing.

mod policy;

use std::net::IpAddr;
use std::sync::OnceLock;

use capture::decode_events;
use enrich::cookieless::Salts;
use enrich::{Enricher, IpPolicy, Policy};
use event::{Event, Table};
use http::header::USER_AGENT;

use self::policy::{Wanted, has};
use crate::json::{self, Object};
use crate::meter::Meter;
use crate::{Sent, stored};

/// What enrichment writes, over what stands there or beside it.
const WRITTEN: [&str; 11] = [
    "$browser",
    "$browser_version",
    "$os",
    "$os_version",
    "$device_type",
    "$raw_user_agent",
    "$bot",
    "$bot_category",
    "$channel_type",
    "$device_id",
    "$session_id",
];
const WRITTEN_PREFIXES: [&str; 2] = ["$geoip_", "cf_"];
/// What a cookieless visitor could be told by.
const IDENTIFYING: [&str; 7] = [
    "$ip",
    "$raw_user_agent",
    "$user_agent",
    "$cookieless_extra",
    "$initial_ip",
    "$initial_raw_user_agent",
    "$initial_user_agent",
];
const ADDRESSES: [&str; 2] = ["$ip", "$initial_ip"];
/// Objects within properties whose members are properties too.
const NESTED: [&str; 4] = ["$set", "$set_once", "$group_set", "traits"];
/// Shorter texts could be anywhere by chance.
const SHORTEST_TRACE: usize = 9;

/// Decodes a request to an event lane, and enriches its events.
pub fn enrich(input: &[u8]) {
    let sent = Sent::parse(input);
    let wanted = Wanted::of(&sent);
    let Some(policy) = wanted.policy() else { return };
    let captured = decode_events(&sent.request(), &sent.settings, &mut Meter::unbounded());
    for event in captured.into_iter().flat_map(|captured| captured.events) {
        let enriched = enriched(event.clone(), &sent, &wanted, &policy);
        let case = Case { before: event, after: enriched, sent: &sent, wanted: &wanted };
        case.check();
        if sent.choice().is_multiple_of(2) {
            let again = self::enriched(case.before.clone(), &sent, &wanted, &policy);
            assert_eq!(again, case.after, "enriched twice");
            stored::survives(&again);
        }
    }
}

fn enriched(mut event: Event, sent: &Sent, wanted: &Wanted, policy: &Policy) -> Event {
    // Making one takes longer than everything else here.
    static ENRICHER: OnceLock<Enricher> = OnceLock::new();
    let enricher = ENRICHER.get_or_init(|| {
        let mut salts = Salts::default();
        salts.renew(sent.now(), || [7; 32]);
        let enricher = Enricher::default();
        enricher.set_salts(salts);
        enricher
    });
    let place = wanted.place(sent);
    enricher.client(sent.client_ip, user_agent(sent), place).enrich(&mut event, policy);
    event
}

fn user_agent(sent: &Sent) -> Option<&str> {
    sent.headers.get(USER_AGENT)?.to_str().ok()
}

/// An event before and after.
struct Case<'s> {
    before: Event,
    after: Event,
    sent: &'s Sent,
    wanted: &'s Wanted,
}

impl Case<'_> {
    fn check(&self) {
        stored::check(&self.after, self.sent.now());
        self.same_members();
        each_member(&self.after, &mut |member| self.follows_the_rules(&member));
        let is_ip_gone = self.before.cookieless || self.wanted.ip == IpPolicy::Drop;
        match is_ip_gone {
            true => self.has_no_trace(self.sent.client_ip.map(|ip| ip.to_string())),
            false if self.wanted.ip == IpPolicy::Truncate => self.has_networks_alone(),
            false => {}
        }
        if self.before.cookieless {
            let agent = user_agent(self.sent).filter(|agent| agent.starts_with("Mozilla/"));
            self.has_no_trace(agent.map(str::to_owned));
            let id = self.after.distinct_id.as_str();
            assert!(id.starts_with("cookieless_") || self.after.table == Table::Quarantine);
        }
    }

    /// Whether a rule may have removed or changed a member.
    fn is_ruled(&self, name: &str, raw: &str) -> bool {
        let rules = &self.wanted.rules;
        let is_address = self.wanted.ip != IpPolicy::Keep && ADDRESSES.contains(&name);
        let is_identifying = self.before.cookieless && IDENTIFYING.contains(&name);
        let is_listed = has(&rules.block, name) || has(&rules.hash, name);
        let is_unlisted = !rules.allow.is_empty() && !has(&rules.allow, name);
        let may_be_masked = rules.mask_url_query && raw.contains(['?', '#', '\\']);
        is_address
            || is_identifying
            || is_listed
            || is_unlisted
            || may_be_masked
            || NESTED.contains(&name)
    }

    fn same_members(&self) {
        let [before, after] = [&self.before, &self.after]
            .map(|event| Object::parse(&event.properties).expect("properties are an object"));
        let (before, after) = (before.last(), after.last());
        for (name, raw) in &before {
            let is_same = after.get(name) == Some(raw);
            assert!(is_same || is_written(name) || self.is_ruled(name, raw), "lost {name}: {raw}");
        }
        for (name, raw) in &after {
            assert!(before.contains_key(name) || is_written(name), "invented {name}: {raw}");
        }
    }

    fn follows_the_rules(&self, &Member { name, raw, is_own }: &Member<'_>) {
        let rules = &self.wanted.rules;
        assert!(!has(&rules.block, name), "{name} is blocked: {:?}", self.after);
        if has(&rules.hash, name) && raw != "null" {
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let hash = raw.trim_matches('"');
            assert!(hash.len() == 64 && hash.bytes().all(is_hex), "{name} is no hash: {raw}");
        }
        let is_secret = name.starts_with("secret") && !has(&rules.hash, name);
        let is_bound = is_secret && is_own && !rules.allow.is_empty();
        assert!(!is_bound || has(&rules.allow, name), "{name} is left");
        let is_gone = match (self.before.cookieless, self.wanted.ip) {
            (true, _) => IDENTIFYING.contains(&name),
            (false, IpPolicy::Drop) => ADDRESSES.contains(&name),
            (false, _) => false,
        };
        assert!(!is_gone, "{name} is left: {:?}", self.after);
        let is_address = matches!(name, "$current_url" | "$referrer" | "$pathname");
        if rules.mask_url_query && rules.keep_url_query.is_empty() && is_address {
            is_masked(raw);
        }
    }

    fn has_networks_alone(&self) {
        each_member(&self.after, &mut |Member { name, raw, is_own }| {
            let is_kept = has(&self.wanted.rules.hash, name) || !ADDRESSES.contains(&name);
            let host = match raw.trim_matches('"').parse::<IpAddr>() {
                _ if is_kept => 0,
                Ok(IpAddr::V4(ip)) => u128::from(ip.to_bits() & 0xff),
                Ok(IpAddr::V6(ip)) => ip.to_bits() & (u128::MAX >> 48),
                Err(_) => u128::from(is_own),
            };
            assert_eq!(host, 0, "{name} is no network: {raw}");
        });
    }

    /// Checks that a text which the server knows, and which nobody sent elsewhere, is nowhere.
    fn has_no_trace(&self, text: Option<String>) {
        let Some(text) = text.filter(|text| text.len() >= SHORTEST_TRACE) else { return };
        // What was encoded is not seen through.
        let Some(body) = self.sent.plain_body() else { return };
        let query = self.sent.query.as_deref().unwrap_or_default();
        let headers = self.sent.headers.values().map(|value| value.as_bytes());
        let others = headers.filter(|value| *value != text.as_bytes());
        let is_sent = [body.as_bytes(), query.as_bytes()]
            .into_iter()
            .chain(others)
            .any(|sent| memchr::memmem::find(sent, text.as_bytes()).is_some());
        assert!(is_sent || !format!("{:?}", self.after).contains(&text), "{text} is left");
    }
}

fn is_written(name: &str) -> bool {
    WRITTEN.contains(&name) || WRITTEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A member and whether it is one of an object that holds properties, and not one within a value.
struct Member<'m> {
    name: &'m str,
    raw: &'m str,
    is_own: bool,
}

/// Goes through every member that a rule is about: properties, and at any depth what tells of a person
/// or a group, and what stands beside properties.
fn each_member(event: &Event, each: &mut dyn FnMut(Member<'_>)) {
    for (name, raw) in &Object::parse(&event.properties).unwrap_or_default().0 {
        each(Member { name, raw, is_own: true });
        if NESTED.contains(&name.as_str()) {
            each_within(raw, true, each);
        }
    }
    let objects = [&event.set, &event.set_once, &event.group_set, &event.context, &event.extra];
    objects.into_iter().flatten().for_each(|raw| each_within(raw, true, each));
}

fn each_within(raw: &str, is_own: bool, each: &mut dyn FnMut(Member<'_>)) {
    if raw.starts_with('[') {
        let items = json::items(raw).unwrap_or_default();
        items.into_iter().for_each(|item| each_within(item, false, each));
    } else if raw.starts_with('{') {
        for (name, raw) in &Object::parse(raw).unwrap_or_default().0 {
            each(Member { name, raw, is_own });
            each_within(raw, is_own && NESTED.contains(&name.as_str()), each);
        }
    }
}

/// Checks that no pair in a text's query has a value.
fn is_masked(raw: &str) {
    let Ok(text) = serde_json::from_str::<String>(raw) else { return };
    let Some(query) = text.find(['?', '#']).and_then(|at| text.get(at..)) else { return };
    for pair in query.split(['?', '#', '&', ';']) {
        let value = pair.split_once('=').map_or("", |(_, value)| value);
        assert!(matches!(value, "" | "<masked>"), "{pair} is not masked: {raw}");
    }
}
