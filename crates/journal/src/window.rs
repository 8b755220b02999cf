//! Looking at a file through a sliding window, so that a segment is never in memory as a whole.

use std::io;

use crate::fs::{File, read_full_at};

/// How much is read at once; larger only where a single record is.
const WINDOW_BYTES: usize = 1 << 20;

/// The unit in which zeros are skipped.
pub(crate) const BLOCK_BYTES: usize = 4096;

/// Says whether a block, or a part of one, holds only zeros.
pub(crate) fn is_zero(block: &[u8]) -> bool {
    static ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];
    ZEROS.starts_with(block)
}

/// A part of a file in memory.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    file: &'a dyn File,
    /// Where looking ends, at most the end of the file.
    end: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(crate) fn new(file: &'a dyn File, end: u64) -> Self {
        Self { file, end, start: 0, bytes: Vec::new() }
    }

    /// Returns `len` bytes from `position`, fewer at the end.
    pub(crate) fn at(&mut self, position: u64, len: usize) -> io::Result<&[u8]> {
        if !self.covers(position, len) {
            self.load(position, len.max(WINDOW_BYTES))?;
        }
        let from = self.index(position);
        let rest = self.bytes.get(from..).unwrap_or_default();
        Ok(rest.get(..len).unwrap_or(rest))
    }

    fn covers(&self, position: u64, len: usize) -> bool {
        position >= self.start && position + len as u64 <= self.start + self.bytes.len() as u64
    }

    fn index(&self, position: u64) -> usize {
        usize::try_from(position - self.start).unwrap_or(usize::MAX)
    }

    fn load(&mut self, position: u64, len: usize) -> io::Result<()> {
        let left = usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX);
        self.bytes.clear();
        self.bytes.resize(len.min(left), 0);
        self.start = position;
        let read = read_full_at(self.file, &mut self.bytes, position);
        self.bytes.truncate(*read.as_ref().unwrap_or(&0));
        read.map(|_| ())
    }
}
