//! What must not be stored, as a project's owner says it.
//!
//! Rules look at the names of members, in an event's properties and in what it sets of its person
//! and group; a rule for `email` holds for `$initial_email` too. They look at an object's own
//! members and at those of the `$set` objects within properties, not deeper. Only addresses of
//! pages are looked for at any depth, since SDKs put them everywhere.

mod patterns;
mod rules;
mod url;

pub use rules::{Rules, RulesError};

use event::Event;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::json;
use crate::object::{Edit, rewrite};
use patterns::Patterns;
use url::Urls;

/// [`Rules`], ready to be applied.
#[derive(Clone, Debug, Default)]
pub struct Privacy {
    /// `None` where every property is allowed.
    allow: Option<Patterns>,
    block: Patterns,
    hash: Patterns,
    key: Option<Hmac<Sha256>>,
    urls: Option<Urls>,
}

/// Members that allowing others does not remove: without them an event has no session, no group or
/// no person, or would be read wrongly.
const NEEDED: &[&str] = &[
    "$session_id",
    "$window_id",
    "$device_id",
    "$user_id",
    "distinct_id",
    "token",
    "alias",
    "$anon_distinct_id",
    "$insert_id",
    "$sent_at",
    "$lib",
    "$lib_version",
    "$groups",
    "$group_0",
    "$group_1",
    "$group_2",
    "$group_3",
    "$group_4",
    "$group_type",
    "$group_key",
    "$set",
    "$set_once",
    "$unset",
    "$group_set",
    "$process_person_profile",
    "$cookieless_mode",
];

/// Objects within properties whose members are properties too.
const NESTED: &[&str] = &["$set", "$set_once", "$group_set"];

/// What the server notes beside an event; none of it is the visitor's.
const NOTES: &[&str] = &["original_timestamp", "offset", "historical_migration", "source_path"];

impl Privacy {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.allow.is_none() && self.block.is_empty() && self.hash.is_empty() && self.urls.is_none()
    }

    /// Applies the rules to an event.
    pub(crate) fn apply(&self, event: &mut Event) {
        if self.is_empty() {
            return;
        }
        if let Some(properties) = self.applied(&event.properties, &[]) {
            event.properties = properties;
        }
        for object in [&mut event.set, &mut event.set_once, &mut event.group_set] {
            self.apply_to(object, &[]);
        }
        self.apply_to_context(&mut event.context);
        self.apply_to(&mut event.extra, NOTES);
        self.apply_to_elements(&mut event.elements_chain);
        self.apply_to_id("$session_id", &mut event.session_id);
        self.apply_to_id("$window_id", &mut event.window_id);
    }

    fn apply_to(&self, object: &mut Option<String>, needed: &[&str]) {
        if let Some(applied) = object.as_deref().and_then(|text| self.applied(text, needed)) {
            *object = Some(applied);
        }
    }

    /// A context can be any value; of one without names nothing is allowed by name.
    fn apply_to_context(&self, context: &mut Option<String>) {
        match context.as_deref().is_some_and(json::is_object) {
            true => self.apply_to(context, &[]),
            false if self.allow.is_some() => *context = None,
            false => self.mask_urls_of(context),
        }
    }

    fn mask_urls_of(&self, value: &mut Option<String>) {
        let masked = value.as_deref().zip(self.urls.as_ref());
        if let Some(masked) = masked.and_then(|(raw, urls)| urls.masked("", raw)) {
            *value = Some(masked);
        }
    }

    /// The chain of clicked elements is a property like others, but for its place.
    fn apply_to_elements(&self, chain: &mut String) {
        let is_listed = |name| self.allow.as_ref().is_none_or(|allow| allow.has(name));
        let is_allowed = is_listed("$elements") || is_listed("$elements_chain");
        let is_blocked = |name| self.block.has(name) || self.hash.has(name);
        if chain.is_empty() {
            return;
        }
        if !is_allowed || is_blocked("$elements") || is_blocked("$elements_chain") {
            chain.clear();
        } else if let Some(masked) = self.urls.as_ref().and_then(|urls| urls.masked_chain(chain)) {
            *chain = masked;
        }
    }

    /// Ids that have a column of their own share the fate of their property.
    fn apply_to_id(&self, name: &str, id: &mut Option<String>) {
        match self.fate_of(name, &[]) {
            Fate::Keep => {}
            Fate::Drop => *id = None,
            Fate::Hash => {
                if let Some(text) = id {
                    *text = self.hashed(text);
                }
            }
        }
    }

    fn applied(&self, object: &str, needed: &[&str]) -> Option<String> {
        rewrite(object, |name, raw| match self.fate_of(name, needed) {
            Fate::Drop => Edit::Drop,
            Fate::Hash if raw == "null" => Edit::Keep,
            Fate::Hash => {
                let text = json::string(raw);
                Edit::Replace(json::quote(&self.hashed(text.as_deref().unwrap_or(raw))))
            }
            Fate::Keep => self.within(name, raw).map_or(Edit::Keep, Edit::Replace),
        })
    }

    /// A value that stays, with what is within it.
    fn within(&self, name: &str, raw: &str) -> Option<String> {
        match NESTED.contains(&name) && json::is_object(raw) {
            true => self.applied(raw, &[]),
            false => self.urls.as_ref()?.masked(name, raw),
        }
    }

    fn fate_of(&self, name: &str, needed: &[&str]) -> Fate {
        if self.block.has(name) {
            Fate::Drop
        } else if self.hash.has(name) {
            Fate::Hash
        } else {
            let is_needed = || NEEDED.contains(&name) || needed.contains(&name);
            match self.allow.as_ref().is_none_or(|allow| allow.has(name) || is_needed()) {
                true => Fate::Keep,
                false => Fate::Drop,
            }
        }
    }

    fn hashed(&self, text: &str) -> String {
        // Rules that hash have a key, or they would not have been taken.
        let Some(mut mac) = self.key.clone() else {
            return String::new();
        };
        mac.update(text.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

/// What becomes of a member by its name.
enum Fate {
    Keep,
    Drop,
    Hash,
}

#[cfg(test)]
mod tests;
