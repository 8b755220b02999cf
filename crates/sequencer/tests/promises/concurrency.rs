//! Many callers, one order.

use std::collections::HashMap;
use std::sync::Arc;

use journal::sim::SimFs;
use sequencer::{Receipt, Rejected, Submitted};

use crate::gate::Gate;
use crate::support::{Running, events, journal_options, number_of, options, start, start_on};

const POOL: u64 = 400;

/// The submissions of one task; tasks overlap.
fn submissions(task: u64) -> impl Iterator<Item = Vec<u64>> {
    (0..40).map(move |round| {
        let from = task * 31 + round * 7;
        (from..from + 1 + (task + round) % 9).map(|number| number * number % POOL).collect()
    })
}

async fn run_task(running: Arc<Running>, task: u64) -> Vec<(Vec<u64>, Receipt)> {
    let mut answers = Vec::new();
    for numbers in submissions(task) {
        let submitted: Vec<Submitted> = events(numbers.iter().copied());
        answers.push((numbers, running.submit(&submitted).await.unwrap()));
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overlapping_submissions_of_64_tasks_are_stored_exactly_once() {
    let running = Arc::new(start(&SimFs::new(1)));
    let tasks: Vec<_> =
        (0..64).map(|task| tokio::spawn(run_task(Arc::clone(&running), task))).collect();
    let mut appended = 0;
    let mut answers = Vec::new();
    for task in tasks {
        answers.extend(task.await.unwrap());
    }
    let rows: HashMap<_, _> = running.numbered_rows().into_iter().collect();
    for (mut numbers, receipt) in answers {
        assert_eq!(receipt.appended + receipt.duplicates, numbers.len() as u32);
        appended += receipt.appended;
        let mut held: Vec<u64> =
            receipt.resolve_by.iter().map(|offset| number_of(&rows[&offset])).collect();
        held.sort_unstable();
        numbers.sort_unstable();
        assert_eq!(held, numbers);
    }
    assert_eq!(appended as usize, rows.len());
    let mut numbers: Vec<u64> = rows.values().map(number_of).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), rows.len());
}

#[tokio::test]
async fn a_stop_under_load_stores_what_waits_and_refuses_the_rest() {
    let gate = Gate::new(&SimFs::new(1));
    let running = start_on(Arc::new(gate.clone()), journal_options(), options());
    let Running { handle, guard, journal } = running;
    gate.close();
    let submit = |number| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.submit(events([number])).await })
    };
    let waiting: Vec<_> = (0..20).map(submit).collect();
    tokio::task::yield_now().await;
    gate.wait_for_sync();
    let stopping = tokio::task::spawn_blocking(|| guard.stop());
    while handle.is_running() {
        tokio::task::yield_now().await;
    }
    assert_eq!(submit(20).await.unwrap(), Err(Rejected::Stopped));
    gate.open();
    for task in waiting {
        assert_eq!(task.await.unwrap().unwrap().appended, 1);
    }
    stopping.await.unwrap().unwrap();
    assert_eq!(crate::support::rows_from(&journal, journal.first()).len(), 20);
}

#[tokio::test]
async fn a_caller_that_goes_away_withdraws_nothing_and_stops_nobody() {
    let gate = Gate::new(&SimFs::new(1));
    let running = Arc::new(start_on(Arc::new(gate.clone()), journal_options(), options()));
    gate.close();
    let gone = {
        let running = Arc::clone(&running);
        tokio::spawn(async move { running.submit(&events([1])).await })
    };
    tokio::task::yield_now().await;
    gate.wait_for_sync();
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    gate.open();
    assert_eq!(running.counts(&events([1, 2])).await, (1, 1));
}
