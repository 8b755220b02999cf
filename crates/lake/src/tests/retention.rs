//! Rows go once they are too old: files as a whole, and none of them younger.

use super::projection::assert_metadata_shows;
use super::*;
use crate::failpoint::AFTER_RETENTION;
use crate::order::Keys;

/// The days of the rows of a table, counted back from today, with how many there are.
fn days_ago(lake: &TestLake, table: event::Table) -> BTreeMap<i32, usize> {
    let (table, today) = (Table::of(table), Timestamp::now().day());
    let rows = everything(&lake.lake.version(), table);
    let keys = Keys::of(table, &rows);
    let mut days = BTreeMap::new();
    for row in 0..rows.num_rows() {
        *days.entry(today - keys.day(row).0).or_default() += 1;
    }
    days
}

/// The first moment of a day, counted back from today.
fn start(days_ago: i64) -> i64 {
    (i64::from(Timestamp::now().day()) - days_ago) * DAY_MICROS
}

async fn kept_for(retention: &str) -> TestLake {
    let (grace, retention) = (Duration::from_hours(1), Some(retention.parse().unwrap()));
    TestLake::open_with(Options { grace, retention, ..Options::new(JOURNAL) }).await
}

#[tokio::test]
async fn files_of_old_days_go_and_no_other_is_touched() {
    let mut lake = kept_for("30d").await;
    for ago in [0, 29, 30, 31, 400] {
        lake.write(rows_at(start(ago), 20)).await;
        lake.flush().await;
    }
    lake.lake.project_metadata().await.unwrap();
    let before: Vec<_> = lake.files().iter().map(|file| file.path.clone()).collect();
    assert_eq!(lake.lake.drop_aged().await.unwrap(), 40);
    assert_eq!(days_ago(&lake, event::Table::Events), [(0, 20), (29, 20), (30, 20)].into());
    assert!(lake.files().iter().all(|file| before.contains(&file.path)), "none was rewritten");
    assert_eq!(lake.lake.drop_aged().await.unwrap(), 0);
    lake.restart().await;
    assert_eq!(lake.lake.row_count(), 60);
    assert_sound(&lake.lake).await;
}

#[tokio::test]
async fn snapshots_that_show_old_rows_expire_and_their_files_go() {
    let mut lake = kept_for("1 month").await;
    for ago in [0, 100] {
        lake.write(rows_at(start(ago), 20)).await;
        lake.flush().await;
    }
    lake.lake.project_metadata().await.unwrap();
    let held = lake.lake.version();
    let files = lake.files();
    let old =
        files.iter().find(|file| Timestamp::now().day() - file.day.unwrap().0 == 100).unwrap();
    let old = old.path.clone();
    drop(files);
    lake.lake.drop_aged().await.unwrap();
    lake.lake.project_metadata().await.unwrap();
    assert_metadata_shows(&lake).await;
    lake.lake.expire(Duration::from_hours(1)).await.unwrap();
    assert!(old.exists(), "the snapshot before shows it, for a while");
    lake.lake.expire(Duration::ZERO).await.unwrap();
    assert!(old.exists(), "a query has it");
    drop(held);
    lake.lake.expire(Duration::ZERO).await.unwrap();
    assert!(!old.exists());
    assert_metadata_shows(&lake).await;
    assert_sound(&lake.lake).await;
}

#[tokio::test]
async fn old_rows_leave_files_that_days_share() {
    let mut lake = kept_for("30d").await;
    let few = |ago: i64| rows_at(start(ago), 3);
    lake.write([0, 10, 50, 90].into_iter().flat_map(few).chain(rows_at(start(1), 50)).collect())
        .await;
    lake.flush().await;
    assert_eq!(files_by_day(&lake.lake.version()).get(&None), Some(&1));
    assert_eq!(lake.lake.drop_aged().await.unwrap(), 6);
    assert_eq!(days_ago(&lake, event::Table::Events), [(0, 3), (1, 50), (10, 3)].into());
    assert_eq!(lake.lake.drop_aged().await.unwrap(), 0);
    lake.lake.project_metadata().await.unwrap();
    assert_metadata_shows(&lake).await;
    assert_sound(&lake.lake).await;
}

#[tokio::test]
async fn late_rows_of_old_days_go_with_the_next_look_or_merge() {
    let mut lake = kept_for("30d").await;
    lake.write(rows_at(start(0), 20)).await;
    lake.flush().await;
    for _ in 0..2 {
        lake.write([rows_at(start(60), 5), rows_at(start(2), 9)].concat()).await;
        lake.flush().await;
    }
    assert_eq!(lake.lake.row_count(), 48, "as they came");
    while lake.lake.compact_now().await.unwrap().files_in > 0 {}
    assert_eq!(days_ago(&lake, event::Table::Events), [(0, 20), (2, 18)].into());
    lake.write(rows_at(start(60), 5)).await;
    lake.flush().await;
    assert_eq!(lake.lake.drop_aged().await.unwrap(), 5);
    assert_sound(&lake.lake).await;
}

#[tokio::test]
async fn persons_and_erasures_do_not_age() {
    let mut lake = kept_for("1d").await;
    lake.write(rows_of_all_tables(start(700), 100)).await;
    lake.write(vec![super::erasures::asked(0, vec!["nobody".into()], false)]).await;
    lake.flush().await;
    lake.lake.drop_aged().await.unwrap();
    for table in Table::all() {
        let rows: u64 = lake.lake.version().files(table).iter().map(|file| file.rows).sum();
        let is_kept = table.latest().is_some() || table.name() == "erasures";
        assert_eq!(rows > 0, is_kept, "{}", table.name());
    }
}

#[tokio::test]
async fn a_crash_in_between_changes_nothing() {
    let mut lake = kept_for("30d").await;
    for ago in [0, 60] {
        lake.write(rows_at(start(ago), 20)).await;
        lake.flush().await;
    }
    lake.arm(AFTER_RETENTION);
    assert_crashed(lake.lake.drop_aged().await);
    lake.restart().await;
    assert_eq!(days_ago(&lake, event::Table::Events), [(0, 20)].into());
    assert_eq!(lake.lake.drop_aged().await.unwrap(), 0);
    assert_sound(&lake.lake).await;
}

#[tokio::test]
async fn rows_are_kept_for_ever_unless_somebody_says_otherwise() {
    let mut lake = TestLake::open().await;
    lake.write(rows_at(start(20_000), 20)).await;
    lake.flush().await;
    assert_eq!(lake.lake.drop_aged().await.unwrap(), 0);
    lake.assert_whole();
}
