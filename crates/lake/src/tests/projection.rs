//! P9: Iceberg's metadata shows the file list, whole, at any moment and in any folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use iceberg::io::FileIO;
use iceberg::spec::{DataFile, ManifestFile, ManifestList, TableMetadata};

use super::*;
use crate::failpoint::AFTER_METADATA;

/// The registered metadata of `events`.
fn metadata(lake: &TestLake) -> TableMetadata {
    metadata_of(lake, events())
}

/// The registered metadata of a table.
pub(super) fn metadata_of(lake: &TestLake, table: &Table) -> TableMetadata {
    let sqlite = rusqlite::Connection::open(lake.path().join("catalog.db")).unwrap();
    let location = "SELECT metadata_location FROM iceberg_tables WHERE table_name = ?1";
    let location: String = sqlite.query_row(location, [table.name()], |row| row.get(0)).unwrap();
    serde_json::from_slice(&std::fs::read(path_of(&location)).unwrap()).unwrap()
}

fn path_of(uri: &str) -> PathBuf {
    PathBuf::from(uri.strip_prefix("file://").unwrap())
}

fn manifests(metadata: &TableMetadata, snapshot: i64) -> Vec<ManifestFile> {
    let snapshot = metadata.snapshot_by_id(snapshot).unwrap();
    let list = std::fs::read(path_of(snapshot.manifest_list())).unwrap();
    let list = ManifestList::parse_with_version(&list, metadata.format_version()).unwrap();
    list.entries().to_vec()
}

/// The files that a snapshot shows, with the sequence numbers they have or inherit.
async fn shown(metadata: &TableMetadata, snapshot: i64) -> Vec<(DataFile, i64)> {
    let io = FileIO::new_with_fs();
    let mut files = Vec::new();
    for manifest in manifests(metadata, snapshot) {
        let loaded = manifest.load_manifest(&io).await.unwrap();
        let spec = loaded.metadata().partition_spec();
        for entry in loaded.entries() {
            assert_eq!(entry.data_file().partition().fields().len(), spec.fields().len());
            files.push((entry.data_file().clone(), entry.sequence_number().unwrap()));
        }
    }
    files
}

/// Of each table the newest snapshot shows the files of the version, and every snapshot's files are
/// there.
pub(super) async fn assert_metadata_shows(lake: &TestLake) {
    for table in Table::all() {
        assert_metadata_shows_table(lake, table).await;
    }
}

async fn assert_metadata_shows_table(lake: &TestLake, table: &Table) {
    let metadata = metadata_of(lake, table);
    let version = lake.lake.version();
    let mut sequences = BTreeMap::new();
    for snapshot in metadata.snapshots() {
        let files = shown(&metadata, snapshot.snapshot_id()).await;
        let rows: u64 = files.iter().map(|(file, _)| file.record_count()).sum();
        assert_eq!(rows.to_string(), snapshot.summary().additional_properties["total-records"]);
        for (file, sequence) in files {
            assert!(path_of(file.file_path()).try_exists().unwrap(), "{}", file.file_path());
            assert!(sequence <= snapshot.sequence_number());
            let known = sequences.insert(file.file_path().to_owned(), sequence);
            assert!(known.is_none_or(|known| known == sequence), "a sequence number changed");
        }
    }
    let current = metadata.current_snapshot_id();
    let files = match current {
        Some(snapshot) => shown(&metadata, snapshot).await,
        None => Vec::new(),
    };
    let found: BTreeSet<_> = files.iter().map(|(file, _)| path_of(file.file_path())).collect();
    let expected: BTreeSet<_> = version.files(table).iter().map(|file| file.path.clone()).collect();
    assert_eq!(found, expected.iter().map(|path| path.canonicalize().unwrap()).collect());
    assert_eq!(files.len(), expected.len(), "each file once");
}

async fn commit(lake: &mut TestLake, days_ago: i64) {
    lake.write(rows_at(NOON - days_ago * DAY_MICROS, 10)).await;
    lake.flush().await;
}

