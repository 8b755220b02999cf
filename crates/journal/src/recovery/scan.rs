//! Walking over the records of a segment.

use std::io;

use crate::error::{Context, IoError};
use crate::fs::File;
use crate::offset::Offset;
use crate::record::{self, ALIGNMENT, Header, Seed};
use crate::segment::{RECORDS_START, Segment};
use crate::window::{BLOCK_BYTES, Window, is_zero};

/// Goes from record to record and stops at the first that is not valid.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    window: Window<'a>,
    seed: Seed,
    size: u64,
    position: u64,
    expected: Offset,
}

/// What stands behind the last valid record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remainder {
    /// Whether there are only zeros.
    pub(super) is_blank: bool,
    /// The highest offset that a valid record in there knew to be synced.
    pub(super) highest_synced: Option<Offset>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(file: &'a dyn File, segment: &Segment) -> Result<Self, IoError> {
        let size = file.size().context("examine", &segment.path)?;
        Ok(Self {
            window: Window::new(file, size),
            seed: segment.header.seed(),
            size,
            position: RECORDS_START,
            expected: segment.first(),
        })
    }

    /// Where the next record would begin.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The offset that the next record would begin with.
    pub(super) fn expected(&self) -> Offset {
        self.expected
    }

    /// Goes past the next record; `None`, and stays, where there is no valid one.
    pub(super) fn advance(&mut self) -> io::Result<Option<Header>> {
        let Some(header) = self.header_at(self.position)? else {
            return Ok(None);
        };
        if header.first != self.expected || !self.has_payload(&header)? {
            return Ok(None);
        }
        self.position += header.record_bytes();
        self.expected = header.end();
        Ok(Some(header))
    }

    /// Examines everything behind the last valid record, at every place where one could begin.
    ///
    /// A valid header is enough for its word to count: it was written after that offset was synced,
    /// whatever became of the payload.
    pub(super) fn remainder(&mut self) -> io::Result<Remainder> {
        let mut remainder = Remainder { is_blank: true, highest_synced: None };
        let mut start = self.position;
        while start < self.size {
            if !is_zero(self.window.at(start, BLOCK_BYTES)?) {
                remainder.is_blank = false;
                let found = self.highest_synced_in(start)?;
                remainder.highest_synced = remainder.highest_synced.max(found);
            }
            start += BLOCK_BYTES as u64;
        }
        Ok(remainder)
    }

    /// Returns the highest word of all valid headers that begin in one block.
    fn highest_synced_in(&mut self, block: u64) -> io::Result<Option<Offset>> {
        let mut highest = None;
        for position in (block..block + BLOCK_BYTES as u64).step_by(ALIGNMENT as usize) {
            let header = self.header_at(position)?;
            highest = highest.max(header.map(|header| header.synced));
        }
        Ok(highest)
    }

    fn header_at(&mut self, position: u64) -> io::Result<Option<Header>> {
        let bytes = self.window.at(position, record::HEADER_BYTES)?;
        Ok(Header::decode(bytes, self.seed, position))
    }

    /// Checks the payload; only a length whose checksum was right is ever read.
    fn has_payload(&mut self, header: &Header) -> io::Result<bool> {
        let start = self.position + record::HEADER_BYTES as u64;
        if start + u64::from(header.payload_bytes) > self.size {
            return Ok(false);
        }
        let payload = self.window.at(start, header.payload_bytes as usize)?;
        Ok(header.matches(payload))
    }
}
