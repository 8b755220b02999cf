//! Who was erased is nowhere any more, and nothing else is gone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::Array;
use arrow::util::display::array_value_to_string;
use event::{
    Change, Erased, Erasure, ErasureKind, Fate, PersonId, Place, Placed, Pseudonym, TeamId,
};

use super::projection::{assert_metadata_shows, metadata_of};
use super::*;
use crate::batch;
use crate::failpoint::{
    AFTER_COMMIT, AFTER_ERASURE, AFTER_ERASURE_SYNC, AFTER_METADATA, AFTER_PARQUET_SYNC,
};
use crate::{ErasedRows, ErasureProgress};

/// The row that asks for the erasure of these distinct ids.
pub(super) fn asked(team: i64, distinct_ids: Vec<String>, is_anonymize: bool) -> Row {
    let random = Uuid::new_v4;
    let kind = match is_anonymize {
        true => ErasureKind::Anonymize(Pseudonym::of(random(), random())),
        false => ErasureKind::Delete,
    };
    let persons = distinct_ids.iter().map(|id| PersonId::in_project(TeamId(team), id));
    let erasure = Erasure {
        id: Uuid::now_v7(),
        team: TeamId(team),
        tokens: vec!["phc_a".into()],
        kind,
        person_ids: persons.collect(),
        distinct_ids,
        requested_at: Timestamp::from_micros(NOON),
        recordings_end: None,
    };
    erasure.into_row()
}

/// What a journal's erasures leave of its rows, by the rule of every sink, with their offsets.
pub(super) fn what_stays(journal: &[Record]) -> Vec<(u64, Row)> {
    let mut rows = Vec::new();
    for record in journal {
        let decoded = decode_rows(record.payload.clone()).unwrap();
        rows.extend((record.first.get()..).zip(decoded));
    }
    let placed = |(offset, row): &(u64, Row)| {
        let erasure = Erasure::of_row(row)?;
        Some(Arc::new(Placed { erasure, journal_id: JOURNAL.as_uuid(), offset: *offset }))
    };
    // One after the other, as they came: what has a pseudonym is found by it alone.
    for placed in rows.iter().filter_map(placed).collect::<Vec<_>>() {
        let erased = Erased::new(vec![placed]);
        rows.retain_mut(|(offset, row)| {
            let journal_id = JOURNAL.as_uuid();
            let place = Place { journal_id, offset: *offset, received_at: row.created_at() };
            let pseudonym = match erased.fate(row, place) {
                Fate::Stays => return true,
                Fate::Goes => return false,
                Fate::Anonymous(pseudonym) => pseudonym.clone(),
            };
            row.anonymize(&pseudonym);
            true
        });
    }
    rows
}

/// Rows of a table are what these rows of the journal would be, had they come so.
pub(super) fn assert_rows(found: &RecordBatch, table: &'static Table, expected: &[(u64, Row)]) {
    let expected = expected
        .iter()
        .map(|(offset, row)| record(Offset::new(*offset), std::slice::from_ref(row)));
    let records: Vec<_> = expected.collect();
    let decoded = batch::decode(&records, JOURNAL, Offset::ZERO).unwrap();
    let decoded = decoded.map(|batch| batch.of(table).cloned().unwrap());
    let expected = decoded.unwrap_or_else(|| RecordBatch::new_empty(table.schema()));
    let (found, expected) = (texts(found), texts(&expected));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{}", table.name());
    }
    assert_eq!(found.len(), expected.len(), "{}", table.name());
}

/// Every row as text, sorted by its offset.
fn texts(rows: &RecordBatch) -> Vec<(i64, Vec<String>)> {
    let offsets = rows.column_by_name("journal_offset").unwrap().as_primitive::<Int64Type>();
    let text = |column: &Arc<dyn Array>, row| match column.is_valid(row) {
        true => array_value_to_string(column, row).unwrap(),
        false => "NULL".to_owned(),
    };
    let row = |row| rows.columns().iter().map(|column| text(column, row)).collect();
    let mut all: Vec<_> = (0..rows.num_rows()).map(|at| (offsets.value(at), row(at))).collect();
    all.sort();
    all
}