#[tokio::test]
async fn an_empty_lake_is_an_empty_table() {
    let lake = TestLake::open().await;
    for (table, day) in [
        (event::Table::Events, "timestamp_day"),
        (event::Table::Heatmaps, "timestamp_day"),
        (event::Table::Quarantine, "timestamp_day"),
        (event::Table::Otel, "received_at_day"),
    ] {
        let metadata = metadata_of(&lake, Table::of(table));
        assert!(metadata.current_snapshot().is_none());
        let fields = metadata.current_schema().as_struct().fields().iter();
        let ids: Vec<_> = fields.map(|field| field.id).collect();
        let columns: Vec<_> = table.columns().iter().map(|column| column.id).collect();
        assert_eq!(ids, columns, "the library gives the ids that the files have");
        let field = &metadata.default_partition_spec().fields()[0];
        assert_eq!((field.field_id, field.name.as_str()), (1_000, day));
    }
}

#[tokio::test]
async fn bounds_and_counts_are_those_of_the_rows() {
    let mut lake = TestLake::open().await;
    commit(&mut lake, 0).await;
    lake.lake.project_metadata().await.unwrap();
    let metadata = metadata(&lake);
    let (file, _) = shown(&metadata, metadata.current_snapshot_id().unwrap()).await.remove(0);
    let id = |name: &str| metadata.current_schema().field_by_name(name).unwrap().id;
    let bounds = |name: &str| {
        let text = |bounds: &std::collections::HashMap<i32, iceberg::spec::Datum>| {
            bounds[&id(name)].to_string()
        };
        (text(file.lower_bounds()), text(file.upper_bounds()))
    };
    assert_eq!(bounds("token"), ("\"phc_a\"".into(), "\"phc_b\"".into()));
    assert_eq!(bounds("event"), ("\"$pageview\"".into(), "\"signup\"".into()));
    assert_eq!(bounds("journal_offset"), ("0".into(), "9".into()));
    let (lower, upper) = bounds("timestamp");
    assert_eq!(lower, "2024-10-04 12:00:00 UTC");
    assert_eq!(upper, "2024-10-04 12:00:00.000009 UTC");
    assert_eq!(file.record_count(), 10);
    assert_eq!(file.value_counts()[&id("os")], 10);
    assert_eq!(file.null_value_counts()[&id("os")], 10);
    assert_eq!(file.null_value_counts()[&id("browser")], 0);
}

#[tokio::test]
async fn manifests_of_days_that_did_not_change_are_reused() {
    let mut lake = TestLake::open().await;
    for days_ago in [0, 1, 2] {
        commit(&mut lake, days_ago).await;
        lake.lake.project_metadata().await.unwrap();
        assert_metadata_shows(&lake).await;
    }
    commit(&mut lake, 0).await;
    lake.lake.project_metadata().await.unwrap();
    assert_metadata_shows(&lake).await;
    let metadata = metadata(&lake);
    let current = metadata.current_snapshot().unwrap();
    let manifests = manifests(&metadata, current.snapshot_id());
    assert_eq!(manifests.len(), 3, "one a day");
    let new = manifests.iter().filter(|m| m.added_snapshot_id == current.snapshot_id());
    assert_eq!(new.count(), 1, "only today's");
}

#[tokio::test]
async fn nothing_is_written_when_nothing_changed() {
    let mut lake = TestLake::open().await;
    commit(&mut lake, 0).await;
    assert!(lake.lake.project_metadata().await.unwrap());
    assert!(!lake.lake.project_metadata().await.unwrap());
    lake.restart().await;
    assert!(!lake.lake.project_metadata().await.unwrap());
}

#[tokio::test]
async fn the_metadata_does_not_grow_with_the_number_of_commits() {
    let (grace, snapshots) = (Duration::from_hours(1), 5);
    let options = Options { grace, snapshots, ..Options::new(JOURNAL) };
    let mut lake = TestLake::open_with(options).await;
    for _ in 0..20 {
        commit(&mut lake, 0).await;
        lake.lake.project_metadata().await.unwrap();
        while lake.lake.compact_once().await.unwrap() {}
    }
    lake.lake.project_metadata().await.unwrap();
    assert_metadata_shows(&lake).await;
    let metadata = metadata(&lake);
    assert_eq!(metadata.snapshots().len(), 5);
    assert_eq!(metadata.metadata_log().len(), 5);
}

#[tokio::test]
async fn old_metadata_is_deleted_after_the_grace() {
    let mut lake = TestLake::open().await;
    let folder = lake.path().join("data/events/metadata");
    for _ in 0..60 {
        commit(&mut lake, 0).await;
        lake.lake.project_metadata().await.unwrap();
        lake.lake.remove_expired().await.unwrap();
    }
    assert_metadata_shows(&lake).await;
    let count = std::fs::read_dir(folder).unwrap().count();
    assert!(count < 30, "{count} files of metadata");
}

