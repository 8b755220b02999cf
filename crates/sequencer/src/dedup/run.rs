//! A run: keys of a stretch of the journal, sorted, in one immutable file.
//!
//! ```text
//!  +--------+--------+--------+-----+--------+--------------------+------------------+
//!  | header | page 0 | page 1 |  …  | page n | index: for each    | filter: blocks   |
//!  | 4096 B | 4096 B |        |     |        | page its first key | of 64 bytes      |
//!  |        |        |        |     |        | upper half, 8 B    |                  |
//!  +--------+--------+--------+-----+--------+--------------------+------------------+
//!            \______ read when asked _______/ \______ in memory while open _________/
//! ```
//!
//! The index holds upper halves only. Keys that share one may straddle two pages, so a look-up reads
//! every page that could hold the upper half: nearly always one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use journal::{File, Fs, Offset};

use super::filter::Filter;
use super::header::{Header, page_at};
use super::key::Key;
use super::page::{PAGE_BYTES, Page, PageBytes};

/// Why a run cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Damaged(&'static str),
}

/// An open run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    file: Box<dyn File>,
    index: Vec<u64>,
    filter: Filter,
    is_damaged: AtomicBool,
}

/// What of a run is kept in memory.
#[derive(Debug)]
pub(crate) struct Resident {
    pub(crate) index: Vec<u64>,
    pub(crate) filter: Filter,
}

impl Run {
    /// Joins a file with what is in memory of it.
    pub(crate) fn new(
        path: PathBuf,
        header: Header,
        file: Box<dyn File>,
        resident: Resident,
    ) -> Self {
        let Resident { index, filter } = resident;
        Self { path, header, file, index, filter, is_damaged: AtomicBool::new(false) }
    }

    /// Opens a run and checks all of it but its pages, which are checked as they are read.
    pub(crate) fn open(fs: &dyn Fs, path: &Path) -> Result<Self, Unusable> {
        let file = fs.open_read(path)?;
        let mut page = [0; PAGE_BYTES];
        read_exact_at(&*file, &mut page, 0)?;
        let header = Header::decode(&page).map_err(Unusable::Damaged)?;
        if file.size()? != header.file_bytes() {
            return Err(Unusable::Damaged("its size is not what its header says"));
        }
        let resident = load_resident(&*file, &header)?;
        Ok(Self::new(path.to_path_buf(), header, file, resident))
    }

    /// False where the key is certainly not in the run; reads no file.
    pub(crate) fn may_contain(&self, key: Key) -> bool {
        self.header.keys > 0 && self.filter.may_contain(key)
    }

    /// Returns where the key's row is.
    pub(crate) fn find(&self, key: Key) -> Result<Option<Offset>, Unusable> {
        if !self.may_contain(key) {
            return Ok(None);
        }
        let first = self.index.partition_point(|&start| start < key.high).saturating_sub(1);
        let end = self.index.partition_point(|&start| start <= key.high);
        let mut bytes = [0; PAGE_BYTES];
        for page in first..end {
            let found = self.read_page(page as u64, &mut bytes)?.find(key);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Reads consecutive pages from `page` on, as many as the buffer holds and the run has.
    pub(crate) fn read_pages(&self, page: u64, buffer: &mut Vec<u8>) -> Result<(), Unusable> {
        let left = self.header.pages.saturating_sub(page);
        let pages = left.min((buffer.capacity() / PAGE_BYTES) as u64);
        buffer.resize(usize::try_from(pages).unwrap_or(0) * PAGE_BYTES, 0);
        Ok(read_exact_at(&*self.file, buffer, page_at(page))?)
    }

    /// Notes that the file is damaged; true for the first who noticed.
    pub(crate) fn mark_damaged(&self) -> bool {
        !self.is_damaged.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.index.capacity() * size_of::<u64>() + self.filter.memory_bytes()
    }

    fn read_page<'a>(&self, page: u64, bytes: &'a mut PageBytes) -> Result<Page<'a>, Unusable> {
        read_exact_at(&*self.file, bytes, page_at(page))?;
        checked(bytes)
    }
}

/// Checks a page that was read.
pub(crate) fn checked(bytes: &PageBytes) -> Result<Page<'_>, Unusable> {
    Page::checked(bytes).ok_or(Unusable::Damaged("a page of keys is damaged"))
}

fn load_resident(file: &dyn File, header: &Header) -> Result<Resident, Unusable> {
    let too_large = |_| Unusable::Damaged("it is larger than memory");
    let mut bytes = vec![0; usize::try_from(header.resident_bytes()).map_err(too_large)?];
    read_exact_at(file, &mut bytes, header.index_at())?;
    if crc32c::crc32c(&bytes) != header.resident_crc {
        return Err(Unusable::Damaged("its index or filter is damaged"));
    }
    let (index, filter) = bytes.split_at(usize::try_from(header.index_bytes()).map_err(too_large)?);
    let (index, _) = index.as_chunks::<8>();
    Ok(Resident {
        index: index.iter().copied().map(u64::from_le_bytes).collect(),
        filter: Filter::from_bytes(filter),
    })
}

/// Reads until the buffer is full.
fn read_exact_at(file: &dyn File, buffer: &mut [u8], position: u64) -> io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, position + filled as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