/// Rows of a person in all tables that say of somebody, each naming Jane in every column that can.
fn rows_of(distinct_id: &str, count: usize) -> Vec<Row> {
    let team = TeamId(2);
    let id = PersonId::in_project(team, distinct_id);
    let (person_id_high, person_id_low) = id.0.as_u64_pair();
    let text = || Some(distinct_id.to_owned());
    let json = || Some(format!(r#"{{"name":"{distinct_id}"}}"#));
    let event = |number: usize| Row {
        uuid_low: number as u64,
        event: "purchase".into(),
        distinct_id: distinct_id.into(),
        person_id_high,
        person_id_low,
        team_id: team.0,
        token: "phc_a".into(),
        timestamp_micros: NOON + number as i64,
        created_at_micros: NOON + number as i64,
        person_created_at_micros: Some(77),
        properties: format!(
            r#"{{"$browser":"Chrome","$current_url":"https://a.b/c?{distinct_id}",
            "$pathname":"/c","$ip":"{distinct_id}","$geoip_city_name":"{distinct_id}",
            "name":"{distinct_id}","$screen_width":1280}}"#
        ),
        set: json(),
        elements_chain: distinct_id.into(),
        groups: vec![distinct_id.into()],
        group_properties: json(),
        session_id: text(),
        window_id: text(),
        context: json(),
        extra: json(),
        ..Row::default()
    };
    let of = |table: event::Table, row: Row| Row { table_number: table.into(), ..row };
    let mut rows = Vec::new();
    for number in 0..count {
        rows.push(event(number));
        rows.push(of(event::Table::Heatmaps, event(number)));
        rows.push(of(event::Table::Quarantine, event(number)));
        let person = Change::Person {
            team,
            id,
            version: number as i64,
            created_at: Timestamp::from_micros(NOON),
            is_identified: true,
            last_seen_at: None,
            properties: json().unwrap(),
            is_deleted: false,
        };
        let mine = Change::DistinctId {
            team,
            distinct_id: distinct_id.into(),
            person_id: id,
            version: number as i64,
            is_deleted: false,
        };
        rows.extend([person, mine].map(|change| change.into_row(Timestamp::from_micros(NOON))));
    }
    rows
}

/// The rows that come behind an erasure: the person is gone.
fn gone(distinct_id: &str) -> Vec<Row> {
    let (team, version, is_deleted) = (TeamId(2), 1_000, true);
    let id = PersonId::in_project(team, distinct_id);
    let (created_at, properties) = (Timestamp::from_micros(NOON), "{}".to_owned());
    let person = Change::Person {
        team,
        id,
        version,
        created_at,
        is_identified: false,
        last_seen_at: None,
        properties,
        is_deleted,
    };
    let distinct_id = distinct_id.to_owned();
    let mine = Change::DistinctId { team, distinct_id, person_id: id, version, is_deleted };
    [person, mine].map(|change| change.into_row(Timestamp::from_micros(NOON))).to_vec()
}

/// The erasure of Jane, and that she is gone.
fn forget_jane(is_anonymize: bool) -> Vec<Row> {
    let mut rows = vec![asked(2, vec!["jane".into(), "anon-7".into()], is_anonymize)];
    rows.extend(gone("jane"));
    rows
}

/// A lake with rows of Jane and Joe in several files.
async fn with_jane() -> TestLake {
    let mut lake = TestLake::open().await;
    for _ in 0..3 {
        lake.write(rows_of("jane", 4)).await;
        lake.write(rows_of("joe", 4)).await;
        lake.flush().await;
    }
    lake.lake.project_metadata().await.unwrap();
    lake
}

async fn erase_all(lake: &TestLake) {
    while lake.lake.erase_once().await.unwrap() {}
}

/// Forgets all that the grace holds.
async fn settle(lake: &TestLake) {
    erase_all(lake).await;
    lake.lake.project_metadata().await.unwrap();
    lake.lake.remove_expired().await.unwrap();
}

async fn progress(lake: &TestLake) -> ErasureProgress {
    lake.lake.erasures().await.unwrap().pop().unwrap()
}

/// Every file of the lake.
fn all_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { all_files(&path) } else { vec![path] }).collect()
}

