//! What a query sees: files and batches that together are the tables at one moment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::RecordBatch;
use event::{Placed, Timestamp};
use journal::{Cursor, JournalId, Offset};
use object_store::ObjectStore;

use crate::day::{Day, Partition};
use crate::erasure::{Counts, Erasing, Number, Numbered, Pending};
use crate::layout::FilePath;
use crate::{Error, Table};

/// A Parquet file of a table.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// The table.
    pub table: &'static Table,
    /// Absolute path; in an object store the key.
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
    pub(crate) free_of: FreeOf,
}

/// The last erasure that a file is free of, as of all before it. It grows when a file is looked at
/// and nothing is found.
#[derive(Clone, Debug, Default)]
pub(crate) struct FreeOf(Arc<AtomicU64>);

impl FreeOf {
    pub(crate) fn new(number: Number) -> Self {
        Self(Arc::new(AtomicU64::new(number.0)))
    }

    pub(crate) fn get(&self) -> Number {
        Number(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, number: Number) {
        self.0.store(number.0, Ordering::Relaxed);
    }
}

/// The earliest and the latest moment, for files of which nobody said.
const ANY_TIME: (Timestamp, Timestamp) =
    (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));

impl DataFile {
    /// A file that somebody else looks after, with its bytes and rows, and the first and last time in it
    /// where these are known.
    pub(crate) fn remote(
        table: &'static Table,
        key: &str,
        name: String,
        (bytes, rows): (u64, u64),
        times: Option<(Timestamp, Timestamp)>,
    ) -> Self {
        let (min_timestamp, max_timestamp) = times.unwrap_or(ANY_TIME);
        Self {
            table,
            path: key.into(),
            bytes,
            rows,
            day: None,
            min_timestamp,
            max_timestamp,
            added_at: Timestamp::now(),
            name: name.into(),
            free_of: FreeOf::default(),
        }
    }

    /// The first and the last time in the file, where these are known.
    pub fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let times = (self.min_timestamp, self.max_timestamp);
        (times != ANY_TIME).then_some(times)
    }

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
    /// Erasures among the rows; they are numbered once they are in the tail.
    came: Vec<Arc<Placed>>,
    erasures: Vec<Numbered>,
    /// What these took out of the tail.
    erased: Counts,
}

