//! The journal's files, written from the description of their format alone.

/// The size of a record's header.
pub(super) const RECORD_HEADER_BYTES: usize = 40;
/// Where the records of a segment begin.
pub(super) const RECORDS_START: usize = 4096;
/// Records begin at multiples of this.
pub(super) const ALIGNMENT: usize = 8;

/// A record's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordHeader {
    pub(super) first: u64,
    pub(super) synced: u64,
    pub(super) rows: u32,
    /// The length that it states.
    pub(super) payload_bytes: u32,
}

/// A segment's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentHeader {
    pub(super) version: u32,
    pub(super) journal_id: u8,
    pub(super) first: u64,
    pub(super) previous_end: u64,
    pub(super) salt: u64,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[0..8].copy_from_slice(b"hogflarJ");
        bytes[8..12].copy_from_slice(&self.version.to_le_bytes());
        bytes[16..32].fill(self.journal_id);
        bytes[32..40].copy_from_slice(&self.first.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.previous_end.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.salt.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// What the checksums of its records start from.
    pub(super) fn seed(&self) -> u32 {
        let [.., a, b, c, d] = self.encode();
        u32::from_le_bytes([a, b, c, d])
    }

    pub(super) fn file_name(&self) -> String {
        format!("{:020}.segment", self.first)
    }
}

impl RecordHeader {
    /// The whole record for a place in a segment, padding included.
    pub(super) fn encode(&self, seed: u32, position: usize, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; RECORD_HEADER_BYTES];
        bytes[0..4].copy_from_slice(b"hogR");
        bytes[4..8].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.synced.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.rows.to_le_bytes());
        bytes[28..32].copy_from_slice(&crc32c::crc32c(payload).to_le_bytes());
        let placed = crc32c::crc32c_append(seed, &(position as u64).to_le_bytes());
        let crc = crc32c::crc32c_append(placed, &bytes[..36]);
        bytes[36..].copy_from_slice(&crc.to_le_bytes());
        bytes.extend_from_slice(payload);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes
    }
}
