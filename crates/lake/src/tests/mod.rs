//! What a lake promises, tested on real files.

mod care;
mod erasures;
mod exactly_once;
mod latest;
mod migration;
mod model;
mod overrides;
mod projection;
mod retention;
mod rows;
mod start;
mod tables;
mod tail;
mod versions;

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use event::{Row, Timestamp, decode_rows, encode_row};
use journal::{JournalId, Offset, Record};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sink::Sink;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{DataFile, Erasing, Error, Lake, LakeSink, Options, Table, Verify, Version};

const JOURNAL: JournalId = JournalId::from_uuid(Uuid::from_u128(7));
const DAY_MICROS: i64 = 86_400_000_000;
const NOON: i64 = 20_000 * DAY_MICROS + DAY_MICROS / 2;

/// A lake in a folder of its own, with the journal that feeds it.
struct TestLake {
    dir: TempDir,
    lake: Lake,
    sink: LakeSink,
    options: Options,
    journal: Vec<Record>,
}

impl TestLake {
    async fn open() -> Self {
        let grace = Duration::ZERO;
        Self::open_with(Options { grace, ..Options::new(JOURNAL) }).await
    }

    async fn open_with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (lake, sink) = Lake::open(&dir.path().join("lake"), options.clone()).await.unwrap();
        Self { dir, lake, sink, options, journal: Vec::new() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("lake")
    }

    /// Appends a record to the journal and hands it to the sink.
    async fn write(&mut self, rows: Vec<Row>) {
        let first = self.journal.last().map_or(Offset::ZERO, Record::end);
        let record = record(first, &rows);
        self.journal.push(record.clone());
        self.sink.write(vec![record]).await.unwrap();
    }

    async fn flush(&mut self) {
        let flushed = self.sink.flush().await.unwrap();
        assert_eq!(flushed, self.journal.last().map_or(Offset::ZERO, Record::end));
    }

    /// Lets the process die and start again: what is in the journal comes from the cursor on.
    async fn restart(&mut self) {
        let (lake, sink) = Lake::open(&self.path(), self.options.clone()).await.unwrap();
        (self.lake, self.sink) = (lake, sink);
        let cursor = self.sink.load_cursor().await.unwrap();
        let from = cursor.map_or(Offset::ZERO, |cursor| cursor.offset);
        let missing = self.journal.iter().filter(|record| record.end() > from).cloned().collect();
        self.sink.write(missing).await.unwrap();
    }

    /// The files of `events`.
    fn files(&self) -> Vec<Arc<DataFile>> {
        self.lake.version().files(events()).to_vec()
    }

    fn arm(&self, failpoint: &'static str) {
        self.lake.shared().failpoints.arm(failpoint);
    }

    /// Every row of the journal is there once, in its table, but for those that a later version may
    /// have taken the place of.
    fn assert_whole(&self) {
        let version = self.lake.version();
        let mut expected: BTreeMap<&str, Vec<(u64, Row)>> = BTreeMap::new();
        for (offset, row) in erasures::what_stays(&self.journal) {
            expected.entry(row.table().name()).or_default().push((offset, row));
        }
        let mut count = 0;
        for table in Table::all() {
            let expected = expected.remove(table.name()).unwrap_or_default();
            let found = offsets_in(&version, table);
            count += found.len() as u64;
            match table.latest() {
                None => {
                    erasures::assert_rows(&everything(&version, table), table, &expected);
                    let expected: Vec<u64> = expected.iter().map(|(offset, _)| *offset).collect();
                    assert_eq!(found, expected, "{}", table.name());
                }
                Some(_) => latest::assert_latest(table, &found, &expected),
            }
        }
        if version.erasures.is_empty() && version.tail_erasures().next().is_none() {
            assert_eq!(self.lake.row_count(), count);
        }
    }
}

fn events() -> &'static Table {
    Table::of(event::Table::Events)
}

fn record(first: Offset, rows: &[Row]) -> Record {
    let mut payload = Vec::new();
    rows.iter().for_each(|row| encode_row(row, &mut payload));
    Record { first, rows: rows.len() as u32, payload: payload.into() }
}

