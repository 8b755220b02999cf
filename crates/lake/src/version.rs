//! What a query sees: files and batches that together are the table at one moment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::RecordBatch;
use event::Timestamp;
use journal::{Cursor, JournalId, Offset};

use crate::day::{Day, Partition};
use crate::layout::FilePath;

/// A Parquet file of the table.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// Absolute path.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// How many rows it holds.
    pub rows: u64,
    /// The day of all its rows; `None` for a file that several days share.
    pub day: Option<Day>,
    /// The earliest `timestamp` in it.
    pub min_timestamp: Timestamp,
    /// The latest `timestamp` in it.
    pub max_timestamp: Timestamp,
    /// When it was written.
    pub added_at: Timestamp,
    pub(crate) name: FilePath,
}

impl DataFile {
    pub(crate) fn partition(&self) -> Partition {
        self.day.map_or(Partition::Shared, Partition::Day)
    }
}

/// Rows of the tail, decoded together.
#[derive(Debug)]
pub(crate) struct TailBatch {
    journal_id: JournalId,
    pub(crate) rows: RecordBatch,
    /// The offset after the last row.
    end: Offset,
    /// Memory that the rows take.
    pub(crate) bytes: usize,
}

impl TailBatch {
    /// Takes rows that end before an offset.
    pub(crate) fn new(rows: RecordBatch, journal_id: JournalId, end: Offset) -> Self {
        let bytes = rows.get_array_memory_size();
        Self { journal_id, rows, end, bytes }
    }
}

/// The table at one moment. It never changes; while somebody holds it, its files stay.
#[derive(Clone, Debug, Default)]
pub struct Version {
    pub(crate) files: Arc<[Arc<DataFile>]>,
    pub(crate) tail: Vec<Arc<TailBatch>>,
    /// What is committed of each journal.
    pub(crate) cursors: Arc<BTreeMap<JournalId, Offset>>,
}

impl Version {
    /// The files, in no order.
    pub fn files(&self) -> &[Arc<DataFile>] {
        &self.files
    }

    /// Rows that are in no file yet, in journal order.
    pub fn batches(&self) -> impl ExactSizeIterator<Item = &RecordBatch> {
        self.tail.iter().map(|batch| &batch.rows)
    }

    /// How many rows the table has.
    pub fn row_count(&self) -> u64 {
        self.file_rows() + self.tail_rows()
    }

    /// How many of them are in files.
    pub fn file_rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// How many of them are in batches.
    pub fn tail_rows(&self) -> u64 {
        self.tail.iter().map(|batch| batch.rows.num_rows() as u64).sum()
    }

    /// Memory that the batches take.
    pub fn tail_bytes(&self) -> usize {
        self.tail.iter().map(|batch| batch.bytes).sum()
    }

    /// Up to where the files hold a journal's rows; `None` when they hold none.
    pub fn cursor(&self, journal_id: JournalId) -> Option<Cursor> {
        let offset = *self.cursors.get(&journal_id)?;
        Some(Cursor { journal_id, offset })
    }

    /// Up to where files and batches hold a journal's rows.
    pub(crate) fn end(&self, journal_id: JournalId) -> Offset {
        let last = self.tail.iter().rev().find(|batch| batch.journal_id == journal_id);
        last.map_or_else(|| self.committed(journal_id), |batch| batch.end)
    }

    fn committed(&self, journal_id: JournalId) -> Offset {
        self.cursors.get(&journal_id).copied().unwrap_or_default()
    }

    /// Puts `files` in the place of those that `gone` names.
    pub(crate) fn replace_files(&mut self, gone: &[FilePath], files: Vec<Arc<DataFile>>) {
        let kept = self.files.iter().filter(|file| !gone.contains(&file.name)).cloned();
        self.files = kept.chain(files).collect();
    }

    /// Moves a cursor; rows below it are in files and leave the tail.
    pub(crate) fn advance(&mut self, journal_id: JournalId, to: Offset) {
        Arc::make_mut(&mut self.cursors).insert(journal_id, to);
        self.drop_committed();
    }

    /// Takes files and cursors of another version. Of a file that both have, this one's entry
    /// stays, by which it is known who holds the file.
    pub(crate) fn reload(&mut self, fresh: Self) {
        let known: BTreeMap<_, _> = self.files.iter().map(|file| (&file.name, file)).collect();
        let files = fresh.files.iter();
        let files = files.map(|file| known.get(&file.name).copied().unwrap_or(file).clone());
        self.files = files.collect();
        self.cursors = fresh.cursors;
        self.drop_committed();
    }

    fn drop_committed(&mut self) {
        let mut tail = std::mem::take(&mut self.tail);
        tail.retain(|batch| batch.end > self.committed(batch.journal_id));
        self.tail = tail;
    }
}

/// The newest version.
#[derive(Debug, Default)]
pub(crate) struct Current(RwLock<Arc<Version>>);

impl Current {
    pub(crate) fn new(version: Version) -> Self {
        Self(RwLock::new(Arc::new(version)))
    }

    pub(crate) fn get(&self) -> Arc<Version> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a changed copy in the newest version's place.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Version)) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut version = Version::clone(&current);
        change(&mut version);
        *current = Arc::new(version);
    }
}
