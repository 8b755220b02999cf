//! What must not be stored, as a project's owner says it.
//!
//! Rules look at the names of members, in an event's properties and in what it sets of its person
//! and group; a rule for `email` holds for `$initial_email` too. What is to go or to be hashed is
//! looked for at any depth in what tells of a person or a group, and in what is said beside
//! properties; in the properties themselves, and for what is allowed, an object's own members count.
//! Addresses of pages are looked for at any depth everywhere, since SDKs put them everywhere.

mod patterns;
mod rules;
mod url;

pub use rules::{Rules, RulesError};

use event::Event;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::identifying::NOTES;
use crate::object::{Edit, rewrite};
use crate::{deep, json};
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

impl Privacy {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.allow.is_none() && self.block.is_empty() && self.hash.is_empty() && self.urls.is_none()
    }

    /// Properties that alone are kept, besides those that events cannot be read without; `None` where all
    /// are.
    pub fn allowed_names(&self) -> Option<Vec<String>> {
        self.allow.as_ref().map(Patterns::told)
    }

    /// Properties that are removed.
    pub fn blocked_names(&self) -> Vec<String> {
        self.block.told()
    }

    /// Properties whose values become hashes.
    pub fn hashed_names(&self) -> Vec<String> {
        self.hash.told()
    }

    /// Whether values in the queries of addresses are hidden.
    pub fn masks_url_queries(&self) -> bool {
        self.urls.is_some()
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
            if let Some(applied) = object.as_deref().and_then(|raw| self.of_person(raw)) {
                *object = Some(applied);
            }
        }
        self.apply_to_context(&mut event.context);
        self.scrub(&mut event.extra);
        self.apply_to_elements(&mut event.elements_chain);
        self.apply_to_id("$session_id", &mut event.session_id);
        self.apply_to_id("$window_id", &mut event.window_id);
    }

    /// Applies the rules to an object of what was said beside properties.
    pub(crate) fn scrub(&self, object: &mut Option<String>) {
        if let Some(applied) = object.as_deref().and_then(|text| self.applied(text, NOTES)) {
            *object = Some(applied);
        }
        self.apply_within(object);
    }

    /// Removes and hashes what is named at any depth.
    fn apply_within(&self, value: &mut Option<String>) {
        if let Some(applied) = value.as_deref().and_then(|raw| self.deeply(raw)) {
            *value = Some(applied);
        }
    }

    fn deeply(&self, raw: &str) -> Option<String> {
        if self.block.is_empty() && self.hash.is_empty() {
            return None;
        }
        let is_listed = |name: &str| self.block.has(name) || self.hash.has(name);
        deep::rewrite(raw, is_listed, |name, raw| self.edit(name, raw, &[]))
    }

    /// A context can be any value; of one without names nothing is allowed by name.
    fn apply_to_context(&self, context: &mut Option<String>) {
        match context.as_deref().is_some_and(json::is_object) {
            true => self.scrub(context),
            false if self.allow.is_some() => *context = None,
            false => {
                self.mask_urls_of(context);
                self.apply_within(context);
            }
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
        rewrite(object, |name, raw| match self.edit(name, raw, needed) {
            Edit::Keep => self.within(name, raw).map_or(Edit::Keep, Edit::Replace),
            edit => edit,
        })
    }

    /// What becomes of a member, whatever is within it.
    fn edit(&self, name: &str, raw: &str, needed: &[&str]) -> Edit {
        match self.fate_of(name, needed) {
            Fate::Keep => Edit::Keep,
            Fate::Drop => Edit::Drop,
            Fate::Hash if raw == "null" => Edit::Keep,
            Fate::Hash => {
                let text = json::string(raw);
                Edit::Replace(json::quote(&self.hashed(text.as_deref().unwrap_or(raw))))
            }
        }
    }

    /// A property that stays, with what is within it.
    fn within(&self, name: &str, raw: &str) -> Option<String> {
        match name {
            "traits" => self.deeply_after(raw, self.masked(name, raw)),
            _ if NESTED.contains(&name) && json::is_object(raw) => self.of_person(raw),
            _ => self.masked(name, raw),
        }
    }

    /// What is set of a person or a group. Objects of that kind within one another are nobody's
    /// habit, and what is in them is allowed by no name.
    fn of_person(&self, raw: &str) -> Option<String> {
        let is_hidden = |name: &str| self.allow.is_some() && NESTED.contains(&name);
        let own = rewrite(raw, |name, raw| match self.edit(name, raw, &[]) {
            Edit::Keep if is_hidden(name) => Edit::Drop,
            Edit::Keep => self.masked(name, raw).map_or(Edit::Keep, Edit::Replace),
            edit => edit,
        });
        self.deeply_after(raw, own)
    }

    /// A value with what is named within it gone, after it was changed or not.
    fn deeply_after(&self, raw: &str, changed: Option<String>) -> Option<String> {
        self.deeply(changed.as_deref().unwrap_or(raw)).or(changed)
    }

    fn masked(&self, name: &str, raw: &str) -> Option<String> {
        self.urls.as_ref()?.masked(name, raw)
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
