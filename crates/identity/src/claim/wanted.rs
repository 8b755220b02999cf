//! The few properties that say something of persons and groups.
//!
//! Most events have none of them, which a search through the text tells in a fraction of the time
//! that it takes to parse it.

use std::sync::LazyLock;

use crate::members::Members;
use crate::object::key_of;
use memchr::memmem::Finder;

/// Raw values of properties, where they are there.
#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    pub(super) unset: Option<&'a str>,
    pub(super) groups: Option<&'a str>,
    pub(super) update_last_seen_at: Option<&'a str>,
    pub(super) anon_distinct_id: Option<&'a str>,
    pub(super) alias: Option<&'a str>,
    pub(super) group_type: Option<&'a str>,
    pub(super) group_key: Option<&'a str>,
    pub(super) process_person_profile: Option<&'a str>,
}

/// What may be in any event.
static ANYWHERE: LazyLock<[Finder<'static>; 4]> = LazyLock::new(|| {
    // The last is how a letter is escaped that need not be.
    ["\"$groups\"", "\"$unset\"", "\"$update_person_last_seen_at\"", "\\u00"].map(Finder::new)
});

impl<'a> Wanted<'a> {
    /// Finds them in the properties of an event of this name.
    pub(super) fn find(event: &str, properties: &'a str) -> Self {
        let says_more = matches!(
            event,
            "$identify"
                | "$create_alias"
                | "$merge_dangerously"
                | "$groupidentify"
                | "$feature_flag_called"
        );
        let is_there = |finder: &Finder<'_>| finder.find(properties.as_bytes()).is_some();
        let mut wanted = Self::default();
        if says_more || ANYWHERE.iter().any(is_there) {
            for (key, value) in Members::of(properties) {
                if let Some(place) = wanted.place(&key_of(key)) {
                    *place = Some(value);
                }
            }
        }
        wanted
    }

    fn place(&mut self, key: &str) -> Option<&mut Option<&'a str>> {
        // By length first: nearly all properties are none of these.
        match key.len() {
            5 if key == "alias" => Some(&mut self.alias),
            6 if key == "$unset" => Some(&mut self.unset),
            7 if key == "$groups" => Some(&mut self.groups),
            10 if key == "$group_key" => Some(&mut self.group_key),
            11 if key == "$group_type" => Some(&mut self.group_type),
            17 if key == "$anon_distinct_id" => Some(&mut self.anon_distinct_id),
            23 if key == "$process_person_profile" => Some(&mut self.process_person_profile),
            27 if key == "$update_person_last_seen_at" => Some(&mut self.update_last_seen_at),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found_however_it_is_written() {
        let properties = r#"{"a":{"$unset":1},"$unset" : ["x"],"\u0024groups":{"c":"k"}}"#;
        let wanted = Wanted::find("any", properties);
        assert_eq!((wanted.unset, wanted.groups), (Some("[\"x\"]"), Some("{\"c\":\"k\"}")));
    }

    #[test]
    fn what_an_event_says_is_looked_for_in_it_alone() {
        let properties = r#"{"alias":"b","$anon_distinct_id":null}"#;
        assert_eq!(Wanted::find("$create_alias", properties).alias, Some("\"b\""));
        assert_eq!(Wanted::find("$identify", properties).anon_distinct_id, Some("null"));
        assert_eq!(Wanted::find("purchase", properties).alias, None);
    }
}
