//! A dedup key as it lies in maps and files, and how maps hash it.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use event::DedupKey;

/// A [`DedupKey`] in two halves: a `u128` would pad every map entry to 32 bytes.
///
/// The key is a seeded hash already, so its halves serve as sort prefix, map hash and filter bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The prefix by which files are sorted and indexed.
    pub(crate) high: u64,
    pub(crate) low: u64,
}

impl From<DedupKey> for Key {
    fn from(DedupKey(key): DedupKey) -> Self {
        Self { high: (key >> 64) as u64, low: key as u64 }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.low);
    }
}

/// Takes the key's own hash instead of hashing again.
pub(crate) type BuildKeyHasher = BuildHasherDefault<KeyHasher>;

/// See [`BuildKeyHasher`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Keys write whole halves; anything else is folded in so that the hasher stays correct.
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
}