#[tokio::test]
async fn a_crash_before_the_registration_leaves_the_old_metadata() {
    let mut lake = TestLake::open().await;
    commit(&mut lake, 0).await;
    lake.lake.project_metadata().await.unwrap();
    let before = metadata(&lake);
    commit(&mut lake, 0).await;
    lake.arm(AFTER_METADATA);
    assert_crashed(lake.lake.project_metadata().await);
    assert_eq!(metadata(&lake), before);
    lake.restart().await;
    assert_metadata_shows(&lake).await;
    assert_ne!(metadata(&lake), before);
}

#[tokio::test]
async fn a_moved_lake_gets_metadata_with_its_new_paths() {
    let mut lake = TestLake::open().await;
    for days_ago in [0, 1, 0] {
        commit(&mut lake, days_ago).await;
        lake.lake.project_metadata().await.unwrap();
    }
    let uuid = metadata(&lake).uuid();
    let moved = lake.dir.path().join("somewhere else");
    std::fs::create_dir(&moved).unwrap();
    std::fs::rename(lake.path(), moved.join("lake")).unwrap();
    let lake_before = std::mem::replace(&mut lake, TestLake::open().await);
    lake.dir = tempfile::TempDir::with_prefix("moved").unwrap();
    std::fs::rename(moved.join("lake"), lake.path()).unwrap();
    lake.journal.clone_from(&lake_before.journal);
    lake.restart().await;
    lake.assert_whole();
    assert_metadata_shows(&lake).await;
    assert_eq!(metadata(&lake).uuid(), uuid);
    commit(&mut lake, 1).await;
    lake.lake.project_metadata().await.unwrap();
    assert_metadata_shows(&lake).await;
}

#[tokio::test]
async fn lost_metadata_is_made_again() {
    let mut lake = TestLake::open().await;
    commit(&mut lake, 0).await;
    lake.lake.project_metadata().await.unwrap();
    std::fs::remove_dir_all(lake.path().join("data/events/metadata")).unwrap();
    lake.restart().await;
    assert_metadata_shows(&lake).await;
}

#[tokio::test]
async fn path_based_readers_find_the_newest_metadata() {
    let mut lake = TestLake::open().await;
    commit(&mut lake, 0).await;
    lake.lake.project_metadata().await.unwrap();
    let folder = lake.path().join("data/events/metadata");
    let hint = std::fs::read_to_string(folder.join("version-hint.text")).unwrap();
    let named = std::fs::read(folder.join(format!("v{hint}.metadata.json"))).unwrap();
    assert_eq!(serde_json::from_slice::<TableMetadata>(&named).unwrap(), metadata(&lake));
}

#[tokio::test]
async fn metadata_stays_when_only_the_hint_cannot_be_written() {
    let mut lake = TestLake::open().await;
    commit(&mut lake, 0).await;
    let in_the_way = lake.path().join("data/events/metadata/version-hint.text.tmp");
    std::fs::create_dir(&in_the_way).unwrap();
    assert!(lake.lake.project_metadata().await.is_err());
    assert_metadata_shows(&lake).await;
    std::fs::remove_dir(in_the_way).unwrap();
    lake.restart().await;
    let hint = lake.path().join("data/events/metadata/version-hint.text");
    assert_eq!(std::fs::read_to_string(hint).unwrap(), "2");
}

#[tokio::test]
async fn metadata_that_cannot_be_registered_is_removed_again() {
    let mut lake = TestLake::open().await;
    commit(&mut lake, 0).await;
    let sqlite = rusqlite::Connection::open(lake.path().join("catalog.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON snapshots
                  BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlite.execute_batch(refuse).unwrap();
    let count = || {
        let folder = lake.path().join("data/events/metadata");
        std::fs::read_dir(folder).unwrap().count()
    };
    let before = count();
    assert!(lake.lake.project_metadata().await.is_err());
    assert_eq!(count(), before);
    sqlite.execute_batch("DROP TRIGGER refuse").unwrap();
    assert!(lake.lake.project_metadata().await.unwrap());
    assert_metadata_shows(&lake).await;
}
