//! P3: a crash anywhere loses no row and doubles none; so does a failed commit.

use super::*;
use crate::failpoint::{AFTER_COMMIT, AFTER_COMPACTION, AFTER_COMPACTION_SYNC, AFTER_PARQUET_SYNC};

#[tokio::test]
async fn a_crash_in_a_commit_loses_nothing_and_doubles_nothing() {
    for failpoint in [AFTER_PARQUET_SYNC, AFTER_COMMIT] {
        let mut lake = TestLake::open().await;
        lake.write(rows_at(NOON, 10)).await;
        lake.flush().await;
        lake.write(rows_at(NOON, 10)).await;
        lake.arm(failpoint);
        assert!(lake.sink.flush().await.is_err());
        lake.restart().await;
        lake.assert_whole();
        lake.flush().await;
        lake.assert_whole();
    }
}

#[tokio::test]
async fn a_crash_in_a_compaction_loses_nothing_and_doubles_nothing() {
    for failpoint in [AFTER_COMPACTION_SYNC, AFTER_COMPACTION] {
        let mut lake = TestLake::open().await;
        for _ in 0..8 {
            lake.write(rows_at(NOON, 10)).await;
            lake.flush().await;
        }
        lake.arm(failpoint);
        assert_crashed(lake.lake.compact_once().await);
        lake.restart().await;
        lake.assert_whole();
        while lake.lake.compact_once().await.unwrap() {}
        lake.assert_whole();
        assert_eq!(lake.files().len(), 1);
    }
}

#[tokio::test]
async fn files_that_a_crash_left_are_put_aside() {
    let mut lake = TestLake::open().await;
    lake.write(rows_at(NOON, 10)).await;
    lake.arm(AFTER_PARQUET_SYNC);
    assert!(lake.sink.flush().await.is_err());
    let left = lake.path().join("data/events/timestamp_day=2024-10-04");
    let left = std::fs::read_dir(left).unwrap().next().unwrap().unwrap().path();
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    File::options().write(true).open(left).unwrap().set_modified(long_ago).unwrap();
    lake.restart().await;
    lake.lake.remove_expired().await.unwrap();
    let orphans = std::fs::read_dir(lake.path().join("orphans")).unwrap();
    assert_eq!(orphans.count(), 1, "kept for a while, however old it is");
    lake.flush().await;
    assert_eq!(lake.files().len(), 1);
}

#[tokio::test]
async fn a_failed_commit_keeps_the_rows_and_removes_its_files() {
    let mut lake = TestLake::open().await;
    lake.write(rows_at(NOON, 10)).await;
    let sqlite = rusqlite::Connection::open(lake.path().join("catalog.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON files
                  BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlite.execute_batch(refuse).unwrap();
    assert!(lake.sink.flush().await.is_err());
    lake.assert_whole();
    let days = lake.path().join("data/events/timestamp_day=2024-10-04");
    assert_eq!(std::fs::read_dir(&days).unwrap().count(), 0, "the file was removed again");
    sqlite.execute_batch("DROP TRIGGER refuse").unwrap();
    lake.flush().await;
    lake.assert_whole();
    assert_eq!(std::fs::read_dir(&days).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_fails_the_commit_until_it_can() {
    let mut lake = TestLake::open().await;
    let in_the_way = lake.path().join("data/events/timestamp_day=2024-10-04");
    std::fs::write(&in_the_way, "a file where a folder should be").unwrap();
    lake.write(rows_at(NOON, 10)).await;
    for _ in 0..2 {
        assert!(lake.sink.flush().await.is_err());
        lake.assert_whole();
    }
    std::fs::remove_file(in_the_way).unwrap();
    lake.flush().await;
    lake.assert_whole();
}

/// A commit whose answer was lost looks like this to the next one.
#[tokio::test]
async fn a_cursor_that_moved_is_noticed_and_its_rows_are_not_written_again() {
    let mut lake = TestLake::open().await;
    lake.write(rows_at(NOON, 10)).await;
    let sqlite = rusqlite::Connection::open(lake.path().join("catalog.db")).unwrap();
    let cursor = [JOURNAL.to_string(), "10".to_owned()];
    sqlite.execute("INSERT INTO cursors VALUES (?1, CAST(?2 AS INTEGER))", cursor).unwrap();
    assert!(lake.sink.flush().await.is_err());
    assert_eq!(lake.lake.row_count(), 0, "somebody else committed them");
    assert_eq!(lake.sink.flush().await.unwrap(), Offset::new(10));
}

#[tokio::test]
async fn records_that_come_again_are_skipped() {
    let mut lake = TestLake::open().await;
    lake.write(rows_at(NOON, 10)).await;
    lake.sink.write(lake.journal.clone()).await.unwrap();
    lake.assert_whole();
    lake.flush().await;
    lake.sink.write(lake.journal.clone()).await.unwrap();
    lake.assert_whole();
}

#[tokio::test]
async fn a_new_journal_begins_where_it_begins_and_keeps_the_old_rows() {
    let mut lake = TestLake::open().await;
    lake.write(rows_at(NOON, 10)).await;
    lake.flush().await;
    let other = JournalId::from_uuid(Uuid::from_u128(8));
    let (again, mut sink) = Lake::open(&lake.path(), Options::new(other)).await.unwrap();
    assert_eq!(sink.load_cursor().await.unwrap(), None);
    sink.write(vec![record(Offset::new(4), &rows_at(NOON, 3))]).await.unwrap();
    assert_eq!(sink.flush().await.unwrap(), Offset::new(7));
    assert_eq!(again.row_count(), 13);
    assert_eq!(again.cursor(JOURNAL).unwrap().offset, Offset::new(10));
}
