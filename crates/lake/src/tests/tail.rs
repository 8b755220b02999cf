//! P10 and its price: rows are visible at once, in bounded memory, and few files are opened.

use super::*;

#[tokio::test]
async fn rows_are_visible_before_they_are_committed() {
    let mut lake = TestLake::open().await;
    lake.write(rows_at(NOON, 5)).await;
    assert_eq!(lake.lake.row_count(), 5);
    assert_eq!(lake.files().len(), 0);
    lake.assert_whole();
}

#[tokio::test]
async fn the_tail_never_takes_more_memory_than_allowed() {
    let tail_bytes = 512 << 10;
    let mut lake = TestLake::open_with(Options { tail_bytes, ..Options::new(JOURNAL) }).await;
    for _ in 0..40 {
        lake.write(rows_at(NOON, 200)).await;
        let version = lake.lake.version();
        assert!(version.tail_bytes() <= tail_bytes, "{}", version.tail_bytes());
    }
    assert!(!lake.files().is_empty(), "rows were committed early");
    lake.assert_whole();
}

#[tokio::test]
async fn a_full_tail_that_cannot_be_committed_makes_writing_wait() {
    let tail_bytes = 128 << 10;
    let mut lake = TestLake::open_with(Options { tail_bytes, ..Options::new(JOURNAL) }).await;
    std::fs::write(lake.path().join("data/events/timestamp_day=2024-10-04"), "").unwrap();
    let mut refused = 0;
    for number in 0..10 {
        let record = record(Offset::new(number * 100), &rows_at(NOON, 100));
        refused += usize::from(lake.sink.write(vec![record]).await.is_err());
    }
    assert!(refused > 0);
    assert!(lake.lake.version().tail_bytes() <= tail_bytes);
}

#[tokio::test]
async fn strangers_cannot_make_ten_thousand_files() {
    let mut lake = TestLake::open().await;
    let day = |number: i64| rows_at(NOON - number * DAY_MICROS, 2);
    lake.write((0..2_000).flat_map(day).collect()).await;
    lake.flush().await;
    lake.assert_whole();
    assert_eq!(lake.files().len(), 2, "one day's own file and one shared");
}

#[tokio::test]
async fn a_commit_opens_at_most_32_days() {
    let mut lake = TestLake::open().await;
    let day = |number: i64| rows_at(NOON - number * DAY_MICROS, 1_000);
    lake.write((0..40).flat_map(day).collect()).await;
    lake.flush().await;
    assert_eq!(lake.files().len(), 33);
    lake.assert_whole();
}

#[tokio::test]
async fn days_that_share_a_file_part_when_they_have_enough_rows() {
    let mut lake = TestLake::open().await;
    for _ in 0..8 {
        lake.write(rows_at(NOON, 300)).await;
        lake.write(rows_at(NOON - DAY_MICROS, 200)).await;
        lake.write(rows_at(NOON - 2 * DAY_MICROS, 2)).await;
        lake.flush().await;
    }
    let today = 20_000;
    let before = files_by_day(&lake.lake.version());
    assert_eq!(before, BTreeMap::from([(None, 8), (Some(today), 8)]));
    while lake.lake.compact_once().await.unwrap() {}
    lake.assert_whole();
    let after = files_by_day(&lake.lake.version());
    assert_eq!(after, BTreeMap::from([(None, 1), (Some(today), 1), (Some(today - 1), 1)]));
}
