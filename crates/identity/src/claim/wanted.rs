//! The properties that say something of persons and groups, found in one pass.

use super::lift::Lifted;
use crate::members::Members;
use crate::object::key_of;

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
    pub(super) is_server: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// Finds them in an event's properties, and what is lifted out of these.
    pub(super) fn find(properties: &'a str) -> (Self, Lifted<'a>) {
        let (mut wanted, mut lifted) = (Self::default(), Lifted::none());
        for (key, value) in Members::of(properties) {
            let key = key_of(key);
            match wanted.place(&key) {
                Some(place) => *place = Some(value),
                None => lifted.take(&key, value),
            }
        }
        (wanted, lifted)
    }

    fn place(&mut self, key: &str) -> Option<&mut Option<&'a str>> {
        // By length first: nearly all properties are none of these.
        match key.len() {
            5 if key == "alias" => Some(&mut self.alias),
            6 if key == "$unset" => Some(&mut self.unset),
            7 if key == "$groups" => Some(&mut self.groups),
            10 if key == "$group_key" => Some(&mut self.group_key),
            10 if key == "$is_server" => Some(&mut self.is_server),
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
        let (wanted, _) = Wanted::find(properties);
        assert_eq!((wanted.unset, wanted.groups), (Some("[\"x\"]"), Some("{\"c\":\"k\"}")));
        assert_eq!(wanted.alias, None);
    }
}