/// Rows at a moment, a microsecond apart.
fn rows_at(micros: i64, count: usize) -> Vec<Row> {
    let row = |number: usize| Row {
        uuid_low: number as u64,
        // One that no override names.
        person_id_high: 9,
        event: ["purchase", "$pageview", "signup"][number % 3].into(),
        token: ["phc_b", "phc_a"][number % 2].into(),
        distinct_id: format!("user {number}"),
        timestamp_micros: micros + number as i64,
        properties: r#"{"$browser":"Chrome","$screen_width":1280}"#.into(),
        ..Row::default()
    };
    (0..count).map(row).collect()
}

/// The same rows, in turn of each table.
fn rows_of_all_tables(micros: i64, count: usize) -> Vec<Row> {
    let rows = rows_at(micros, count).into_iter().zip(event::Table::ALL.iter().cycle());
    let row = |(row, &table): (Row, &event::Table)| match table.keeps_latest() {
        true => latest::row(table, row.uuid_low, row.timestamp_micros),
        false => Row {
            created_at_micros: row.timestamp_micros,
            table_number: table.into(),
            reason: (table == event::Table::Quarantine).then(|| "missing_event_name".into()),
            ..row
        },
    };
    rows.map(row).collect()
}

/// The journal offsets of all rows of `events`, sorted.
fn offsets(version: &Version) -> Vec<u64> {
    offsets_in(version, events())
}

fn offsets_in(version: &Version, table: &'static Table) -> Vec<u64> {
    let mut offsets: Vec<u64> = everything(version, table)
        .column_by_name("journal_offset")
        .unwrap()
        .as_primitive::<Int64Type>()
        .values()
        .iter()
        .map(|&offset| offset as u64)
        .collect();
    offsets.sort_unstable();
    offsets
}

/// All rows of a table, as a query would read them.
fn everything(version: &Version, table: &'static Table) -> RecordBatch {
    let mut batches: Vec<RecordBatch> = version.batches(table).cloned().collect();
    for file in version.files(table) {
        let rows = read(file);
        assert_eq!(rows.num_rows() as u64, file.rows);
        assert_eq!(std::fs::metadata(&file.path).unwrap().len(), file.bytes);
        assert_in_day(&rows, file);
    }
    let files = version.files_by_erasure(table);
    batches.extend(files.whole.iter().map(|file| read(file)));
    let shown = |erasing: &Erasing, file| erasing.shown(table, read(file)).unwrap();
    batches.extend(files.erased.iter().map(|(file, erasing)| shown(erasing, file)));
    concat_batches(&table.schema(), &batches).unwrap()
}

fn read(file: &DataFile) -> RecordBatch {
    let schema = file.table.schema();
    let opened = File::open(&file.path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(opened).unwrap().build().unwrap();
    let batches: Vec<_> = reader.map(|rows| rows.unwrap()).collect();
    for batch in &batches {
        assert_eq!(batch.schema().fields(), schema.fields());
    }
    concat_batches(&schema, &batches).unwrap()
}

fn assert_in_day(rows: &RecordBatch, file: &DataFile) {
    let times = file.table.times(rows);
    let bounds = (times.iter().min(), times.iter().max());
    let said = (file.min_timestamp.as_micros(), file.max_timestamp.as_micros());
    assert_eq!(bounds, (Some(&said.0), Some(&said.1)));
    if let Some(day) = file.day {
        assert!(times.iter().all(|&at| Timestamp::from_micros(at).day() == day.0));
    }
}

/// How many files each day has in `events`.
fn files_by_day(version: &Version) -> BTreeMap<Option<i32>, usize> {
    let mut days = BTreeMap::new();
    for file in version.files(events()) {
        *days.entry(file.day.map(|day| day.0)).or_default() += 1;
    }
    days
}

/// Everything is there, and what the catalog says.
async fn assert_sound(lake: &Lake) {
    let how = Verify { reads_rows: true, ..Verify::default() };
    assert_eq!(lake.verify(how).await.unwrap().problems, []);
}

fn assert_crashed<T: std::fmt::Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Crashed(_))), "{result:?}");
}
