//! Newest values that were used lately, of whatever is or is not in the tables.
//!
//! It belongs to the one thread that folds, which changes it with every group that is published. So
//! what it has is never out of date, and the hot path takes no lock.

use std::hash::Hash;
use std::sync::Arc;

use lru::LruCache;

use crate::layer::{group_bytes, person_bytes};
use crate::{Group, GroupKey, Id, IdKey, Layer, Person, PersonKey};

/// About what an entry takes besides what it points to.
const ENTRY_BYTES: usize = 128;

/// Newest values that were used lately; `None` for what is known not to be there.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(crate) ids: Bounded<IdKey, Option<Id>>,
    pub(crate) persons: Bounded<PersonKey, Option<Arc<Person>>>,
    pub(crate) groups: Bounded<GroupKey, Option<Arc<Group>>>,
}

impl Cache {
    /// A cache of about so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            ids: Bounded::new(bytes / 4, |key, _| key.id.len() + ENTRY_BYTES),
            persons: Bounded::new(bytes / 8 * 5, |_, person| {
                person.as_deref().map_or(0, person_bytes) + ENTRY_BYTES
            }),
            groups: Bounded::new(bytes / 8, |key, group| {
                group.as_deref().map_or(0, group_bytes) + key.key.len() + ENTRY_BYTES
            }),
        }
    }

    /// Takes in what changed.
    pub(crate) fn absorb(&mut self, newer: &Layer) {
        for (key, id) in &newer.ids {
            self.ids.put(key.clone(), Some(*id));
        }
        for (key, person) in &newer.persons {
            self.persons.put(*key, Some(Arc::clone(person)));
        }
        for (key, group) in &newer.groups {
            self.groups.put(key.clone(), Some(Arc::clone(group)));
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.ids.bytes + self.persons.bytes + self.groups.bytes
    }
}

/// A cache that keeps about so many bytes.
#[derive(Debug)]
pub(crate) struct Bounded<K: Hash + Eq, V> {
    entries: LruCache<K, V>,
    weigh: fn(&K, &V) -> usize,
    bytes: usize,
    limit: usize,
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    fn new(limit: usize, weigh: fn(&K, &V) -> usize) -> Self {
        Self { entries: LruCache::unbounded(), weigh, bytes: 0, limit }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    pub(crate) fn put(&mut self, key: K, value: V) {
        self.bytes += (self.weigh)(&key, &value);
        if let Some((key, old)) = self.entries.push(key, value) {
            self.bytes -= (self.weigh)(&key, &old);
        }
        while self.bytes > self.limit {
            let Some((key, old)) = self.entries.pop_lru() else { break };
            self.bytes -= (self.weigh)(&key, &old);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_goes_first_and_the_bytes_are_right() {
        let mut cache: Bounded<u8, Vec<u8>> = Bounded::new(10, |_, value| value.len());
        cache.put(1, vec![0; 4]);
        cache.put(2, vec![0; 4]);
        assert!(cache.get(&1).is_some());
        cache.put(3, vec![0; 4]);
        assert!(cache.get(&2).is_none());
        assert_eq!((cache.get(&1).is_some(), cache.bytes), (true, 8));
        cache.put(1, vec![0; 1]);
        assert_eq!(cache.bytes, 5);
        cache.put(4, vec![0; 11]);
        assert!(cache.get(&4).is_none());
        assert_eq!(cache.bytes, 0);
    }
}