impl TailBatch {
    /// Takes rows that end before an offset.
    pub(crate) fn new(
        tables: Vec<(&'static Table, RecordBatch)>,
        journal_id: JournalId,
        end: Offset,
    ) -> Self {
        let bytes = tables.iter().map(|(_, rows)| rows.get_array_memory_size()).sum();
        let (came, erasures, erased) = (Vec::new(), Vec::new(), Counts::default());
        Self { journal_id, tables, end, bytes, came, erasures, erased }
    }

    /// The same, with erasures that are among its rows.
    pub(crate) fn with_erasures(self, came: Vec<Arc<Placed>>) -> Self {
        Self { came, ..self }
    }

    /// The batch without what is erased; `None` where that is nothing.
    fn without(&self, erasing: &Erasing, counts: &mut Counts) -> Result<Option<Self>, Error> {
        let mut here = Counts::default();
        let tables = self
            .tables
            .iter()
            .map(|(table, rows)| Ok((*table, erasing.apply(table, rows.clone(), &mut here)?)));
        let tables = tables.collect::<Result<Vec<_>, Error>>()?;
        counts.add(&here);
        let changed = || Self {
            came: self.came.clone(),
            erasures: self.erasures.clone(),
            erased: self.erased.clone(),
            ..Self::new(tables, self.journal_id, self.end)
        };
        Ok((!here.is_empty()).then(changed))
    }

    pub(crate) fn of(&self, table: &Table) -> Option<&RecordBatch> {
        self.tables.iter().find(|(of, _)| *of == table).map(|(_, rows)| rows)
    }
}

/// The files of a table by whether they may have rows that were erased.
#[derive(Debug, Default)]
pub struct FilesByErasure {
    /// They have none.
    pub whole: Vec<Arc<DataFile>>,
    /// They may have some, which queries take out.
    pub erased: Vec<(Arc<DataFile>, Arc<Erasing>)>,
}

/// Tells versions of lakes apart, within one process; a later one is higher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionNumber(u64);

impl VersionNumber {
    /// One that no version has had.
    pub fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Where the files of tables are that are not on this machine, by the name of the table.
#[derive(Clone, Debug, Default)]
pub struct Remote(pub(crate) BTreeMap<&'static str, Arc<dyn ObjectStore>>);

impl Remote {
    /// The object store that has a table's files under their keys.
    pub fn of(&self, table: &Table) -> Option<&Arc<dyn ObjectStore>> {
        self.0.get(table.name())
    }
}

/// All tables at one moment. It never changes; while somebody holds it, its files stay, but for remote ones,
/// which go when whoever looks after them has them go.
#[derive(Clone, Debug, Default)]
pub struct Version {
    number: VersionNumber,
    /// By the name of their table; one without files may be missing.
    files: BTreeMap<&'static str, Arc<[Arc<DataFile>]>>,
    pub(crate) tail: Vec<Arc<TailBatch>>,
    /// What is committed of each journal.
    pub(crate) cursors: Arc<BTreeMap<JournalId, Offset>>,
    /// Erasures that are committed and that files may have rows of.
    pub(crate) erasures: Arc<Pending>,
    /// Where files are that are not in the folder.
    remote: Option<Arc<Remote>>,
}

impl Version {
    /// What is committed, without a tail.
    pub(crate) fn committed(
        files: Vec<DataFile>,
        cursors: BTreeMap<JournalId, Offset>,
        erasures: Pending,
    ) -> Self {
        let mut tables: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for file in files {
            tables.entry(file.table.name()).or_default().push(Arc::new(file));
        }
        let files = tables.into_iter().map(|(table, files)| (table, files.into())).collect();
        let (cursors, erasures) = (Arc::new(cursors), Arc::new(erasures));
        let number = VersionNumber::default();
        Self { number, files, tail: Vec::new(), cursors, erasures, remote: None }
    }

    /// By which it is told from all others that this process has seen.
    pub const fn number(&self) -> VersionNumber {
        self.number
    }

    /// Where the files are, unless they are on this machine.
    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_deref()
    }

    /// Takes files of tables that somebody else looks after.
    pub(crate) fn take_remote(
        &mut self,
        files: BTreeMap<&'static str, Vec<Arc<DataFile>>>,
        remote: Remote,
    ) {
        self.files = files.into_iter().map(|(table, files)| (table, files.into())).collect();
        self.remote = Some(Arc::new(remote));
    }

    /// The files of a table, in no order.
    pub fn files(&self, table: &Table) -> &[Arc<DataFile>] {
        self.files.get(table.name()).map_or(&[], |files| files)
    }

    /// Which files of a table queries read as they are, and which only without what is erased.
    pub fn files_by_erasure(&self, table: &'static Table) -> FilesByErasure {
        let mut files = FilesByErasure::default();
        let erasures = match self.tail_erasures().next() {
            Some(_) => Arc::new(self.erasures.and(self.tail_erasures().cloned())),
            None => self.erasures.clone(),
        };
        for file in self.files(table) {
            let is_found = Erasing::finds(table);
            match is_found.then(|| erasures.erasing(file.free_of.get())).flatten() {
                Some(erasing) => files.erased.push((file.clone(), erasing)),
                None => files.whole.push(file.clone()),
            }
        }
        files
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

    /// The tail with more rows behind it, and without what these erase.
    pub(crate) fn tail_and(&self, batch: TailBatch) -> Result<Vec<Arc<TailBatch>>, Error> {
        let mut tail = self.tail.clone();
        if batch.came.is_empty() {
            tail.push(Arc::new(batch));
            return Ok(tail);
        }
        let numbers = self.last_erasure().0 + 1..;
        let numbered = |(number, placed): (u64, &Arc<Placed>)| Numbered {
            number: Number(number),
            placed: placed.clone(),
        };
        let erasures: Vec<Numbered> = numbers.zip(&batch.came).map(numbered).collect();
        let erasing = Erasing::new(&erasures);
        let mut erased = Counts::default();
        for before in &mut tail {
            if let Some(without) = before.without(&erasing, &mut erased)? {
                *before = Arc::new(without);
            }
        }
        let batch = batch.without(&erasing, &mut erased)?.unwrap_or(batch);
        tail.push(Arc::new(TailBatch { erasures, erased, came: Vec::new(), ..batch }));
        Ok(tail)
    }

    /// Takes another tail, as far as it is not committed meanwhile.
    pub(crate) fn take_tail(&mut self, tail: Vec<Arc<TailBatch>>) {
        self.tail = tail;
        self.drop_committed();
    }

    /// Erasures of the tail, which the next commit commits.
    pub(crate) fn tail_erasures(&self) -> impl Iterator<Item = &Numbered> {
        self.tail.iter().flat_map(|batch| &batch.erasures)
    }

    /// What they took out of the tail.
    pub(crate) fn tail_erased(&self) -> Counts {
        let mut erased = Counts::default();
        self.tail.iter().for_each(|batch| erased.add(&batch.erased));
        erased
    }

    /// How many erasures there were: what was made of a version with fewer may show somebody who is gone.
    pub fn erasure_count(&self) -> u64 {
        self.last_erasure().0
    }

    /// The last erasure that was read.
    pub(crate) fn last_erasure(&self) -> Number {
        let last = self.tail_erasures().last().map(|erasure| erasure.number);
        last.unwrap_or_default().max(self.erasures.last())
    }

    /// Moves a cursor; rows below it are in files and leave the tail.
    pub(crate) fn advance(&mut self, journal_id: JournalId, to: Offset) {
        Arc::make_mut(&mut self.cursors).insert(journal_id, to);
        let is_committed =
            |batch: &&Arc<TailBatch>| batch.end <= self.committed_end(batch.journal_id);
        let committed = self.tail.iter().filter(is_committed).flat_map(|batch| &batch.erasures);
        let mut committed = committed.cloned().peekable();
        if committed.peek().is_some() {
            self.erasures = Arc::new(self.erasures.and(committed));
        }
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
        self.erasures = fresh.erasures;
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
        Self(RwLock::new(Arc::new(Version { number: VersionNumber::next(), ..version })))
    }

    pub(crate) fn get(&self) -> Arc<Version> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a changed copy in the newest version's place.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Version)) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut version = Version::clone(&current);
        change(&mut version);
        version.number = VersionNumber::next();
        *current = Arc::new(version);
    }
}
