//! The first page of a run's file.
//!
//! ```text
//!   0  magic "hogDedup"          40  end: the row after the last one
//!   8  format version            48  earliest receipt time, UTC microseconds
//!  12  zero                      56  latest receipt time
//!  16  journal id                64  keys
//!  32  begin: the first row      72  pages
//!                                80  filter blocks
//!                                88  crc32c of index and filter
//!                                92  crc32c of the 92 bytes before
//! ```
//!
//! Numbers are little-endian; the rest of the page is zero.

use event::Timestamp;
use journal::{JournalId, Offset};
use uuid::Uuid;

use super::filter::BLOCK_BYTES;
use super::page::{PAGE_BYTES, PageBytes};
use crate::received::Received;

/// Raised when a change would make older programs misread a file.
pub(crate) const FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"hogDedup";
const CRC_AT: usize = 92;

/// What a run is, apart from its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) journal_id: JournalId,
    pub(crate) begin: Offset,
    pub(crate) end: Offset,
    pub(crate) received: Received,
    pub(crate) keys: u64,
    pub(crate) pages: u64,
    pub(crate) filter_blocks: u64,
    pub(crate) resident_crc: u32,
}

/// The format of a key file that begins with these bytes, where a later version of this program wrote it.
/// A damaged one is no reason not to start.
pub fn newer_key_format(first: &[u8]) -> Option<u32> {
    let version =
        first.get(8..12).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)?;
    let is_likely = (FORMAT_VERSION + 1..=MOST_LIKELY_FORMATS).contains(&version);
    (first.starts_with(&MAGIC) && is_likely).then_some(version)
}

/// There will not be more formats than this.
const MOST_LIKELY_FORMATS: u32 = 1_000;

impl Header {
    pub(crate) fn encode(&self) -> Box<PageBytes> {
        let mut page = Box::new([0; PAGE_BYTES]);
        let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &MAGIC);
        put(8, &FORMAT_VERSION.to_le_bytes());
        put(16, self.journal_id.as_uuid().as_bytes());
        put(32, &self.begin.get().to_le_bytes());
        put(40, &self.end.get().to_le_bytes());
        put(48, &self.received.oldest.as_micros().to_le_bytes());
        put(56, &self.received.newest.as_micros().to_le_bytes());
        put(64, &self.keys.to_le_bytes());
        put(72, &self.pages.to_le_bytes());
        put(80, &self.filter_blocks.to_le_bytes());
        put(88, &self.resident_crc.to_le_bytes());
        let crc = crc32c::crc32c(&page[..CRC_AT]);
        page[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
        page
    }

    pub(crate) fn decode(page: &PageBytes) -> Result<Self, &'static str> {
        if !page.starts_with(&MAGIC) {
            return Err("it is not a key file");
        }
        if u32_at(page, 8) > FORMAT_VERSION {
            return Err("its format is newer than this program");
        }
        if crc32c::crc32c(&page[..CRC_AT]) != u32_at(page, CRC_AT) {
            return Err("its header is damaged");
        }
        let received = Received {
            oldest: Timestamp::from_micros(u64_at(page, 48).cast_signed()),
            newest: Timestamp::from_micros(u64_at(page, 56).cast_signed()),
        };
        Ok(Self {
            journal_id: JournalId::from_uuid(Uuid::from_bytes(array_at(page, 16))),
            begin: Offset::new(u64_at(page, 32)),
            end: Offset::new(u64_at(page, 40)),
            received,
            keys: u64_at(page, 64),
            pages: u64_at(page, 72),
            filter_blocks: u64_at(page, 80),
            resident_crc: u32_at(page, 88),
        })
    }

    /// Where the page index begins, after the header and all pages.
    pub(crate) const fn index_at(&self) -> u64 {
        page_at(self.pages)
    }

    /// The bytes of index and filter.
    pub(crate) const fn resident_bytes(&self) -> u64 {
        self.index_bytes().saturating_add(self.filter_blocks.saturating_mul(BLOCK_BYTES as u64))
    }

    pub(crate) const fn index_bytes(&self) -> u64 {
        self.pages.saturating_mul(8)
    }

    pub(crate) const fn file_bytes(&self) -> u64 {
        self.index_at().saturating_add(self.resident_bytes())
    }
}

/// Where a page begins in the file.
pub(crate) const fn page_at(page: u64) -> u64 {
    page.saturating_add(1).saturating_mul(PAGE_BYTES as u64)
}

fn u32_at(page: &PageBytes, at: usize) -> u32 {
    u32::from_le_bytes(array_at(page, at))
}

fn u64_at(page: &PageBytes, at: usize) -> u64 {
    u64::from_le_bytes(array_at(page, at))
}

fn array_at<const N: usize>(page: &PageBytes, at: usize) -> [u8; N] {
    page[at..].first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        journal_id: JournalId::from_uuid(Uuid::from_u128(7)),
        begin: Offset::new(1),
        end: Offset::new(9),
        received: Received {
            oldest: Timestamp::from_micros(-5),
            newest: Timestamp::from_micros(6),
        },
        keys: 8,
        pages: 1,
        filter_blocks: 2,
        resident_crc: 3,
    };

    #[test]
    fn a_header_is_read_back() {
        assert_eq!(Header::decode(&HEADER.encode()), Ok(HEADER));
        assert_eq!(HEADER.file_bytes(), 4096 + 4096 + 8 + 128);
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        for at in 0..CRC_AT + 4 {
            let mut page = HEADER.encode();
            page[at] ^= 1;
            assert!(Header::decode(&page).is_err(), "byte {at}");
        }
    }
}