/// Which files have a text, be it compressed, but for rows that say that the person is gone.
fn files_with(lake: &TestLake, text: &str) -> Vec<String> {
    let has = |path: &PathBuf| match path.extension().is_some_and(|end| end == "parquet") {
        false => contains(&std::fs::read(path).unwrap(), text),
        true => {
            let opened = File::open(path).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(opened).unwrap().build().unwrap();
            reader.map(|rows| rows.unwrap()).any(|rows| {
                let deleted = rows
                    .column_by_name("is_deleted")
                    .map(|column| column.as_primitive::<Int64Type>().values().to_vec());
                texts(&rows).iter().enumerate().any(|(at, (_, row))| {
                    let is_gone = deleted.as_ref().is_some_and(|deleted| deleted[at] == 1);
                    !is_gone && row.iter().any(|value| value.contains(text))
                })
            })
        }
    };
    let found = all_files(&lake.path()).into_iter().filter(has);
    found.map(|path| path.strip_prefix(lake.path()).unwrap().display().to_string()).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn rows_are_not_to_be_seen_as_soon_as_the_erasure_is_read() {
    for is_anonymize in [false, true] {
        let mut lake = with_jane().await;
        lake.write(rows_of("jane", 3)).await;
        let before = lake.lake.row_count();
        lake.write(forget_jane(is_anonymize)).await;
        lake.assert_whole();
        assert_eq!(lake.lake.version().last_erasure().0, 1);
        assert!(lake.lake.row_count() < before, "those of the tail are gone");
        lake.flush().await;
        lake.assert_whole();
        assert!(!files_with(&lake, "jane").is_empty(), "the pass has not come");
        lake.restart().await;
        lake.assert_whole();
    }
}

#[tokio::test]
async fn rows_after_the_erasure_are_a_new_persons() {
    let mut lake = with_jane().await;
    let mut rows = rows_of("jane", 1);
    rows.extend(forget_jane(false));
    rows.extend(rows_of("jane", 2));
    lake.write(rows).await;
    lake.write(rows_of("jane", 1)).await;
    lake.assert_whole();
    lake.flush().await;
    settle(&lake).await;
    lake.assert_whole();
    let jane = texts(&everything(&lake.lake.version(), events()));
    let jane = jane.iter().filter(|(_, row)| row[2] == "jane").count();
    assert_eq!(jane, 3);
}

#[tokio::test]
async fn who_was_deleted_is_in_no_file_any_more() {
    let mut lake = with_jane().await;
    while lake.lake.compact_once().await.unwrap() {}
    lake.write(forget_jane(false)).await;
    lake.flush().await;
    settle(&lake).await;
    lake.assert_whole();
    // That the distinct id is nobody's any more is a row, of which metadata and catalog have bounds.
    let bounds = ["data/person_distinct_ids/metadata", "catalog.db"];
    let mut found = files_with(&lake, "jane");
    found.retain(|path| !bounds.iter().any(|bounds| path.starts_with(bounds)));
    assert_eq!(found, [""; 0]);
    assert!(!files_with(&lake, "joe").is_empty());
    assert_metadata_shows(&lake).await;
    lake.restart().await;
    lake.assert_whole();
}

#[tokio::test]
async fn who_was_made_anonymous_is_in_no_file_any_more_and_the_rows_count() {
    let mut lake = with_jane().await;
    let rows = lake.lake.version().files(events()).iter().map(|file| file.rows).sum::<u64>();
    lake.write(forget_jane(true)).await;
    lake.flush().await;
    settle(&lake).await;
    lake.assert_whole();
    let found = files_with(&lake, "jane");
    assert!(found.iter().all(|path| !path.ends_with(".parquet")), "{found:?}");
    let events = everything(&lake.lake.version(), events());
    assert_eq!(events.num_rows() as u64, rows);
    let persons: BTreeSet<_> = texts(&events).into_iter().map(|(_, row)| row[7].clone()).collect();
    assert_eq!(persons.len(), 2, "one pseudonym for one person");
    let progress = progress(&lake).await;
    let count =
        |table: &str, removed, anonymized| ErasedRows { table: table.into(), removed, anonymized };
    let expected = [
        count("events", 0, 12),
        count("heatmaps", 0, 12),
        count("person_distinct_ids", 12, 0),
        count("persons", 12, 0),
        count("quarantine", 12, 0),
    ];
    assert_eq!(progress.rows, expected);
}

#[tokio::test]
async fn a_receipt_counts_each_row_once_wherever_it_was_and_whatever_crashed() {
    let failpoints =
        [AFTER_PARQUET_SYNC, AFTER_COMMIT, AFTER_ERASURE_SYNC, AFTER_ERASURE, AFTER_METADATA];
    for failpoint in failpoints {
        let mut lake = with_jane().await;
        lake.write(rows_of("jane", 2)).await;
        lake.arm(failpoint);
        let mut asked = rows_of("jane", 1);
        asked.extend(forget_jane(false));
        lake.write(asked).await;
        if lake.sink.flush().await.is_err() {
            lake.restart().await;
            lake.flush().await;
        }
        lake.assert_whole();
        if lake.lake.erase_once().await.is_err() {
            lake.restart().await;
            lake.assert_whole();
        }
        erase_all(&lake).await;
        if lake.lake.project_metadata().await.is_err() {
            lake.restart().await;
        }
        settle(&lake).await;
        lake.assert_whole();
        assert_metadata_shows(&lake).await;
        let progress = progress(&lake).await;
        let removed: Vec<_> = progress.rows.iter().map(|rows| rows.removed).collect();
        assert_eq!(removed, [15; 5], "{failpoint}");
        assert_eq!(progress.files_left, 0);
        assert!(progress.gone_at.is_some(), "{failpoint}");
    }
}

#[tokio::test]
async fn an_erasure_goes_through_its_stations() {
    let grace = Duration::from_hours(1);
    let mut lake = TestLake::open_with(Options { grace, ..Options::new(JOURNAL) }).await;
    lake.write(rows_of("jane", 4)).await;
    lake.flush().await;
    lake.lake.project_metadata().await.unwrap();
    let old = lake.files()[0].path.clone();
    lake.write(forget_jane(false)).await;
    assert!(lake.lake.erasures().await.unwrap().is_empty(), "it is not committed");
    lake.flush().await;
    let read = progress(&lake).await;
    assert_eq!((read.rewritten_at, read.files_left), (None, 5));
    assert!(!files_with(&lake, "anon-7").is_empty(), "who is to be looked for is known");
    erase_all(&lake).await;
    let rewritten = progress(&lake).await;
    assert!(rewritten.rewritten_at.is_some() && rewritten.unlisted_at.is_none());
    assert_eq!(metadata_of(&lake, events()).snapshots().len(), 1);
    lake.lake.project_metadata().await.unwrap();
    assert_eq!(metadata_of(&lake, events()).snapshots().len(), 1, "the one before shows Jane");
    let unlisted = progress(&lake).await;
    let gone_by = unlisted.gone_by.unwrap();
    assert!(gone_by.micros_since(unlisted.unlisted_at.unwrap()) >= grace.as_micros() as i64);
    lake.lake.remove_expired().await.unwrap();
    assert!(progress(&lake).await.gone_at.is_none() && old.try_exists().unwrap());
    lake.options.grace = Duration::ZERO;
    lake.restart().await;
    lake.lake.remove_expired().await.unwrap();
    let gone = progress(&lake).await;
    assert!(gone.gone_at.is_some() && !old.try_exists().unwrap());
}

#[tokio::test]
async fn who_is_erased_twice_stays_gone() {
    let mut lake = with_jane().await;
    lake.write(forget_jane(false)).await;
    lake.flush().await;
    settle(&lake).await;
    // There is no person any more, so the second one says nothing more of it.
    lake.write(vec![asked(2, vec!["jane".into()], false)]).await;
    lake.flush().await;
    settle(&lake).await;
    lake.assert_whole();
    for table in [event::Table::Persons, event::Table::PersonDistinctIds] {
        let rows_of = everything(&lake.lake.version(), Table::of(table));
        let versions = rows_of.column_by_name("version").unwrap().as_primitive::<Int64Type>();
        assert_eq!(versions.values().iter().max(), Some(&1_000), "{table:?}");
    }
    assert!(progress(&lake).await.rows.is_empty());
}

#[tokio::test]
async fn files_in_no_table_go_before_an_erasure_is_over() {
    let mut lake = with_jane().await;
    lake.arm(AFTER_PARQUET_SYNC);
    lake.write(rows_of("jane", 1)).await;
    lake.sink.flush().await.unwrap_err();
    lake.restart().await;
    let folder = lake.path().join("orphans");
    let orphans = || all_files(&folder).len();
    assert!(orphans() > 0);
    lake.lake.remove_expired().await.unwrap();
    assert!(orphans() > 0, "somebody may miss them");
    lake.write(forget_jane(true)).await;
    lake.flush().await;
    settle(&lake).await;
    assert!(progress(&lake).await.gone_at.is_some());
    assert_eq!(orphans(), 0);
}

#[tokio::test]
async fn what_was_erased_while_the_lake_was_off_is_taken_over() {
    let mut lake = with_jane().await;
    let erasure = Erasure::of_row(&forget_jane(false)[0]).unwrap();
    let id = erasure.id;
    let placed = Placed { erasure, journal_id: JOURNAL.as_uuid(), offset: 1_000_000 };
    lake.options.erasures = vec![Arc::new(placed)];
    for _ in 0..2 {
        lake.restart().await;
        let shown = texts(&everything(&lake.lake.version(), events()));
        assert!(shown.len() == 12 && shown.iter().all(|(_, row)| row[2] == "joe"));
        let all = lake.lake.erasures().await.unwrap();
        assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [id], "once");
        settle(&lake).await;
    }
    assert!(progress(&lake).await.gone_at.is_some());
}

