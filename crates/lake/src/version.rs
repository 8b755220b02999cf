//! What a query sees: files and batches that together are the tables at one moment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::RecordBatch;
use event::Timestamp;
use journal::{Cursor, JournalId, Offset};

use crate::Table;
use crate::day::{Day, Partition};
use crate::layout::FilePath;

/// A Parquet file of a table.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// The table.
    pub table: &'static Table,
    /// Absolute path.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// How many rows it holds.
    pub rows: u64,
    /// The day of all its rows; `None` for a file that several days share.
    pub day: Option<Day>,
    /// The earliest time in it, by which the table is partitioned.
    pub min_timestamp: Timestamp,
    /// The latest.
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
    /// The rows of each table that has some.
    tables: Vec<(&'static Table, RecordBatch)>,
    /// The offset after the last row.
    end: Offset,
    /// Memory that the rows take.
    pub(crate) bytes: usize,
}

impl TailBatch {
    /// Takes rows that end before an offset.
    pub(crate) fn new(
        tables: Vec<(&'static Table, RecordBatch)>,
        journal_id: JournalId,
        end: Offset,
    ) -> Self {
        let bytes = tables.iter().map(|(_, rows)| rows.get_array_memory_size()).sum();
        Self { journal_id, tables, end, bytes }
    }

    fn of(&self, table: &Table) -> Option<&RecordBatch> {
        self.tables.iter().find(|(of, _)| *of == table).map(|(_, rows)| rows)
    }
}

/// All tables at one moment. It never changes; while somebody holds it, its files stay.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// By the name of their table; one without files may be missing.
    files: BTreeMap<&'static str, Arc<[Arc<DataFile>]>>,
    pub(crate) tail: Vec<Arc<TailBatch>>,
    /// What is committed of each journal.
    pub(crate) cursors: Arc<BTreeMap<JournalId, Offset>>,
}

impl Version {
    /// What is committed, without a tail.
    pub(crate) fn committed(files: Vec<DataFile>, cursors: BTreeMap<JournalId, Offset>) -> Self {
        let mut tables: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for file in files {
            tables.entry(file.table.name()).or_default().push(Arc::new(file));
        }
        let files = tables.into_iter().map(|(table, files)| (table, files.into())).collect();
        Self { files, tail: Vec::new(), cursors: Arc::new(cursors) }
    }

    /// The files of a table, in no order.
    pub fn files(&self, table: &Table) -> &[Arc<DataFile>] {
        self.files.get(table.name()).map_or(&[], |files| files)
    }

    /// Rows of a table that are in no file yet, in journal order.
    pub fn batches(&self, table: &Table) -> impl Iterator<Item = &RecordBatch> {
        self.tail.iter().filter_map(|batch| batch.of(table))
    }

    /// The files of all tables.
    pub fn all_files(&self) -> impl Iterator<Item = &Arc<DataFile>> {
        self.files.values().flat_map(|files| files.iter())
    }

    /// How many rows all tables have.
    pub fn row_count(&self) -> u64 {
        self.file_rows() + self.tail_rows()
    }

    /// How many of them are in files.
    pub fn file_rows(&self) -> u64 {
        self.all_files().map(|file| file.rows).sum()
    }

    /// How many of them are in batches.
    pub fn tail_rows(&self) -> u64 {
        let batches = self.tail.iter().flat_map(|batch| &batch.tables);
        batches.map(|(_, rows)| rows.num_rows() as u64).sum()
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
        last.map_or_else(|| self.committed_end(journal_id), |batch| batch.end)
    }

    fn committed_end(&self, journal_id: JournalId) -> Offset {
        self.cursors.get(&journal_id).copied().unwrap_or_default()
    }

    /// Puts `files` of a table in the place of those that `gone` names.
    pub(crate) fn replace_files(
        &mut self,
        table: &'static Table,
        gone: &[FilePath],
        files: Vec<Arc<DataFile>>,
    ) {
        let kept = self.files(table).iter().filter(|file| !gone.contains(&file.name)).cloned();
        let files = kept.chain(files).collect();
        self.files.insert(table.name(), files);
    }

    /// Moves a cursor; rows below it are in files and leave the tail.
    pub(crate) fn advance(&mut self, journal_id: JournalId, to: Offset) {
        Arc::make_mut(&mut self.cursors).insert(journal_id, to);
        self.drop_committed();
    }

    /// Takes files and cursors of another version. Of a file that both have, this one's entry
    /// stays, by which it is known who holds the file.
    pub(crate) fn reload(&mut self, fresh: Self) {
        let known: BTreeMap<_, _> = self.all_files().map(|file| (&file.name, file)).collect();
        let entry = |file: &Arc<DataFile>| known.get(&file.name).copied().unwrap_or(file).clone();
        let files = fresh.files.iter();
        self.files = files.map(|(table, of)| (*table, of.iter().map(entry).collect())).collect();
        self.cursors = fresh.cursors;
        self.drop_committed();
    }

    fn drop_committed(&mut self) {
        let mut tail = std::mem::take(&mut self.tail);
        tail.retain(|batch| batch.end > self.committed_end(batch.journal_id));
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
