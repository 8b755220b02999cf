//! Bounds: of rows, of records, of the queue, of the journal.

use std::sync::Arc;
use std::time::Duration;

use journal::Offset;
use journal::sim::SimFs;
use sequencer::{DedupOptions, Options, QueueOptions, Rejected};

use crate::gate::Gate;
use crate::support::{
    Running, event, event_of_bytes, events, journal_options, options, records_from, start, start_on,
};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_row_that_no_record_can_hold_rejects_only_its_submission() {
    let running = start(&SimFs::new(1));
    let rejected = running.submit(&[event(1), event_of_bytes(2, 9 * MIB)]).await.unwrap_err();
    assert!(matches!(rejected, Rejected::RowTooLarge { .. }));
    assert!(!rejected.is_retryable());
    assert_eq!(running.counts(&events([1, 3])).await, (2, 0));
    assert_eq!(running.rows().len(), 2);
}

#[tokio::test]
async fn a_submission_larger_than_a_record_becomes_several() {
    let running = start(&SimFs::new(1));
    running.submit(&[event_of_bytes(0, 3 * MIB)]).await.unwrap();
    let large: Vec<_> = (0..5).map(|number| event_of_bytes(number, 3 * MIB)).collect();
    let receipt = running.submit(&large).await.unwrap();
    assert_eq!((receipt.appended, receipt.duplicates), (4, 1));
    let records = records_from(&running.journal, Offset::new(1));
    let rows: Vec<u32> = records.iter().map(|record| record.rows).collect();
    assert_eq!(rows, [2, 2]);
    let appended = receipt.resolve_by.appended();
    assert_eq!((appended.start, appended.end), (Offset::new(1), Offset::new(5)));
}

#[tokio::test]
async fn beyond_a_full_queue_callers_are_turned_away_at_once() {
    let gate = Gate::new(&SimFs::new(1));
    let queue = QueueOptions { waiting_submissions: 2, ..QueueOptions::default() };
    let options = Options { queue, ..options() };
    let running = Arc::new(start_on(Arc::new(gate.clone()), journal_options(), options));
    gate.close();
    let submit = |number| {
        let running = Arc::clone(&running);
        tokio::spawn(async move { running.submit(&events([number])).await })
    };
    let mut accepted = vec![submit(0)];
    tokio::task::yield_now().await;
    gate.wait_for_sync();
    accepted.extend([submit(1), submit(2)]);
    tokio::task::yield_now().await;
    assert_eq!(running.submit(&events([3])).await, Err(Rejected::Busy));
    gate.open();
    for task in accepted {
        assert!(task.await.unwrap().is_ok());
    }
    assert_eq!(running.counts(&events([3])).await, (1, 0));
}

/// Fills a small journal, which only dedup holds, until there is room again; returns how many
/// events were stored.
async fn fill_and_recover(running: &Running) -> u64 {
    let mut number = 0;
    let full = loop {
        match running.submit(&[event_of_bytes(number, 1000)]).await {
            Ok(_) => number += 1,
            Err(rejected) => break rejected,
        }
    };
    assert!(matches!(full, Rejected::JournalFull(_)));
    let mut attempts = 0;
    while running.submit(&[event_of_bytes(number, 1000)]).await.is_err() {
        running.journal.trim().unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        attempts += 1;
        assert!(attempts < 10_000, "the journal stays full: {:?}", running.journal.holds());
    }
    assert!(running.journal.first() > Offset::ZERO);
    number + 1
}

fn small_journal() -> journal::Options {
    journal::Options { budget_bytes: 256 << 10, ..journal_options() }
}

#[tokio::test]
async fn a_full_journal_recovers_when_it_is_trimmed() {
    let running = start_on(Arc::new(SimFs::new(1)), small_journal(), options());
    let stored = fill_and_recover(&running).await;
    let all: Vec<_> = (0..stored).map(|number| event_of_bytes(number, 1000)).collect();
    assert_eq!(running.counts(&all).await, (0, stored as u32));
}

#[tokio::test]
async fn keys_that_cannot_be_written_do_not_stop_ingestion() {
    let gate = Gate::refusing_keys(&SimFs::new(1));
    // More keys than the journal has room for, so that only a full journal makes them be written.
    let dedup = DedupOptions { max_keys: 1 << 20, ..options().dedup };
    let running = start_on(Arc::new(gate), small_journal(), Options { dedup, ..options() });
    for _ in 0..3 {
        fill_and_recover(&running).await;
    }
}
