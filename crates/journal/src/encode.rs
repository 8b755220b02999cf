//! Turning a group of batches into the bytes of its records, without copying large payloads.

use std::io::IoSlice;
use std::ops::Range;

use bytes::Bytes;

use crate::offset::Offset;
use crate::record::{ALIGNMENT, Header, Seed};

/// Payloads up to this size are copied behind their header: cheaper than one more buffer for the
/// system call.
const COPY_MAX_BYTES: usize = 4096;

/// What becomes one record: some rows, encoded by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// How many rows the payload holds; at least one.
    pub rows: u32,
    /// The rows; the journal does not look into them.
    pub payload: Bytes,
}

/// Where the records of a group begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) offset: Offset,
    pub(crate) position: u64,
    pub(crate) seed: Seed,
}

/// Encodes groups; its buffers are used again and again.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    /// Headers, padding and small payloads, in the order of the file.
    scratch: Vec<u8>,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Scratch(Range<usize>),
    Payload(usize),
}

impl Encoder {
    /// Encodes a group as records that follow each other.
    pub(crate) fn encode(&mut self, group: &[Batch], start: Start) {
        self.scratch.clear();
        self.pieces.clear();
        let Start { mut offset, mut position, seed } = start;
        let mut scratch_done = 0;
        for (index, batch) in group.iter().enumerate() {
            let header = Header {
                payload_bytes: u32::try_from(batch.payload.len()).unwrap_or(u32::MAX),
                first: offset,
                synced: start.offset,
                rows: batch.rows,
                payload_crc: crc32c::crc32c(&batch.payload),
            };
            self.scratch.extend_from_slice(&header.encode(seed, position));
            if batch.payload.len() <= COPY_MAX_BYTES {
                self.scratch.extend_from_slice(&batch.payload);
            } else {
                self.pieces.push(Piece::Scratch(scratch_done..self.scratch.len()));
                self.pieces.push(Piece::Payload(index));
                scratch_done = self.scratch.len();
            }
            self.pad(batch.payload.len());
            offset = header.end();
            position += header.record_bytes();
        }
        self.pieces.push(Piece::Scratch(scratch_done..self.scratch.len()));
    }

    /// Returns the encoded group as buffers for one write.
    pub(crate) fn buffers<'a>(&'a self, group: &'a [Batch]) -> Vec<IoSlice<'a>> {
        let bytes = |piece: &Piece| match piece {
            Piece::Scratch(range) => self.scratch.get(range.clone()),
            Piece::Payload(index) => group.get(*index).map(|batch| &*batch.payload),
        };
        self.pieces.iter().filter_map(bytes).map(IoSlice::new).collect()
    }

    /// A header is a multiple of 8 bytes, so only the payload decides the padding.
    fn pad(&mut self, payload_bytes: usize) {
        let padding = payload_bytes.next_multiple_of(ALIGNMENT as usize) - payload_bytes;
        self.scratch.resize(self.scratch.len() + padding, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{HEADER_BYTES, record_bytes};

    #[test]
    fn small_and_large_payloads_stand_where_their_headers_say() {
        let sizes = [0, 1, 8, COPY_MAX_BYTES, COPY_MAX_BYTES + 1, 3];
        let group: Vec<_> = sizes
            .iter()
            .enumerate()
            .map(|(index, size)| Batch { rows: 2, payload: vec![index as u8 + 1; *size].into() })
            .collect();
        let start = Start { offset: Offset::new(10), position: 4096, seed: Seed(3) };
        let mut encoder = Encoder::default();
        encoder.encode(&group, start);
        let buffers = encoder.buffers(&group);
        let bytes: Vec<u8> = buffers.iter().flat_map(|buffer| buffer.iter().copied()).collect();

        let mut at = 0;
        for (index, batch) in group.iter().enumerate() {
            let header = Header::decode(&bytes[at..], start.seed, 4096 + at as u64).unwrap();
            assert_eq!(header.first, Offset::new(10 + 2 * index as u64));
            assert_eq!(header.synced, start.offset);
            let payload = &bytes[at + HEADER_BYTES..][..header.payload_bytes as usize];
            assert_eq!(payload, batch.payload);
            assert!(header.matches(payload));
            at += record_bytes(payload.len()) as usize;
        }
        assert_eq!(at, bytes.len());
    }
}
