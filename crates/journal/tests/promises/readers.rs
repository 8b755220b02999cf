//! Readers see every synced row once, in order, and nothing else.

use std::sync::Arc;
use std::thread;

use hogflare_journal::sim::SimFs;
use hogflare_journal::{Batch, Cursor, Error, Journal, JournalId, Offset, Options, RealFs};

use crate::support::{batches, drain, large, offset, open, read_all, small};

#[test]
fn a_reader_follows_a_writer_and_is_never_ahead_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 256 << 10, reserve_bytes: 0, ..Options::default() };
    let (mut writer, journal) = Journal::open(Arc::new(RealFs), dir.path(), options).unwrap();
    let end = offset(6000);
    let readers: Vec<_> = (0..3)
        .map(|number| {
            let journal = journal.clone();
            thread::spawn(move || follow(&journal, end, 1 << (10 + 3 * number)))
        })
        .collect();
    let mut row = 0_u64;
    while writer.next_offset() < end {
        let group: Vec<_> = (0..3).map(|_| numbered(&mut row)).collect();
        writer.commit(&group).unwrap();
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

/// A batch of two rows that says where it is.
fn numbered(row: &mut u64) -> Batch {
    let bytes = usize::try_from(*row * 31 % 2000).unwrap() + 8;
    let mut payload = row.to_le_bytes().to_vec();
    payload.resize(bytes, *row as u8);
    *row += 2;
    Batch { rows: 2, payload: payload.into() }
}

fn follow(journal: &Journal, end: Offset, max_bytes: usize) {
    let mut synced = journal.subscribe();
    let mut reader = journal.reader(journal.cursor(Offset::ZERO)).unwrap();
    let mut expected = 0;
    while reader.offset() < end {
        let records = reader.read(max_bytes).unwrap();
        assert!(reader.offset() <= journal.synced() || records.is_empty());
        for record in &records {
            assert_eq!(record.first, offset(expected));
            assert_eq!(record, &{
                let batch = numbered(&mut expected);
                hogflare_journal::Record { first: record.first, rows: 2, payload: batch.payload }
            });
        }
        if records.is_empty() {
            while !synced.has_changed().unwrap() {
                thread::yield_now();
            }
            synced.mark_unchanged();
        }
    }
}

#[test]
fn reading_in_any_portion_yields_the_same() {
    let fs = SimFs::new(2);
    let (mut writer, journal) = open(&fs);
    for bytes in [0, 1, 7, 8, 9, 100, 4056, 4057, 9000, 16_000, 3, 12_000] {
        writer.commit(&[large(bytes), large(1)]).unwrap();
    }
    let all = read_all(&journal).unwrap();
    assert_eq!(all.len(), 24);
    for max_bytes in [0, 1, 39, 40, 41, 47, 48, 100, 1000, 10_000, 1 << 20, usize::MAX] {
        let mut reader = journal.reader(journal.cursor(Offset::ZERO)).unwrap();
        let mut found = Vec::new();
        while let some = reader.read(max_bytes).unwrap()
            && !some.is_empty()
        {
            found.extend(some);
        }
        assert_eq!(found, all, "in portions of {max_bytes}");
        assert_eq!(reader.offset(), journal.synced());
    }
}

#[test]
fn a_portion_is_about_as_large_as_was_asked_for() {
    let fs = SimFs::new(2);
    let (mut writer, journal) = open(&fs);
    writer.commit(&vec![large(960); 20]).unwrap();
    let mut reader = journal.reader(journal.cursor(Offset::ZERO)).unwrap();
    assert_eq!(reader.read(4000).unwrap().len(), 4);
    assert_eq!(reader.read(100).unwrap().len(), 1);
    assert_eq!(reader.read(usize::MAX).unwrap().len(), 15);
}

#[test]
fn reading_may_begin_at_any_row() {
    let fs = SimFs::new(2);
    let (mut writer, journal) = open(&fs);
    for _ in 0..6 {
        writer.commit(&[large(5_000), large(2_000)]).unwrap();
    }
    let all = read_all(&journal).unwrap();
    for start in 0..=journal.synced().get() {
        let mut reader = journal.reader(journal.cursor(offset(start))).unwrap();
        assert_eq!(reader.offset(), offset(start));
        let found = drain(&mut reader).unwrap();
        let expected: Vec<_> = all.iter().filter(|record| record.end().get() > start).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "from {start}");
        assert_eq!(reader.offset(), journal.synced());
    }
}

#[test]
fn reading_far_into_a_large_segment_does_not_start_at_its_beginning() {
    let fs = SimFs::new(2);
    let options = Options { segment_bytes: 8 << 20, budget_bytes: 64 << 20, ..small() };
    let (mut writer, journal) = crate::support::try_open(&fs, options).unwrap();
    for _ in 0..400 {
        writer.commit(&[large(10_000)]).unwrap();
    }
    let find = |journal: &Journal| {
        assert!(journal.lag_bytes(offset(3 * 390)) < 600 << 10);
        let mut reader = journal.reader(journal.cursor(offset(3 * 390))).unwrap();
        assert_eq!(drain(&mut reader).unwrap().len(), 10);
    };
    find(&journal);
    let (_writer, journal) = open(&fs.kill());
    find(&journal);
}

#[test]
fn a_cursor_past_the_end_is_an_error_not_a_wait() {
    let fs = SimFs::new(2);
    let (mut writer, journal) = open(&fs);
    writer.commit(&batches(["a", "b"])).unwrap();
    let error = journal.reader(journal.cursor(offset(3))).unwrap_err();
    assert!(matches!(error, Error::PastEnd { .. }));
    let message = error.to_string();
    assert!(message.contains("offset 3") && message.contains("which is 2"), "{message}");
    assert!(message.contains(&journal.id().to_string()), "{message}");
    let mut at_the_end = journal.reader(journal.cursor(offset(2))).unwrap();
    assert_eq!(at_the_end.read(100).unwrap(), []);
}

#[test]
fn a_cursor_of_another_journal_is_an_error_that_names_both() {
    let (_writer, journal) = open(&SimFs::new(2));
    let cursor = Cursor { journal_id: JournalId::random(), offset: Offset::ZERO };
    let error = journal.reader(cursor).unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }));
    let message = error.to_string();
    for id in [cursor.journal_id, journal.id()] {
        assert!(message.contains(&id.to_string()), "{message}");
    }
}

#[test]
fn a_slow_reader_keeps_its_place_over_many_segments() {
    let fs = SimFs::new(2);
    let (mut writer, journal) = open(&fs);
    let mut reader = journal.reader(journal.cursor(Offset::ZERO)).unwrap();
    for _ in 0..30 {
        writer.commit(&[large(16_000)]).unwrap();
    }
    let first = reader.read(1).unwrap();
    assert_eq!((first.len(), reader.offset()), (1, offset(3)));
    assert_eq!(drain(&mut reader).unwrap().len(), 29);
    writer.commit(&[large(16_000)]).unwrap();
    assert_eq!(drain(&mut reader).unwrap().len(), 1);
}

#[test]
fn the_end_is_announced_to_subscribers() {
    let fs = SimFs::new(2);
    let (mut writer, journal) = open(&fs);
    let mut synced = journal.subscribe();
    assert_eq!(*synced.borrow_and_update(), Offset::ZERO);
    writer.commit(&batches(["a", "b"])).unwrap();
    assert!(synced.has_changed().unwrap());
    assert_eq!(*synced.borrow_and_update(), offset(2));
}