#[tokio::test]
async fn the_catalog_forgets_who_was_erased() {
    let mut lake = with_jane().await;
    lake.write(vec![asked(2, vec!["jane".into(), "an alias of hers".into()], false)]).await;
    lake.flush().await;
    assert!(!files_with(&lake, "an alias of hers").is_empty());
    settle(&lake).await;
    assert_eq!(files_with(&lake, "an alias of hers"), [""; 0]);
    let found = files_with(&lake, "jane");
    assert_eq!(found, [""; 0], "nor is she a bound of any file");
}

#[tokio::test]
async fn a_merge_takes_erased_rows_out_as_well() {
    let mut lake = TestLake::open().await;
    for _ in 0..8 {
        lake.write(rows_of("jane", 2)).await;
        lake.write(rows_of("joe", 2)).await;
        lake.flush().await;
    }
    lake.write(forget_jane(false)).await;
    lake.flush().await;
    while lake.lake.compact_once().await.unwrap() {}
    lake.assert_whole();
    erase_all(&lake).await;
    lake.assert_whole();
    let removed: Vec<_> = progress(&lake).await.rows.iter().map(|rows| rows.removed).collect();
    assert_eq!(removed[0], 16);
    settle(&lake).await;
    assert_metadata_shows(&lake).await;
}

