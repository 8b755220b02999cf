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
    pub(crate) rows: RecordBatch,
    pub(crate) first: Offset,
    /// The offset after the last row.
    pub(crate) end: Offset,
    /// Memory that the rows take.
    pub(crate) bytes: usize,
}

impl TailBatch {
    pub(crate) fn new(rows: RecordBatch, first: Offset, end: Offset) -> Self {
        let bytes = rows.get_array_memory_size();
        Self { rows, first, end, bytes }
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
        let committed = self.cursors.get(&journal_id).copied().unwrap_or_default();
        self.tail.last().map_or(committed, |batch| batch.end.max(committed))
    }

    /// This version with `files` in the place of those that `gone` names.
    pub(crate) fn replace_files(&mut self, gone: &[FilePath], files: Vec<Arc<DataFile>>) {
        let kept = self.files.iter().filter(|file| !gone.contains(&file.name)).cloned();
        self.files = kept.chain(files).collect();
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
