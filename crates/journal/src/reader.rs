//! Reading records, from any offset to the end and on as the end moves.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Context, Damage, Error};
use crate::fs::{File, read_full_at};
use crate::journal::Journal;
use crate::offset::Offset;
use crate::record::{HEADER_BYTES, Header};
use crate::segment::{Extent, Segment};
use crate::window::Window;

/// A record as it was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The offset of its first row.
    pub first: Offset,
    /// How many rows it holds.
    pub rows: u32,
    /// The rows, as the writer was given them.
    pub payload: Bytes,
}

impl Record {
    /// Returns the offset after its last row.
    pub const fn end(&self) -> Offset {
        self.first.advanced(self.rows as u64)
    }
}

/// Reads records in order; it never sees what is not synced.
///
/// After an error it stands where it stood, and the same read may be tried again.
#[derive(Debug)]
pub struct Reader {
    journal: Journal,
    segment: Arc<Segment>,
    file: Box<dyn File>,
    /// Where the next record begins.
    position: u64,
    /// The offset of the next record.
    next: Offset,
    /// The offset that was asked for, which may lie within the first record.
    start: Offset,
}

impl Reader {
    pub(crate) fn new(journal: Journal, start: Offset) -> Result<Self, Error> {
        let segment = journal.segments().locate(start);
        let segment = segment.ok_or_else(|| gone(&journal, start))?;
        let file = open_file(&journal, &segment, start)?;
        let mark = segment.mark_before(start);
        let mut reader =
            Self { journal, segment, file, position: mark.position, next: mark.offset, start };
        reader.skip_to(start)?;
        Ok(reader)
    }

    /// Returns the first offset that was not read yet.
    pub fn offset(&self) -> Offset {
        self.next.max(self.start)
    }

    /// Reads the next records, about `max_bytes` of them and at least one.
    ///
    /// Returns nothing only where everything synced was read. The first record may begin below the
    /// offset that was asked for, when that lies among the record's rows. This blocks on the disk.
    ///
    /// # Errors
    /// When the disk fails, a record is damaged, or the rows were trimmed because nothing held
    /// them.
    pub fn read(&mut self, max_bytes: usize) -> Result<Vec<Record>, Error> {
        loop {
            let extent = self.segment.extent();
            if self.next < extent.end {
                return self.read_segment(&extent, max_bytes);
            }
            if !extent.is_sealed || !self.enter_successor()? {
                return Ok(Vec::new());
            }
        }
    }

    /// Goes on to the segment after this one; false where there is none yet.
    fn enter_successor(&mut self) -> Result<bool, Error> {
        let successor = {
            let segments = self.journal.segments();
            if segments.is_gone(self.next) {
                drop(segments);
                return Err(gone(&self.journal, self.next));
            }
            segments.successor(self.segment.first())
        };
        let Some(segment) = successor else {
            return Ok(false);
        };
        let start = segment.mark_before(segment.first());
        self.file = open_file(&self.journal, &segment, self.next)?;
        self.position = start.position;
        self.next = start.offset;
        self.segment = segment;
        Ok(true)
    }

    fn read_segment(&mut self, extent: &Extent, max_bytes: usize) -> Result<Vec<Record>, Error> {
        let left = usize::try_from(extent.position - self.position).unwrap_or(usize::MAX);
        let mut chunk = self.load(left.min(max_bytes.max(HEADER_BYTES)))?;
        let first = self.decode(&chunk, self.position, self.next)?;
        let needed = usize::try_from(first.record_bytes()).unwrap_or(usize::MAX);
        if chunk.len() < needed && needed <= left {
            chunk = self.load(needed)?;
        }
        self.split(&Bytes::from(chunk))
    }

    /// Cuts whole records out of a chunk and goes past them.
    fn split(&mut self, chunk: &Bytes) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        let (mut position, mut next) = (self.position, self.next);
        let mut at = 0;
        while let Some(bytes) = chunk.get(at..).filter(|bytes| bytes.len() >= HEADER_BYTES) {
            let header = self.decode(bytes, position, next)?;
            let payload = at + HEADER_BYTES..at + HEADER_BYTES + header.payload_bytes as usize;
            if payload.end > chunk.len() {
                break;
            }
            let payload = chunk.slice(payload);
            if !header.matches(&payload) {
                return Err(self.damaged(position, next));
            }
            records.push(Record { first: header.first, rows: header.rows, payload });
            next = header.end();
            position += header.record_bytes();
            at += usize::try_from(header.record_bytes()).unwrap_or(usize::MAX);
        }
        if records.is_empty() {
            return Err(self.damaged(position, next));
        }
        (self.position, self.next) = (position, next);
        Ok(records)
    }

    /// Goes past the records that end at or before `start`.
    fn skip_to(&mut self, start: Offset) -> Result<(), Error> {
        let extent = self.segment.extent();
        let (mut position, mut next) = (self.position, self.next);
        let mut window = Window::new(&*self.file, extent.position);
        while next < start.min(extent.end) {
            let bytes = window.at(position, HEADER_BYTES).context("read", &self.segment.path)?;
            let header = self.decode(bytes, position, next)?;
            if header.end() > start {
                break;
            }
            position += header.record_bytes();
            next = header.end();
        }
        (self.position, self.next) = (position, next);
        Ok(())
    }

    fn decode(&self, bytes: &[u8], position: u64, expected: Offset) -> Result<Header, Error> {
        Header::decode(bytes, self.segment.header.seed(), position)
            .filter(|header| header.first == expected && header.rows > 0)
            .ok_or_else(|| self.damaged(position, expected))
    }

    fn load(&self, bytes: usize) -> Result<Vec<u8>, Error> {
        let mut chunk = vec![0; bytes];
        let read = read_full_at(&*self.file, &mut chunk, self.position);
        chunk.truncate(read.context("read", &self.segment.path)?);
        Ok(chunk)
    }

    fn damaged(&self, position: u64, offset: Offset) -> Error {
        let file = self.segment.path.clone();
        Error::Corrupt { file, position, offset, damage: Damage::Record }
    }
}

fn gone(journal: &Journal, asked: Offset) -> Error {
    Error::Gone { asked, first: journal.first(), journal: journal.id() }
}

/// Opens a segment's file; one that a trim took away a moment ago is gone, not a failure.
fn open_file(journal: &Journal, segment: &Segment, asked: Offset) -> Result<Box<dyn File>, Error> {
    match journal.fs().open_read(&segment.path) {
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && journal.segments().is_gone(asked) =>
        {
            Err(gone(journal, asked))
        }
        opened => Ok(opened.context("open", &segment.path)?),
    }
}
