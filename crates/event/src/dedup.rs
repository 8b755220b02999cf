//! The key by which a retry is recognized.

use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

use crate::{Event, UuidOrigin};

/// Keeps strangers from constructing two events with one key: each journal hashes with its own.
#[derive(Clone, Copy, Debug)]
pub struct DedupSeed(u64);

impl DedupSeed {
    /// Derives the seed of a journal from its random id.
    pub fn of_journal(journal_id: Uuid) -> Self {
        let (high, low) = journal_id.as_u64_pair();
        Self(high ^ low)
    }
}

/// 128-bit hash of (token, event, distinct id, uuid).
///
/// SDK users reuse uuids on purpose, so a uuid alone never makes two events one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DedupKey(pub u128);

impl DedupKey {
    /// The key of an event, or `None` where the client sent no uuid.
    pub fn of(event: &Event, seed: DedupSeed) -> Option<Self> {
        match event.uuid_origin {
            UuidOrigin::Server => None,
            UuidOrigin::Client => Some(Self::hash(
                event.token.as_str(),
                &event.event,
                event.distinct_id.as_str(),
                event.uuid,
                seed,
            )),
        }
    }

    /// The key of these four.
    pub fn hash(token: &str, event: &str, distinct_id: &str, uuid: Uuid, seed: DedupSeed) -> Self {
        let mut hasher = Xxh3::with_seed(seed.0);
        for part in [token, event, distinct_id] {
            // Lengths keep ("ab", "c") and ("a", "bc") apart.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(uuid.as_bytes());
        Self(hasher.digest128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_counts() {
        let seed = DedupSeed(7);
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let keys = [
            DedupKey::hash("t", "e", "d", one, seed),
            DedupKey::hash("t", "e", "d", two, seed),
            DedupKey::hash("t", "ed", "", one, seed),
            DedupKey::hash("te", "", "d", one, seed),
            DedupKey::hash("t", "e", "d", one, DedupSeed(8)),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key));
        }
    }
}
