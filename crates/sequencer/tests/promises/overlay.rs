//! Nothing is answered on the strength of a row that is not stored.

use std::sync::Arc;

use journal::sim::{Fault, Op, SimFs};
use sequencer::{Receipt, Rejected, Submitted};
use tokio::task::JoinHandle;

use crate::gate::Gate;
use crate::support::{
    Running, event, events, journal_options, number_of, options, start, start_on,
};

/// A sequencer whose first group waits for its sync, so that what follows is one group.
async fn blocked(gate: &Gate) -> (Arc<Running>, JoinHandle<Result<Receipt, Rejected>>) {
    let running = start_on(Arc::new(gate.clone()), journal_options(), options());
    let running = Arc::new(running);
    gate.close();
    let first = queue(&running, events([1000])).await;
    gate.wait_for_sync();
    (running, first)
}

/// Submits and returns once the submission is queued.
pub(crate) async fn queue(
    running: &Arc<Running>,
    events: Vec<Submitted>,
) -> JoinHandle<Result<Receipt, Rejected>> {
    let running = Arc::clone(running);
    let task = tokio::spawn(async move { running.submit(&events).await });
    // The runtime has one thread: yielding lets the task run until it waits for its answer.
    tokio::task::yield_now().await;
    task
}

#[tokio::test]
async fn a_duplicate_in_the_same_submission_is_stored_once() {
    let running = start(&SimFs::new(1));
    assert_eq!(running.counts(&events([1, 2, 1, 1])).await, (2, 2));
    let numbers: Vec<u64> = running.rows().iter().map(number_of).collect();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test]
async fn a_duplicate_in_another_group_is_stored_once() {
    let running = start(&SimFs::new(1));
    assert_eq!(running.counts(&events([1, 2])).await, (2, 0));
    assert_eq!(running.counts(&events([2, 3])).await, (1, 1));
    assert_eq!(running.counts(&events([1, 2, 3])).await, (0, 3));
    assert_eq!(running.rows().len(), 3);
}

#[tokio::test]
async fn a_duplicate_in_the_same_group_waits_for_the_original() {
    let gate = Gate::new(&SimFs::new(1));
    let (running, first) = blocked(&gate).await;
    let original = queue(&running, events([1])).await;
    let duplicate = queue(&running, events([1])).await;
    assert!(!duplicate.is_finished());
    gate.open();
    assert_eq!(first.await.unwrap().unwrap().appended, 1);
    let original = original.await.unwrap().unwrap();
    let duplicate = duplicate.await.unwrap().unwrap();
    assert_eq!((original.appended, duplicate.duplicates), (1, 1));
    assert_eq!(original.resolve_by.end(), duplicate.resolve_by.end());
    assert_eq!(running.rows().len(), 2);
}

#[tokio::test]
async fn a_duplicate_in_a_group_that_fails_is_rejected_with_it() {
    let fs = SimFs::new(1);
    let gate = Gate::new(&fs);
    let (running, first) = blocked(&gate).await;
    let original = queue(&running, events([1])).await;
    let duplicate = queue(&running, events([1])).await;
    // The first group's sync succeeds, the second's fails.
    fs.fail(Op::SyncData, 1, Fault::Io);
    gate.open();
    assert!(first.await.unwrap().is_ok());
    assert!(matches!(original.await.unwrap(), Err(Rejected::Failed(_))));
    assert!(matches!(duplicate.await.unwrap(), Err(Rejected::Failed(_))));
    assert_eq!(running.counts(&events([1])).await, (1, 0));
    assert_eq!(running.rows().len(), 2);
}

#[tokio::test]
async fn a_failed_append_leaves_no_trace_and_its_retry_is_stored_once() {
    let fs = SimFs::new(1);
    let running = start(&fs);
    let request = events([1]);
    fs.fail_all(Some(Fault::NoSpace));
    assert!(matches!(running.submit(&request).await, Err(Rejected::DiskFull(_))));
    fs.fail_all(None);
    fs.fail(Op::SyncData, 0, Fault::Io);
    assert!(matches!(running.submit(&request).await, Err(Rejected::Failed(_))));
    assert_eq!(running.counts(&request).await, (1, 0));
    assert_eq!(running.counts(&request).await, (0, 1));
    assert_eq!(running.rows().len(), 1);
}

#[tokio::test]
async fn duplicates_of_stored_rows_need_no_disk() {
    let fs = SimFs::new(1);
    let running = start(&fs);
    let stored = running.submit(&events([1])).await.unwrap();
    fs.fail_all(Some(Fault::Io));
    let again = running.submit(&events([1, 1])).await.unwrap();
    assert_eq!((again.appended, again.duplicates), (0, 2));
    assert_eq!(again.resolve_by.end(), stored.resolve_by.end());
    assert!(running.submit(&events([1, 2])).await.is_err());
    fs.fail_all(None);
    assert_eq!(running.counts(&events([1, 2])).await, (1, 1));
}

#[tokio::test]
async fn duplicates_of_stored_rows_are_answered_though_their_group_fails() {
    let fs = SimFs::new(1);
    let gate = Gate::new(&fs);
    let (running, first) = blocked(&gate).await;
    let duplicate = queue(&running, events([1000])).await;
    let fresh = queue(&running, events([1])).await;
    fs.fail(Op::SyncData, 1, Fault::Io);
    gate.open();
    assert!(first.await.unwrap().is_ok());
    assert_eq!(duplicate.await.unwrap().unwrap().duplicates, 1);
    assert!(fresh.await.unwrap().is_err());
}

#[tokio::test]
async fn an_answer_names_the_rows_that_hold_its_events() {
    let running = start(&SimFs::new(1));
    running.submit(&events([5, 6])).await.unwrap();
    let receipt = running.submit(&[event(7), event(5), event(8), event(8)]).await.unwrap();
    let rows = running.numbered_rows();
    let held: Vec<u64> = receipt
        .resolve_by
        .iter()
        .map(|offset| number_of(&rows.iter().find(|(at, _)| *at == offset).unwrap().1))
        .collect();
    assert_eq!(held, [7, 8, 5, 8]);
}

#[tokio::test]
async fn nothing_is_stored_of_nothing() {
    let running = start(&SimFs::new(1));
    let receipt = running.submit(&[]).await.unwrap();
    assert_eq!((receipt.appended, receipt.resolve_by.end()), (0, None));
}
