//! The header of a segment file.
//!
//! ```text
//!  0         8         12     16          32             40            48     56     60    64
//!  +---------+---------+------+-----------+--------------+-------------+------+------+-----+
//!  | magic   | format  | zero | journal   | first offset | previous    | salt | zero | crc |
//!  |         | version |      | id        |              | end         |      |      |     |
//!  +---------+---------+------+-----------+--------------+-------------+------+------+-----+
//! ```
//!
//! Records begin at byte 4096: no write of a record can tear the header. Every later format version
//! keeps these 64 bytes as they are, so that an old program can tell a newer file from a damaged
//! one. *Previous end* is the offset at which the records before this segment validly end: what
//! the preceding file holds beyond was never acknowledged and is never read again. The *salt* is
//! random and makes the checksums of the segment's records its own.

use uuid::Uuid;

use crate::offset::{JournalId, Offset};
use crate::record::{Seed, array_at, u32_at, u64_at};

/// The size of the encoded header.
pub(crate) const HEADER_BYTES: usize = 64;

/// Where the records begin: behind the header's own block.
pub(crate) const RECORDS_START: u64 = 4096;

/// The newest version of the format that is understood, and the one that is written.
pub(crate) const FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"hogflarJ";
const CRC_AT: usize = 60;

/// The decoded header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) journal_id: JournalId,
    pub(crate) first: Offset,
    pub(crate) previous_end: Offset,
    pub(crate) salt: u64,
}

/// Why a header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    Damaged,
    NewerFormat(u32),
}

impl Header {
    /// Makes the header of a new segment.
    pub(crate) fn new(journal_id: JournalId, first: Offset, previous_end: Offset) -> Self {
        let (salt, _) = Uuid::new_v4().as_u64_pair();
        Self { journal_id, first, previous_end, salt }
    }

    /// Returns what the checksums of this segment's records start from.
    pub(crate) fn seed(&self) -> Seed {
        Seed(u32_at(&self.encode(), CRC_AT))
    }

    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(self.journal_id.as_uuid().as_bytes());
        bytes[32..40].copy_from_slice(&self.first.get().to_le_bytes());
        bytes[40..48].copy_from_slice(&self.previous_end.get().to_le_bytes());
        bytes[48..56].copy_from_slice(&self.salt.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(HeaderFault::Damaged)?;
        if !bytes.starts_with(&MAGIC) || u32_at(bytes, CRC_AT) != crc32c::crc32c(&bytes[..CRC_AT]) {
            return Err(HeaderFault::Damaged);
        }
        match u32_at(bytes, 8) {
            0 => Err(HeaderFault::Damaged),
            1..=FORMAT_VERSION => Ok(Self::from_fields(bytes)),
            newer => Err(HeaderFault::NewerFormat(newer)),
        }
    }

    fn from_fields(bytes: &[u8; HEADER_BYTES]) -> Self {
        let journal_id = Uuid::from_bytes(array_at(bytes, 16).unwrap_or_default());
        Self {
            journal_id: JournalId::from_uuid(journal_id),
            first: Offset::new(u64_at(bytes, 32)),
            previous_end: Offset::new(u64_at(bytes, 40)),
            salt: u64_at(bytes, 48),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_and_every_flipped_bit_is_noticed() {
        let header = Header::new(JournalId::random(), Offset::new(9), Offset::new(7));
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Ok(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&flipped), Err(HeaderFault::Damaged), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let mut bytes = Header::new(JournalId::random(), Offset::ZERO, Offset::ZERO).encode();
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Header::decode(&bytes), Err(HeaderFault::NewerFormat(2)));
    }

    #[test]
    fn two_segments_never_share_a_seed() {
        let id = JournalId::random();
        let [one, other] = [(); 2].map(|()| Header::new(id, Offset::ZERO, Offset::ZERO));
        assert_ne!(one.seed(), other.seed());
    }
}
