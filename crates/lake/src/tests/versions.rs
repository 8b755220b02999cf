//! A version is the table at one moment, whatever happens meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_always_see_each_row_once_while_files_are_merged_and_deleted() {
    let mut lake = TestLake::open().await;
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (lake, done) = (lake.lake.clone(), done.clone());
        tokio::task::spawn_blocking(move || {
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) {
                let version = lake.version();
                let offsets = offsets(&version);
                assert_eq!(offsets, (0..offsets.len() as u64).collect::<Vec<_>>());
                assert!(offsets.len() >= seen, "rows never disappear");
                seen = offsets.len();
            }
            seen
        })
    };
    let maintenance = {
        let (lake, done) = (lake.lake.clone(), done.clone());
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                lake.compact_once().await.unwrap();
                lake.project_metadata().await.unwrap();
                lake.remove_expired().await.unwrap();
            }
        })
    };
    for number in 0..60 {
        lake.write(rows_at(NOON - (number % 3) * DAY_MICROS, 50)).await;
        if number % 2 == 0 {
            lake.flush().await;
        }
    }
    done.store(true, Ordering::Relaxed);
    maintenance.await.unwrap();
    assert!(reader.await.unwrap() > 0);
    lake.assert_whole();
}

#[tokio::test]
async fn replaced_files_stay_as_long_as_somebody_reads_them() {
    let mut lake = TestLake::open().await;
    for _ in 0..8 {
        lake.write(rows_at(NOON, 10)).await;
        lake.flush().await;
    }
    let held = lake.lake.version();
    assert!(lake.lake.compact_once().await.unwrap());
    lake.lake.project_metadata().await.unwrap();
    lake.lake.remove_expired().await.unwrap();
    assert_eq!(offsets(&held).len(), 80);
    let paths: Vec<_> = held.files(events()).iter().map(|file| file.path.clone()).collect();
    drop(held);
    lake.lake.remove_expired().await.unwrap();
    assert!(paths.iter().all(|path| !path.try_exists().unwrap()));
    lake.assert_whole();
}

#[tokio::test]
async fn replaced_files_stay_for_the_grace_of_readers_elsewhere() {
    let grace = Duration::from_hours(1);
    let mut lake = TestLake::open_with(Options { grace, ..Options::new(JOURNAL) }).await;
    for _ in 0..8 {
        lake.write(rows_at(NOON, 10)).await;
        lake.flush().await;
    }
    let elsewhere = Lake::open_read_only(&lake.path()).await.unwrap().unwrap();
    assert!(lake.lake.compact_once().await.unwrap());
    lake.lake.project_metadata().await.unwrap();
    assert_eq!(lake.lake.remove_expired().await.unwrap(), 0);
    assert_eq!(offsets(&elsewhere.version()).len(), 80);
}

/// A spawned task can run the maintenance, and it ends when asked to.
#[tokio::test]
async fn maintenance_merges_files_and_ends_with_fresh_metadata() {
    let mut lake = TestLake::open().await;
    for _ in 0..8 {
        lake.write(rows_at(NOON, 10)).await;
        lake.flush().await;
    }
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let handle = lake.lake.clone();
    let running = tokio::spawn(async move { handle.run_maintenance(stopped).await });
    while lake.files().len() > 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send(true).unwrap();
    running.await.unwrap();
    assert!(!lake.lake.project_metadata().await.unwrap(), "nothing is left to do");
    lake.assert_whole();
}
