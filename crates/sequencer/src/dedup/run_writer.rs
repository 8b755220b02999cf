//! Writing a run from keys in order, a few pages in memory at a time.
//!
//! The file gets its name only when all of it is durable. A large run is synced as it grows, so that
//! no single sync makes the journal's own wait for hundreds of megabytes.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use journal::{File, Fs, JournalId, Offset};

use super::filter::Filter;
use super::header::{Header, page_at};
use super::key::Key;
use super::name::{run_path, temporary_path};
use super::page::{PAGE_BYTES, PAGE_KEYS, PageBuilder};
use super::run::{Resident, Run};
use crate::received::Received;

/// How much is gathered before it is written.
const BUFFER_BYTES: usize = 64 * PAGE_BYTES;

/// How much is written before it is synced.
const SYNC_DISTANCE_BYTES: u64 = 8 << 20;

/// What a run is about, known before its keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub(crate) journal_id: JournalId,
    pub(crate) begin: Offset,
    pub(crate) end: Offset,
    pub(crate) received: Received,
    /// No more keys than this will come.
    pub(crate) max_keys: u64,
    pub(crate) filter_bits_per_key: u32,
}

/// Writes one run; dropped before it is finished, it leaves nothing.
#[derive(Debug)]
pub(crate) struct RunWriter<'a> {
    fs: &'a dyn Fs,
    subject: Subject,
    path: PathBuf,
    temporary: Temporary<'a>,
    page: PageBuilder,
    buffer: Vec<u8>,
    position: u64,
    synced: u64,
    keys: u64,
    resident: Resident,
}

impl<'a> RunWriter<'a> {
    pub(crate) fn create(fs: &'a dyn Fs, dir: &Path, subject: Subject) -> io::Result<Self> {
        let path = run_path(dir, subject.begin, subject.end);
        let temporary = Temporary::create(fs, temporary_path(&path))?;
        let pages = subject.max_keys.div_ceil(PAGE_KEYS as u64);
        let index = Vec::with_capacity(usize::try_from(pages).unwrap_or(0));
        let filter = Filter::new(subject.max_keys, subject.filter_bits_per_key);
        Ok(Self {
            fs,
            subject,
            path,
            temporary,
            page: PageBuilder::new(),
            buffer: Vec::with_capacity(BUFFER_BYTES),
            position: page_at(0),
            synced: 0,
            keys: 0,
            resident: Resident { index, filter },
        })
    }

    /// Adds a key that is greater than all before.
    pub(crate) fn push(&mut self, key: Key, offset: Offset) -> io::Result<()> {
        if self.page.is_empty() {
            self.resident.index.push(key.high);
        }
        self.page.push(key, offset);
        self.resident.filter.insert(key);
        self.keys += 1;
        if self.page.is_full() {
            self.finish_page()?;
        }
        Ok(())
    }

    /// Makes the run durable and gives it its name.
    pub(crate) fn finish(mut self) -> io::Result<Run> {
        if !self.page.is_empty() {
            self.finish_page()?;
        }
        let header = self.write_resident()?;
        write_all_at(self.temporary.file()?, &*header.encode(), 0)?;
        let file = self.temporary.rename(&self.path)?;
        if let Some(dir) = self.path.parent() {
            self.fs.sync_dir(dir)?;
        }
        Ok(Run::new(self.path, header, file, self.resident))
    }

    /// Memory that the writing takes, with what stays in memory of the run.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.buffer.capacity()
            + PAGE_BYTES
            + self.resident.index.capacity() * size_of::<u64>()
            + self.resident.filter.memory_bytes()
    }

    fn finish_page(&mut self) -> io::Result<()> {
        self.page.finish(&mut self.buffer);
        match self.buffer.len() < BUFFER_BYTES {
            true => Ok(()),
            false => self.flush(),
        }
    }

    /// Writes index and filter behind the pages, and returns the header that describes them.
    fn write_resident(&mut self) -> io::Result<Header> {
        let pages = self.resident.index.len() as u64;
        let mut crc = 0;
        let resident = std::mem::replace(
            &mut self.resident,
            Resident { index: Vec::new(), filter: Filter::new(0, 0) },
        );
        let index = resident
            .index
            .chunks(PAGE_BYTES)
            .map(|starts| starts.iter().copied().flat_map(u64::to_le_bytes).collect::<Vec<u8>>());
        for piece in index.chain(resident.filter.pieces()) {
            crc = crc32c::crc32c_append(crc, &piece);
            self.buffer.extend_from_slice(&piece);
            self.flush()?;
        }
        self.flush()?;
        self.resident = resident;
        let Subject { journal_id, begin, end, received, .. } = self.subject;
        Ok(Header {
            journal_id,
            begin,
            end,
            received,
            keys: self.keys,
            pages,
            filter_blocks: self.resident.filter.blocks() as u64,
            resident_crc: crc,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        let file = self.temporary.file()?;
        write_all_at(file, &self.buffer, self.position)?;
        self.position += self.buffer.len() as u64;
        self.buffer.clear();
        if self.position - self.synced >= SYNC_DISTANCE_BYTES {
            file.sync_data()?;
            self.synced = self.position;
        }
        Ok(())
    }
}

/// A file without its final name, removed unless it gets that.
#[derive(Debug)]
struct Temporary<'a> {
    fs: &'a dyn Fs,
    path: PathBuf,
    file: Option<Box<dyn File>>,
}

impl<'a> Temporary<'a> {
    fn create(fs: &'a dyn Fs, path: PathBuf) -> io::Result<Self> {
        // An earlier attempt may have left its file.
        fs.remove(&path).ok();
        let file = Some(fs.create_new(&path)?);
        Ok(Self { fs, path, file })
    }

    fn file(&self) -> io::Result<&dyn File> {
        self.file.as_deref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Syncs the file and gives it its name.
    fn rename(&mut self, to: &Path) -> io::Result<Box<dyn File>> {
        self.file()?.sync_all()?;
        self.fs.rename(&self.path, to)?;
        self.file.take().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if self.file.is_some() {
            // The next start removes what cannot be removed now.
            self.fs.remove(&self.path).ok();
        }
    }
}

fn write_all_at(file: &dyn File, mut bytes: &[u8], mut position: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(&[IoSlice::new(bytes)], position) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                position += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
