//! Rows gathered into the records of a journal.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use event::limits::RECORD_BYTES;
use event::{Change, Table, TeamId, Timestamp, encode_row};
use journal::Batch;

/// What a change's row takes besides texts.
const CHANGE_BYTES: usize = 200;

/// Gathers rows into records, each as large as it may be.
///
/// What events change stands behind the last of them in the record, for each thing the newest state
/// only: a record is there as a whole or not at all, and a thousand events of one person would say a
/// thousand times all that is known of it.
#[derive(Debug)]
pub(crate) struct Records {
    limit_bytes: usize,
    payload: Vec<u8>,
    rows: u32,
    changes: Changes,
}

/// The newest state of each thing that changed, in the order in which they changed first.
#[derive(Debug, Default)]
struct Changes {
    newest: Vec<(Change, Timestamp)>,
    places: HashMap<Key, usize>,
    bytes: usize,
}

/// A thing that changes.
type Key = (Table, TeamId, Vec<u8>);

impl Default for Records {
    fn default() -> Self {
        Self::with_limit(RECORD_BYTES)
    }
}

impl Records {
    fn with_limit(limit_bytes: usize) -> Self {
        Self { limit_bytes, payload: Vec::new(), rows: 0, changes: Changes::default() }
    }

    /// Makes room for about so many bytes.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        let room = self.limit_bytes.saturating_sub(self.payload.len());
        self.payload.reserve(bytes.min(room));
    }

    /// Adds a row as it is encoded, with what its event changed. Returns how many rows of changes had
    /// to be put in front of it, where the record was full.
    pub(crate) fn add(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>),
        changes: Vec<Change>,
        received_at: Timestamp,
        batches: &mut Vec<Batch>,
    ) -> u64 {
        let start = self.payload.len();
        encode(&mut self.payload);
        let added: usize = changes.iter().map(bytes_of).sum();
        let mut before = 0;
        if self.payload.len() + self.changes.bytes + added > self.limit_bytes {
            let row = self.payload.split_off(start);
            before = self.finish(batches);
            self.payload = row;
        }
        self.rows += 1;
        if self.payload.len() + added > self.limit_bytes {
            // A row of megabytes, whose event merges thousands: they can only be in two.
            self.finish(batches);
        }
        changes.into_iter().for_each(|change| self.changes.put(change, received_at));
        before
    }

    /// Closes the record; returns how many rows of changes it got.
    pub(crate) fn finish(&mut self, batches: &mut Vec<Batch>) -> u64 {
        let changes = self.changes.take();
        let changed = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        for (change, received_at) in changes {
            encode_row(&change.into_row(received_at), &mut self.payload);
        }
        let rows = std::mem::take(&mut self.rows) + changed;
        let payload = std::mem::take(&mut self.payload);
        if rows > 0 {
            batches.push(Batch { rows, payload: payload.into() });
        }
        u64::from(changed)
    }

    /// Forgets what is not in a record yet.
    pub(crate) fn clear(&mut self) {
        *self = Self::with_limit(self.limit_bytes);
    }
}

impl Changes {
    fn put(&mut self, change: Change, received_at: Timestamp) {
        self.bytes += bytes_of(&change);
        match self.places.entry(key_of(&change)) {
            Entry::Vacant(entry) => {
                entry.insert(self.newest.len());
                self.newest.push((change, received_at));
            }
            Entry::Occupied(entry) => {
                let old = std::mem::replace(&mut self.newest[*entry.get()], (change, received_at));
                self.bytes -= bytes_of(&old.0);
            }
        }
    }

    fn take(&mut self) -> Vec<(Change, Timestamp)> {
        std::mem::take(self).newest
    }
}

fn key_of(change: &Change) -> Key {
    let (team, key) = match change {
        Change::Person { team, id, .. } => (team, id.0.as_bytes().to_vec()),
        Change::DistinctId { team, distinct_id, .. } => (team, distinct_id.as_bytes().to_vec()),
        Change::Override { team, old_person_id, .. } => (team, old_person_id.0.as_bytes().to_vec()),
        Change::Group { team, type_index, key, .. } => {
            (team, [&type_index.to_le_bytes()[..], key.as_bytes()].concat())
        }
        Change::GroupType { team, index, .. } => (team, index.to_le_bytes().to_vec()),
    };
    (change.table(), *team, key)
}

fn bytes_of(change: &Change) -> usize {
    CHANGE_BYTES
        + match change {
            Change::Person { properties, .. } => properties.len(),
            Change::DistinctId { distinct_id, .. } => distinct_id.len(),
            Change::Override { .. } => 0,
            Change::Group { key, properties, .. } => key.len() + properties.len(),
            Change::GroupType { name, .. } => name.len(),
        }
}

