//! One record: a header of 40 bytes, its payload, and zeros up to the next multiple of 8.
//!
//! ```text
//!  0        4        8               16              24       28       32      36       40
//!  +--------+--------+---------------+---------------+--------+--------+-------+--------+---------+
//!  | magic  | length | first offset  | synced offset | rows   | crc of | zero  | crc of | payload |
//!  |        |        |               |               |        | payload|       | header | + pad   |
//!  +--------+--------+---------------+---------------+--------+--------+-------+--------+---------+
//! ```
//!
//! All numbers are little-endian and both checksums are CRC-32C. That of the header covers the
//! bytes before it, the checksum of the payload among them, and is seeded with the segment's seed
//! and the record's position. So a record is valid only in the place where it was written: bytes
//! inside somebody's payload cannot pass for one, since the seed is in no answer and no row.
//!
//! The *synced offset* is what was known to be durable when the record was written; recovery lives
//! on it. Since a group is synced as a whole, it is the first offset of the record's group.

use crate::offset::Offset;

/// The size of a record's header.
pub(crate) const HEADER_BYTES: usize = 40;

/// Records begin at multiples of this.
pub(crate) const ALIGNMENT: u64 = 8;

/// The first bytes of every record.
pub(crate) const MAGIC: [u8; 4] = *b"hogR";

/// Where the checksum of the header stands, after everything that it covers.
const CRC_AT: usize = 36;

/// What ties the checksums of records to their segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u32);

/// What is known of a record before its payload is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) payload_bytes: u32,
    pub(crate) first: Offset,
    pub(crate) synced: Offset,
    pub(crate) rows: u32,
    pub(crate) payload_crc: u32,
}

impl Header {
    /// Returns the offset after the last row of the record.
    pub(crate) const fn end(&self) -> Offset {
        self.first.advanced(self.rows as u64)
    }

    /// Returns what the record takes in the file, its padding included.
    pub(crate) const fn record_bytes(&self) -> u64 {
        record_bytes(self.payload_bytes as usize)
    }

    /// Encodes the header of a record that stands at `position`.
    pub(crate) fn encode(&self, seed: Seed, position: u64) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.get().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.synced.get().to_le_bytes());
        bytes[24..28].copy_from_slice(&self.rows.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = header_crc(&bytes, seed, position);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Decodes the header of a record at `position`; `None` where there is no valid one.
    pub(crate) fn decode(bytes: &[u8], seed: Seed, position: u64) -> Option<Self> {
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        if !bytes.starts_with(&MAGIC) || u32_at(bytes, CRC_AT) != header_crc(bytes, seed, position)
        {
            return None;
        }
        Some(Self {
            payload_bytes: u32_at(bytes, 4),
            first: Offset::new(u64_at(bytes, 8)),
            synced: Offset::new(u64_at(bytes, 16)),
            rows: u32_at(bytes, 24),
            payload_crc: u32_at(bytes, 28),
        })
    }

    /// Says whether this is the payload that the header was written for.
    pub(crate) fn matches(&self, payload: &[u8]) -> bool {
        payload.len() == self.payload_bytes as usize && crc32c::crc32c(payload) == self.payload_crc
    }
}

/// Returns what a record with such a payload takes in the file.
pub(crate) const fn record_bytes(payload_bytes: usize) -> u64 {
    (HEADER_BYTES as u64 + payload_bytes as u64).next_multiple_of(ALIGNMENT)
}

fn header_crc(bytes: &[u8; HEADER_BYTES], seed: Seed, position: u64) -> u32 {
    let placed = crc32c::crc32c_append(seed.0, &position.to_le_bytes());
    crc32c::crc32c_append(placed, &bytes[..CRC_AT])
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    array_at(bytes, at).map_or(0, u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    array_at(bytes, at).map_or(0, u64::from_le_bytes)
}

/// Returns `N` bytes from a header; `None` past its end.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        payload_bytes: 3,
        first: Offset::new(7),
        synced: Offset::new(5),
        rows: 2,
        payload_crc: 9,
    };

    #[test]
    fn a_header_is_read_back_only_where_it_was_written() {
        let bytes = HEADER.encode(Seed(1), 4096);
        assert_eq!(Header::decode(&bytes, Seed(1), 4096), Some(HEADER));
        assert_eq!(Header::decode(&bytes, Seed(1), 4104), None);
        assert_eq!(Header::decode(&bytes, Seed(2), 4096), None);
        assert_eq!(Header::decode(&bytes[..39], Seed(1), 4096), None);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        let bytes = HEADER.encode(Seed(1), 64);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&flipped, Seed(1), 64), None, "bit {bit}");
        }
    }

    #[test]
    fn records_take_multiples_of_eight_bytes() {
        assert_eq!(record_bytes(0), 40);
        assert_eq!(record_bytes(1), 48);
        assert_eq!(record_bytes(8), 48);
    }
}
