//! Reading a run from front to back.

use std::sync::Arc;

use journal::Offset;

use super::key::Key;
use super::page::{PAGE_BYTES, PAGE_KEYS, PageBytes};
use super::run::{Run, Unusable, checked};

/// Pages that are read at once.
const READ_PAGES: usize = 16;

/// Stands at a key of a run.
#[derive(Debug)]
pub(crate) struct RunCursor {
    run: Arc<Run>,
    /// The page after those in `bytes`.
    next_page: u64,
    bytes: Vec<u8>,
    /// How much of `bytes` was decoded.
    decoded: usize,
    /// The page that is being walked, last key first.
    entries: Vec<(Key, Offset)>,
}

impl RunCursor {
    /// The memory that a cursor takes.
    pub(crate) const MEMORY_BYTES: usize =
        READ_PAGES * PAGE_BYTES + PAGE_KEYS * size_of::<(Key, Offset)>();

    /// Stands at the first key.
    pub(crate) fn new(run: Arc<Run>) -> Result<Self, Unusable> {
        let bytes = Vec::with_capacity(READ_PAGES * PAGE_BYTES);
        let entries = Vec::with_capacity(PAGE_KEYS);
        let mut cursor = Self { run, next_page: 0, bytes, decoded: 0, entries };
        cursor.fill()?;
        Ok(cursor)
    }

    /// Returns the key at which it stands, `None` at the end.
    pub(crate) fn head(&self) -> Option<(Key, Offset)> {
        self.entries.last().copied()
    }

    /// Goes to the next key.
    pub(crate) fn advance(&mut self) -> Result<(), Unusable> {
        self.entries.pop();
        match self.entries.is_empty() {
            true => self.fill(),
            false => Ok(()),
        }
    }

    pub(crate) const fn run(&self) -> &Arc<Run> {
        &self.run
    }

    /// Decodes the next page, where there is one.
    fn fill(&mut self) -> Result<(), Unusable> {
        if self.decoded == self.bytes.len() {
            self.run.read_pages(self.next_page, &mut self.bytes)?;
            self.next_page += (self.bytes.len() / PAGE_BYTES) as u64;
            self.decoded = 0;
        }
        let rest = self.bytes.get(self.decoded..).unwrap_or_default();
        if let Some(bytes) = rest.first_chunk::<PAGE_BYTES>() {
            decode(bytes, &mut self.entries)?;
            self.decoded += PAGE_BYTES;
        }
        Ok(())
    }
}

fn decode(bytes: &PageBytes, entries: &mut Vec<(Key, Offset)>) -> Result<(), Unusable> {
    let page = checked(bytes)?;
    entries.extend((0..page.len()).rev().map(|slot| page.entry(slot)));
    Ok(())
}
