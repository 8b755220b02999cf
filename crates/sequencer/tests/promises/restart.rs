//! What was acknowledged before a stop is recognized after it.

use std::path::Path;
use std::sync::Arc;

use journal::sim::{Fault, Op, SimFs};
use journal::{Fs, Offset};

use crate::support::{event_of_bytes, events, journal_options, options, start, start_on};

#[tokio::test]
async fn dedup_survives_a_clean_restart() {
    let fs = SimFs::new(1);
    let running = start(&fs);
    assert_eq!(running.counts(&events(0..500)).await, (500, 0));
    running.stop();
    let running = start(&fs);
    assert_eq!(running.counts(&events(0..501)).await, (1, 500));
    assert_eq!(running.handle.dedup_window().keys, 501);
}

#[tokio::test]
async fn dedup_survives_a_kill() {
    let fs = SimFs::new(1);
    let running = start(&fs);
    for from in [0, 100, 200] {
        running.submit(&events(from..from + 100)).await.unwrap();
    }
    let next_life = fs.kill();
    drop(running);
    let running = start(&next_life);
    assert_eq!(running.counts(&events(0..301)).await, (1, 300));
}

#[tokio::test]
async fn dedup_survives_a_power_loss() {
    for seed in 0..20 {
        let fs = SimFs::new(seed);
        let running = start(&fs);
        for from in (0..300).step_by(30) {
            running.submit(&events(from..from + 30)).await.unwrap();
        }
        let next_life = fs.power_loss();
        drop(running);
        let running = start(&next_life);
        assert_eq!(running.counts(&events(0..301)).await, (1, 300));
    }
}

#[tokio::test]
async fn a_retry_is_recognized_after_the_segment_of_its_original_is_gone() {
    let fs = SimFs::new(1);
    let running = start(&fs);
    let large: Vec<_> = (0..200).map(|number| event_of_bytes(number, 1000)).collect();
    for group in large.chunks(10) {
        running.submit(group).await.unwrap();
    }
    running.stop();
    let running = start(&fs);
    running.journal.trim().unwrap();
    assert!(running.journal.first() > Offset::new(100));
    assert_eq!(running.counts(&large).await, (0, 200));
    let running = {
        running.stop();
        start(&fs.power_loss())
    };
    assert_eq!(running.counts(&large).await, (0, 200));
}

/// A process that was killed between naming a run and syncing the directory.
fn name_again_without_sync(fs: &SimFs) {
    let dir = Path::new("data/dedup");
    for name in fs.read_dir(dir).unwrap() {
        let (path, temporary) = (dir.join(name), dir.join("again.tmp"));
        let bytes = journal::read_file(fs, &path).unwrap().unwrap();
        fs.remove(&path).unwrap();
        fs.sync_dir(dir).unwrap();
        journal::write_atomically(fs, &temporary, &bytes).unwrap();
        fs.rename(&temporary, &path).unwrap();
    }
}

#[tokio::test]
async fn a_name_that_an_earlier_process_did_not_sync_is_synced_before_it_is_used() {
    for seed in 0..20 {
        let fs = SimFs::new(seed);
        let running = start(&fs);
        let large: Vec<_> = (0..200).map(|number| event_of_bytes(number, 1000)).collect();
        for group in large.chunks(100) {
            running.submit(group).await.unwrap();
        }
        running.stop();
        name_again_without_sync(&fs);
        let running = start(&fs);
        running.journal.trim().unwrap();
        let next_life = fs.power_loss();
        drop(running);
        assert_eq!(start(&next_life).counts(&large).await, (0, 200));
    }
}

#[tokio::test]
async fn a_clean_restart_reads_no_row_again() {
    let fs = SimFs::new(1);
    let running = start(&fs);
    running.submit(&events(0..10)).await.unwrap();
    running.stop();
    let running = start(&fs);
    let dedup = running.journal.holds().into_iter().find(|hold| hold.name == "dedup").unwrap();
    assert_eq!(dedup.at, running.journal.synced());
}

#[tokio::test]
async fn failures_before_a_restart_take_nothing_from_the_window() {
    let fs = SimFs::new(1);
    let running = start(&fs);
    running.submit(&events([1])).await.unwrap();
    // The first failure begins a new segment; the second leaves the journal without one, its next
    // offset beyond anything durable.
    fs.fail(Op::SyncData, 0, Fault::Io);
    assert!(running.submit(&events([2])).await.is_err());
    fs.fail(Op::SyncData, 0, Fault::Io);
    fs.fail(Op::Create, 0, Fault::Io);
    assert!(running.submit(&events([2])).await.is_err());
    assert_eq!(running.counts(&events([1])).await, (0, 1));
    running.stop();
    let running = start(&fs);
    assert_eq!(running.counts(&events([1, 2])).await, (1, 1));
}

#[tokio::test]
async fn a_lost_dedup_folder_is_rebuilt_from_the_journal() {
    let fs = SimFs::new(1);
    let running = start(&fs);
    running.submit(&events(0..1000)).await.unwrap();
    running.stop();
    let dir = Path::new("data/dedup");
    for name in fs.read_dir(dir).unwrap() {
        fs.remove(&dir.join(name)).unwrap();
    }
    let running = start_on(Arc::new(fs), journal_options(), options());
    assert_eq!(running.counts(&events(0..1001)).await, (1, 1000));
}