#[cfg(test)]
mod tests {
    use event::{PersonId, Row, decode_rows};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn person(number: u8, version: i64) -> Change {
        Change::Person {
            team: TeamId(1),
            id: PersonId(Uuid::from_u128(number.into())),
            version,
            created_at: Timestamp::EPOCH,
            is_identified: false,
            last_seen_at: None,
            properties: format!("{{\"text\":\"{}\"}}", "x".repeat(300)),
            is_deleted: false,
        }
    }

    fn row(number: usize) -> Row {
        Row { event: format!("event {number}"), ..Row::default() }
    }

    proptest! {
        #[test]
        fn what_an_event_changed_is_in_its_record_or_newer(
            persons in prop::collection::vec(prop::option::of(0_u8..4), 0..60),
            limit in 1_500_usize..6_000,
        ) {
            let (mut records, mut batches) = (Records::with_limit(limit), Vec::new());
            let mut place = 0;
            let mut places = Vec::new();
            for (number, changed) in persons.iter().enumerate() {
                let changes = changed.iter().map(|id| person(*id, number as i64)).collect();
                let row = row(number);
                let encode = |payload: &mut Vec<u8>| encode_row(&row, payload);
                place += records.add(encode, changes, Timestamp::EPOCH, &mut batches);
                places.push(place);
                place += 1;
            }
            records.finish(&mut batches);
            let mut numbered = 0;
            let mut next = 0;
            for batch in &batches {
                prop_assert!(batch.payload.len() <= limit);
                let rows = decode_rows(batch.payload.clone()).unwrap();
                prop_assert_eq!(rows.len(), batch.rows as usize);
                let changes: Vec<Change> = rows.iter().filter_map(Change::of_row).collect();
                for row in rows.iter().filter(|row| row.table() == Table::Events) {
                    prop_assert_eq!(&row.event, &format!("event {numbered}"));
                    prop_assert_eq!(places[numbered], next);
                    if let Some(id) = persons[numbered] {
                        let told = changes.iter().any(|change| matches!(
                            change,
                            Change::Person { id: told, version, .. }
                                if told.0.as_u128() == id.into() && *version >= numbered as i64
                        ));
                        prop_assert!(told);
                    }
                    numbered += 1;
                    next += 1;
                }
                next += changes.len() as u64;
                let mut keys: Vec<Key> = changes.iter().map(key_of).collect();
                keys.sort();
                keys.dedup();
                prop_assert_eq!(keys.len(), changes.len(), "each thing once");
            }
            prop_assert_eq!(numbered, persons.len());
        }
    }

    #[test]
    fn changes_that_a_large_row_leaves_no_room_for_are_in_front_of_the_next() {
        let (mut records, mut batches) = (Records::with_limit(1_000), Vec::new());
        let large = |payload: &mut Vec<u8>| {
            encode_row(&Row { properties: "x".repeat(800), ..row(0) }, payload);
        };
        let add = |records: &mut Records, changes, batches: &mut Vec<Batch>| {
            records.add(large, changes, Timestamp::EPOCH, batches)
        };
        assert_eq!(add(&mut records, vec![person(1, 0)], &mut batches), 0);
        assert_eq!(add(&mut records, vec![person(2, 0)], &mut batches), 1);
        assert_eq!(add(&mut records, Vec::new(), &mut batches), 1);
        assert_eq!(records.finish(&mut batches), 0);
        let is_event = |row: &Row| row.table() == Table::Events;
        let rows = batches.iter().flat_map(|batch| decode_rows(batch.payload.clone()).unwrap());
        let events: Vec<bool> = rows.map(|row| is_event(&row)).collect();
        assert_eq!(events, [true, false, true, false, true]);
        assert!(batches.iter().all(|batch| batch.payload.len() <= 1_000));
    }

    #[test]
    fn what_is_larger_than_a_record_is_one_by_itself() {
        let (mut records, mut batches) = (Records::with_limit(10), Vec::new());
        for bytes in [5, 20, 5] {
            let encode = |payload: &mut Vec<u8>| payload.resize(payload.len() + bytes, 0);
            records.add(encode, Vec::new(), Timestamp::EPOCH, &mut batches);
        }
        records.finish(&mut batches);
        let lengths: Vec<usize> = batches.iter().map(|batch| batch.payload.len()).collect();
        assert_eq!(lengths, [5, 20, 5]);
    }
}
