//! The newest keys, in memory: those being added, and those waiting to be written.
//!
//! The overlay of the group is a list of the keys that it added. Only the sequencer's thread reads
//! the active keys, so adding them at once and taking them back on failure is the same as keeping
//! them apart, and costs one look-up less.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use journal::Offset;

use super::key::{BuildKeyHasher, Key};
use crate::received::Received;

type Keys = HashMap<Key, Offset, BuildKeyHasher>;

/// Keys of the newest rows, with the overlay of the group on top.
#[derive(Debug)]
pub(crate) struct Active {
    keys: Keys,
    /// The keys that the group added, to be taken back if it is not stored.
    group: Vec<Key>,
    begin: Offset,
    end: Offset,
    received: Option<Received>,
    bytes: u64,
}

/// Keys of the stored rows from `begin` up to `end`; they do not change any more.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) keys: Keys,
    pub(crate) begin: Offset,
    pub(crate) end: Offset,
    pub(crate) received: Received,
}

impl Active {
    /// Has room for `capacity` keys before its memory grows.
    pub(crate) fn new(begin: Offset, capacity: usize) -> Self {
        let keys = Keys::with_capacity_and_hasher(capacity, BuildKeyHasher::default());
        Self { keys, group: Vec::new(), begin, end: begin, received: None, bytes: 0 }
    }

    /// Adds a key to the group, unless it is there: then returns where its row is.
    pub(crate) fn insert(&mut self, key: Key, offset: Offset) -> Option<Offset> {
        match self.keys.entry(key) {
            Entry::Occupied(entry) => Some(*entry.get()),
            Entry::Vacant(entry) => {
                entry.insert(offset);
                self.group.push(key);
                None
            }
        }
    }

    /// Says where the row of a key that the group added came to be.
    pub(crate) fn place(&mut self, key: Key, offset: Offset) {
        if let Some(place) = self.keys.get_mut(&key) {
            *place = offset;
        }
    }

    /// Keeps what the group added.
    pub(crate) fn publish(&mut self, end: Offset, bytes: u64, received: Received) {
        self.group.clear();
        self.end = end;
        self.bytes += bytes;
        self.received = Some(received.union_with(self.received));
    }

    /// Takes back what the group added.
    pub(crate) fn discard(&mut self) {
        for key in self.group.drain(..) {
            self.keys.remove(&key);
        }
    }

    /// Splits off everything published, where there is anything.
    pub(crate) fn freeze(&mut self, capacity: usize) -> Option<Frozen> {
        let received = self.received.filter(|_| self.begin < self.end)?;
        let next = Self::new(self.end, capacity);
        let Self { keys, begin, end, .. } = std::mem::replace(self, next);
        Some(Frozen { keys, begin, end, received })
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether so many more keys fit without growing.
    pub(crate) fn has_room_for(&self, keys: usize) -> bool {
        self.keys.len() + keys <= self.keys.capacity()
    }

    pub(crate) const fn begin(&self) -> Offset {
        self.begin
    }

    pub(crate) const fn received(&self) -> Option<Received> {
        self.received
    }

    /// Bytes of journal that these keys hold.
    pub(crate) const fn journal_bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        map_bytes(&self.keys) + self.group.capacity() * size_of::<Key>()
    }
}

impl Frozen {
    pub(crate) fn find(&self, key: Key) -> Option<Offset> {
        self.keys.get(&key).copied()
    }

    /// The keys and their offsets in the order of a run.
    pub(crate) fn sorted(&self) -> Vec<(Key, Offset)> {
        let mut entries: Vec<_> = self.keys.iter().map(|(&key, &offset)| (key, offset)).collect();
        entries.sort_unstable_by_key(|&(key, _)| key);
        entries
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        map_bytes(&self.keys)
    }
}

/// What the standard library's map allocates: a power of two of buckets, filled to 7/8, each an
/// entry and a control byte.
fn map_bytes(keys: &Keys) -> usize {
    let buckets = (keys.capacity() * 8 / 7).next_power_of_two();
    buckets * (size_of::<(Key, Offset)>() + 1)
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;

    const NOW: Received = Received::at(Timestamp::EPOCH);

    fn key(number: u64) -> Key {
        Key { high: number, low: number }
    }

    #[test]
    fn a_discarded_group_leaves_only_what_was_published() {
        let mut active = Active::new(Offset::ZERO, 8);
        assert_eq!(active.insert(key(1), Offset::new(0)), None);
        active.publish(Offset::new(1), 10, NOW);
        assert_eq!(active.insert(key(1), Offset::new(1)), Some(Offset::new(0)));
        assert_eq!(active.insert(key(2), Offset::new(1)), None);
        assert_eq!(active.insert(key(2), Offset::new(2)), Some(Offset::new(1)));
        active.discard();
        assert_eq!(active.insert(key(2), Offset::new(1)), None);
        assert_eq!(active.insert(key(1), Offset::new(1)), Some(Offset::new(0)));
    }

    #[test]
    fn freezing_continues_where_it_ended() {
        let mut active = Active::new(Offset::new(3), 8);
        assert!(active.freeze(8).is_none());
        active.insert(key(1), Offset::new(3));
        active.publish(Offset::new(5), 10, NOW);
        let frozen = active.freeze(8).unwrap();
        assert_eq!((frozen.begin, frozen.end), (Offset::new(3), Offset::new(5)));
        assert_eq!(frozen.find(key(1)), Some(Offset::new(3)));
        assert_eq!((active.begin(), active.len()), (Offset::new(5), 0));
    }

    #[test]
    fn entries_take_what_the_memory_budget_assumes() {
        assert_eq!(size_of::<(Key, Offset)>(), 24);
        let full = Active::new(Offset::ZERO, 50_000_000 / 512);
        assert_eq!(full.memory_bytes(), 131_072 * 25);
    }
}
