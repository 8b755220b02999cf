//! Recordings share the group commit, not the deduplication.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use journal::sim::{Fault, Op, SimFs};
use journal::{Journal, Offset};
use sequencer::{Appender, JoinGuard, QueueOptions, Rejected};

use crate::support::records_from;

fn start(fs: &SimFs) -> (Appender, JoinGuard, Journal) {
    let options = journal::Options { name: "recordings", ..journal::Options::default() };
    let (writer, journal) =
        Journal::open(Arc::new(fs.clone()), Path::new("data/recordings"), options).unwrap();
    let (appender, guard) = sequencer::start_recordings(writer, QueueOptions::default()).unwrap();
    (appender, guard, journal)
}

fn row(byte: u8, bytes: usize) -> Bytes {
    vec![byte; bytes].into()
}

#[tokio::test]
async fn rows_are_appended_as_they_are_and_keep_their_order() {
    let (appender, guard, journal) = start(&SimFs::new(1));
    let first = appender.append(vec![row(1, 3)]).await.unwrap();
    let second = appender.append(vec![row(1, 3), row(2, 1)]).await.unwrap();
    assert_eq!((first.start, second.end), (Offset::ZERO, Offset::new(3)));
    guard.stop().unwrap();
    let payloads: Vec<_> =
        records_from(&journal, Offset::ZERO).into_iter().map(|record| record.payload).collect();
    assert_eq!(payloads, [vec![1, 1, 1], vec![1, 1, 1, 2]]);
}

#[tokio::test]
async fn rows_beyond_a_record_go_to_several() {
    let (appender, _guard, journal) = start(&SimFs::new(1));
    let appended = appender.append(vec![row(1, 5 << 20), row(2, 5 << 20)]).await.unwrap();
    assert_eq!(appended, Offset::ZERO..Offset::new(2));
    assert_eq!(records_from(&journal, Offset::ZERO).len(), 2);
    let rejected = appender.append(vec![row(3, 9 << 20)]).await.unwrap_err();
    assert!(matches!(rejected, Rejected::RowTooLarge { .. }));
}

#[tokio::test]
async fn a_failed_append_is_rejected_and_the_next_one_works() {
    let fs = SimFs::new(1);
    let (appender, _guard, journal) = start(&fs);
    fs.fail(Op::SyncData, 0, Fault::Io);
    assert!(matches!(appender.append(vec![row(1, 1)]).await, Err(Rejected::Failed(_))));
    assert!(appender.append(vec![row(1, 1)]).await.is_ok());
    assert_eq!(records_from(&journal, journal.first()).len(), 1);
}

#[tokio::test]
async fn a_segment_ends_where_it_is_asked_to() {
    let (appender, _guard, journal) = start(&SimFs::new(1));
    appender.append(vec![row(1, 3)]).await.unwrap();
    assert_eq!(journal.trim().unwrap(), 0, "it is being written");
    appender.end_segment().await.unwrap();
    assert_eq!(journal.trim().unwrap(), 1);
    let next = appender.append(vec![row(2, 3)]).await.unwrap();
    assert_eq!(records_from(&journal, next.start).len(), 1);
}
