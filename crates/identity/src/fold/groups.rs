//! Groups: which type has which index, and what is known of a group.
//!
//! The first five names of types that a project's events use get the indexes 0 to 4, for ever;
//! names that are configured have theirs already. What comes after is ignored, as PostHog does.

use std::sync::Arc;

use event::{TeamId, Timestamp};

use super::Fold;
use super::update::is_too_large;
use crate::claim::{Full, GroupClaim};
use crate::known::GROUP_TYPES;
use crate::{Base, Error, Group, GroupKey, Object, Warning, json};

impl<B: Base> Fold<'_, B> {
    /// The keys of an event's groups by the index of their type, and what it says of a group.
    pub(super) fn groups(
        &mut self,
        team: TeamId,
        full: &Full,
        timestamp: Timestamp,
    ) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        for (name, key) in &full.groups {
            if let Some(index) = self.type_index(team, name)? {
                keys.resize(keys.len().max(index + 1), String::new());
                keys[index] = key.as_ref().to_owned();
            }
        }
        if let Some(group) = &full.group {
            self.identify_group(team, group, timestamp)?;
        }
        Ok(keys)
    }

    fn type_index(&mut self, team: TeamId, name: &str) -> Result<Option<usize>, Error> {
        let settings = self.settings;
        let types = self.view.group_types(team)?;
        let configured = &settings.group_types;
        let is_name = |known: &Option<Arc<str>>| known.as_deref() == Some(name);
        let given = configured.iter().position(is_name);
        let known = (0..GROUP_TYPES)
            .find(|&index| is_name(&types[index]) && given.is_none_or(|given| given == index))
            .filter(|&index| configured[index].is_none() || given == Some(index));
        let free = || (0..GROUP_TYPES).find(|&i| configured[i].is_none() && types[i].is_none());
        if known.is_some() {
            return Ok(known);
        }
        let index = given.or_else(free);
        if let Some(index) = index {
            self.view.put_group_type(team, index, &Arc::from(name))?;
        }
        Ok(index)
    }

    fn identify_group(
        &mut self,
        team: TeamId,
        claim: &GroupClaim,
        timestamp: Timestamp,
    ) -> Result<(), Error> {
        let Some(index) = self.type_index(team, &claim.type_name)? else { return Ok(()) };
        let type_index = u8::try_from(index).unwrap_or_default();
        let key = GroupKey { team, type_index, key: Arc::clone(&claim.key) };
        let known = self.view.group(&key)?;
        let version = known.as_ref().map_or(0, |group| group.version) + 1;
        match known.filter(|group| !group.is_deleted) {
            None => {
                let properties = self.if_not_too_large(claim.set.clone(), Object::default());
                let group = Group { created_at: timestamp, properties, version, is_deleted: false };
                self.view.put_group(key, group);
            }
            Some(group) if changes(&group, claim) => {
                let overlaid = group.properties.overlaid(&claim.set);
                let properties = self.if_not_too_large(overlaid, group.properties.clone());
                if properties != group.properties {
                    self.view.put_group(key, Group { properties, version, ..*group });
                }
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// The properties of a group, or those before where they are too large.
    fn if_not_too_large(&mut self, properties: Object, before: Object) -> Object {
        match is_too_large(&properties, &before) {
            true => {
                self.warnings.push(Warning::GroupPropertiesTooLarge);
                before
            }
            false => properties,
        }
    }
}

fn changes(group: &Group, claim: &GroupClaim) -> bool {
    let is_known = |(key, value): (&str, &str)| {
        group.properties.get(key).is_some_and(|known| json::is_same(known, value))
    };
    !claim.set.iter().all(is_known)
}