#[tokio::test]
async fn several_erasures_are_one_pass_and_each_has_its_own_count() {
    let mut lake = with_jane().await;
    lake.write(rows_of("jim", 1)).await;
    lake.write(vec![asked(2, vec!["jim".into()], true)]).await;
    lake.write(vec![asked(2, vec!["jane".into()], false)]).await;
    lake.flush().await;
    lake.write(vec![asked(2, vec!["joe".into(), "jane".into()], false)]).await;
    lake.flush().await;
    lake.assert_whole();
    let files = lake.lake.version().all_files().count();
    let mut steps = 0;
    while lake.lake.erase_once().await.unwrap() {
        steps += 1;
    }
    assert!(steps <= files, "{steps} steps, {files} files");
    lake.assert_whole();
    let all = lake.lake.erasures().await.unwrap();
    let of_events = |progress: &ErasureProgress| {
        let rows = progress.rows.iter().find(|rows| rows.table == "events").unwrap();
        (rows.removed, rows.anonymized)
    };
    assert_eq!(all.iter().map(of_events).collect::<Vec<_>>(), [(0, 1), (12, 0), (12, 0)]);
}

#[tokio::test]
async fn a_reader_of_a_stopped_lake_sees_nothing_of_whom_is_erased() {
    let mut lake = with_jane().await;
    let reader = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    let erasure = record(lake.journal.last().unwrap().end(), &forget_jane(false));
    let reader = reader.with_tail(vec![erasure.clone()], JOURNAL).await.unwrap();
    let shown = |lake: &Lake| texts(&everything(&lake.version(), events())).len();
    assert_eq!(shown(&reader), 12, "from the journal");
    lake.journal.push(erasure.clone());
    lake.sink.write(vec![erasure]).await.unwrap();
    lake.flush().await;
    let reader = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    assert_eq!(shown(&reader), 12, "from the catalog");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_keeps_nobody_from_the_others() {
    let mut lake = with_jane().await;
    lake.write(forget_jane(false)).await;
    lake.flush().await;
    std::fs::remove_file(&lake.files()[0].path).unwrap();
    while lake.lake.erase_once().await.is_ok_and(|more| more) {}
    let error = lake.lake.erase_once().await.unwrap_err();
    assert!(error.to_string().contains("cannot open"), "{error}");
    let left = progress(&lake).await;
    assert_eq!((left.files_left, left.rewritten_at), (1, None));
}

#[tokio::test]
async fn ten_thousand_distinct_ids_are_erased() {
    let mut lake = TestLake::open().await;
    let ids: Vec<String> = (0..10_000).map(|number| format!("user {number}")).collect();
    lake.write(rows_at(NOON, 12_000)).await;
    lake.flush().await;
    lake.write(vec![asked(0, ids, false)]).await;
    lake.flush().await;
    settle(&lake).await;
    lake.assert_whole();
    assert_eq!(everything(&lake.lake.version(), events()).num_rows(), 2_000);
}
