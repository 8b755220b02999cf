//! A page of a run: up to 170 keys in order, then their offsets, guarded by a checksum.
//!
//! ```text
//!  0        4       6        16                       2736                  4096
//!  +--------+-------+--------+------------------------+---------------------+
//!  | crc32c | count | zero   | 170 keys of 16 bytes   | 170 offsets of 8    |
//!  | of all |       |        | high, low              |                     |
//!  | behind |       |        |                        |                     |
//!  +--------+-------+--------+------------------------+---------------------+
//! ```
//!
//! One read brings key and offset, and the checksum is checked on every read, so a damaged page
//! never passes for "not there".

use journal::Offset;

use super::key::Key;

/// The size of a page, and of the file's header.
pub(crate) const PAGE_BYTES: usize = 4096;

/// Keys in a full page.
pub(crate) const PAGE_KEYS: usize = 170;

const COUNT_AT: usize = 4;
const KEYS_AT: usize = 16;
const KEY_BYTES: usize = 16;
const OFFSETS_AT: usize = KEYS_AT + PAGE_KEYS * KEY_BYTES;
const OFFSET_BYTES: usize = 8;

/// The bytes of a page.
pub(crate) type PageBytes = [u8; PAGE_BYTES];

/// Fills a page in key order.
#[derive(Debug)]
pub(crate) struct PageBuilder {
    bytes: Box<PageBytes>,
    count: usize,
}

impl PageBuilder {
    pub(crate) fn new() -> Self {
        Self { bytes: Box::new([0; PAGE_BYTES]), count: 0 }
    }

    pub(crate) fn push(&mut self, key: Key, offset: Offset) {
        let at = KEYS_AT + self.count * KEY_BYTES;
        self.put(at, key.high);
        self.put(at + 8, key.low);
        self.put(OFFSETS_AT + self.count * OFFSET_BYTES, offset.get());
        self.count += 1;
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.count == PAGE_KEYS
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Appends the finished page to `out` and begins another.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        self.bytes[COUNT_AT..COUNT_AT + 2].copy_from_slice(&(self.count as u16).to_le_bytes());
        let crc = crc32c::crc32c(&self.bytes[COUNT_AT..]);
        self.bytes[..COUNT_AT].copy_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&*self.bytes);
        self.bytes.fill(0);
        self.count = 0;
    }

    fn put(&mut self, at: usize, value: u64) {
        self.bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
}

/// A page that was read and found whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    bytes: &'a PageBytes,
    count: usize,
}

impl<'a> Page<'a> {
    /// `None` for a damaged page.
    pub(crate) fn checked(bytes: &'a PageBytes) -> Option<Self> {
        let stored = u32::from_le_bytes(*bytes.first_chunk()?);
        let count = usize::from(u16::from_le_bytes(*bytes[COUNT_AT..].first_chunk()?));
        let is_whole = crc32c::crc32c(&bytes[COUNT_AT..]) == stored && count <= PAGE_KEYS;
        is_whole.then_some(Self { bytes, count })
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// The key and offset in a slot below [`Page::len`].
    pub(crate) fn entry(&self, slot: usize) -> (Key, Offset) {
        (self.key(slot), self.offset(slot))
    }

    pub(crate) fn find(&self, key: Key) -> Option<Offset> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = (low + high) / 2;
            match self.key(middle).cmp(&key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(self.offset(middle)),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn key(&self, slot: usize) -> Key {
        let at = KEYS_AT + slot * KEY_BYTES;
        Key { high: self.number(at), low: self.number(at + 8) }
    }

    fn offset(&self, slot: usize) -> Offset {
        Offset::new(self.number(OFFSETS_AT + slot * OFFSET_BYTES))
    }

    fn number(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes[at..].first_chunk().copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::random_keys;
    use super::*;

    #[test]
    fn a_full_page_finds_exactly_its_keys() {
        let mut keys = random_keys(1, PAGE_KEYS);
        keys.sort_unstable();
        let mut builder = PageBuilder::new();
        for (number, &key) in keys.iter().enumerate() {
            builder.push(key, Offset::new(number as u64));
        }
        assert!(builder.is_full());
        let mut bytes = Vec::new();
        builder.finish(&mut bytes);
        let bytes: &PageBytes = bytes.first_chunk().unwrap();
        let page = Page::checked(bytes).unwrap();
        for (number, &key) in keys.iter().enumerate() {
            assert_eq!(page.find(key), Some(Offset::new(number as u64)));
        }
        assert!(random_keys(2, 1000).iter().all(|&key| page.find(key).is_none()));
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let mut builder = PageBuilder::new();
        builder.push(Key { high: 1, low: 2 }, Offset::new(3));
        let mut bytes = Vec::new();
        builder.finish(&mut bytes);
        let whole: PageBytes = *bytes.first_chunk().unwrap();
        for at in 0..PAGE_BYTES {
            let mut damaged = whole;
            damaged[at] ^= 0x10;
            assert!(Page::checked(&damaged).is_none(), "byte {at}");
        }
    }
}
