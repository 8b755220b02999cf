//! Neither the budget nor the disk is ever overdrawn, and space that comes back is used.

use hogflare_journal::sim::{Fault, Op, SimFs};
use hogflare_journal::{CommitError, Fs, Options};

use crate::support::{
    DIR, batch, batches, large, open, payloads, read_all, segment_paths, small, try_open,
};

fn file_bytes(fs: &dyn Fs) -> u64 {
    let paths = segment_paths(fs, DIR.as_ref());
    paths.iter().map(|path| fs.open_read(path).unwrap().size().unwrap()).sum()
}

#[test]
fn a_spent_budget_is_full_until_something_is_trimmed() {
    let fs = SimFs::new(1);
    let (mut writer, journal) = open(&fs);
    let hold = journal.hold("sink", journal.first());
    let mut committed = 0;
    let error = loop {
        match writer.commit(&[large(10_000)]) {
            Ok(_) => committed += 1,
            Err(error) => break error,
        }
        assert!(journal.disk_bytes() <= small().budget_bytes);
    };
    assert!(matches!(error, CommitError::Full { .. }) && error.is_retryable(), "{error}");
    assert!(committed > 60, "{committed}");
    assert!(matches!(writer.check_capacity(), Err(CommitError::Full { .. })));
    assert_eq!(journal.trim().unwrap(), 0, "everything is held");
    writer.commit(&[large(10_000)]).unwrap_err();

    hold.advance(journal.synced());
    assert!(journal.trim().unwrap() > 20);
    writer.check_capacity().unwrap();
    writer.commit(&[large(10_000)]).unwrap();
    assert_eq!(journal.disk_bytes(), file_bytes(&fs));
}

#[test]
fn a_budget_smaller_than_a_segment_still_moves() {
    let fs = SimFs::new(1);
    let options = Options { segment_bytes: 64 << 20, budget_bytes: 256 << 10, ..small() };
    let (mut writer, journal) = try_open(&fs, options).unwrap();
    for _ in 0..200 {
        if writer.commit(&[large(10_000)]).is_err() {
            journal.trim().unwrap();
            writer.commit(&[large(10_000)]).unwrap();
        }
        assert!(journal.disk_bytes() <= 256 << 10);
    }
}

#[test]
fn the_accounting_does_not_drift() {
    let fs = SimFs::new(1);
    let (mut writer, journal) = open(&fs);
    let hold = journal.hold("sink", journal.first());
    for round in 0..10_000_u64 {
        let bytes = usize::try_from(round * 37 % 900).unwrap();
        writer.commit(&[large(bytes), large(3)]).unwrap();
        if round % 7 == 0 {
            hold.advance(journal.synced());
            journal.trim().unwrap();
        }
    }
    assert_eq!(journal.disk_bytes(), file_bytes(&fs));
    hold.advance(journal.synced());
    journal.trim().unwrap();
    assert_eq!(journal.disk_bytes(), file_bytes(&fs));
    assert_eq!(segment_paths(&fs, DIR.as_ref()).len(), 1);
}

#[test]
fn the_reserve_is_left_to_others() {
    let fs = SimFs::new(1);
    let options = Options { reserve_bytes: 100_000, ..small() };
    fs.set_capacity(200_000);
    let (mut writer, journal) = try_open(&fs, options).unwrap();
    let error = loop {
        if let Err(error) = writer.commit(&[large(10_000)]) {
            break error;
        }
        assert!(fs.space(DIR.as_ref()).unwrap().free_bytes >= 100_000);
    };
    assert!(matches!(error, CommitError::NoSpace { reserve_bytes: 100_000, .. }), "{error}");
    assert!(error.is_retryable());
    assert!(matches!(writer.check_capacity(), Err(CommitError::NoSpace { .. })));
    assert!(payloads(&journal).len() >= 4);

    fs.set_capacity(300_000);
    writer.check_capacity().unwrap();
    writer.commit(&[large(10_000)]).unwrap();
    // Somebody else fills the disk: nothing is accepted, though the segment has room.
    fs.set_capacity(150_000);
    assert!(matches!(writer.commit(&batches(["row"])), Err(CommitError::NoSpace { .. })));
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    for seed in 0..50 {
        let fs = SimFs::new(seed);
        let (mut writer, journal) = open(&fs);
        fs.set_capacity(60_000 + seed * 333);
        let mut committed = 0;
        let error = loop {
            match writer.commit(&[large(5_000)]) {
                Ok(_) => committed += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, CommitError::NoSpace { .. }), "{error}");
        assert_eq!(payloads(&journal).len(), committed);
        fs.set_capacity(1 << 30);
        writer.commit(&[large(5_000)]).unwrap();
        assert_eq!(payloads(&open(&fs.power_loss()).1).len(), committed + 1);
    }
}

#[test]
fn what_a_full_disk_gave_of_a_segment_is_given_back() {
    let fs = SimFs::new(1);
    let (mut writer, journal) = open(&fs);
    for _ in 0..5 {
        fs.fail(Op::Allocate, 0, Fault::NoSpace);
        let error = writer.commit(&[large(15_000)]).unwrap_err();
        assert!(matches!(error, CommitError::NoSpace { .. }), "{error}");
        assert_eq!(journal.disk_bytes(), file_bytes(&fs));
        writer.commit(&[large(15_000)]).unwrap();
        assert_eq!(journal.disk_bytes(), file_bytes(&fs));
    }
}

#[test]
fn room_that_a_crash_gave_back_to_a_sealed_segment_is_taken_again() {
    for seed in 0..20 {
        let fs = SimFs::new(seed);
        let (mut writer, _journal) = open(&fs);
        for _ in 0..5 {
            writer.commit(&[large(15_000)]).unwrap();
        }
        let fs = fs.power_loss();
        let (_writer, journal) = open(&fs);
        assert_eq!(journal.disk_bytes(), file_bytes(&fs));
        assert!(journal.disk_bytes() <= 6 * 4096 + 5 * 15_040, "{}", journal.disk_bytes());
    }
}

#[test]
fn a_journal_on_a_full_disk_can_be_opened_and_drained() {
    let fs = SimFs::new(1);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&[large(10_000)]).unwrap();
    writer.commit(&[large(10_000)]).unwrap();
    let fs = fs.power_loss();
    fs.set_capacity(file_bytes(&fs));
    // Nothing of the last segment can be given back, so there is no room for another one.
    let last = segment_paths(&fs, DIR.as_ref()).pop().unwrap();
    fs.open_write(&last).unwrap().set_len(4096 + 10_040 * 2).unwrap();
    fs.set_capacity(file_bytes(&fs));
    let (mut writer, journal) = open(&fs);
    assert_eq!(read_all(&journal).unwrap().len(), 2);
    assert!(matches!(writer.commit(&batches(["row"])), Err(CommitError::NoSpace { .. })));
    fs.set_capacity(1 << 30);
    writer.commit(&batches(["row"])).unwrap();
    assert_eq!(read_all(&journal).unwrap().len(), 3);
}

#[test]
fn a_record_that_is_too_large_is_refused_and_the_rest_works() {
    let fs = SimFs::new(1);
    let (mut writer, journal) = open(&fs);
    let limit = small().max_record_bytes;
    let error = writer.commit(&[batch("fits"), large(limit + 1)]).unwrap_err();
    assert!(matches!(error, CommitError::TooLarge { .. }) && !error.is_retryable());
    assert_eq!(payloads(&journal).len(), 0);
    writer.commit(&[large(limit)]).unwrap();
    assert_eq!(payloads(&journal).len(), 1);
}

#[test]
fn a_record_without_rows_is_refused() {
    let fs = SimFs::new(1);
    let (mut writer, _journal) = open(&fs);
    let error = writer.commit(&[hogflare_journal::Batch::default()]).unwrap_err();
    assert!(matches!(error, CommitError::NoRows) && !error.is_retryable());
}

#[test]
fn a_group_larger_than_a_segment_is_committed_as_one() {
    let fs = SimFs::new(1);
    let (mut writer, journal) = open(&fs);
    let group: Vec<_> = (0..40).map(|_| large(10_000)).collect();
    writer.commit(&batches(["before"])).unwrap();
    writer.commit(&group).unwrap();
    writer.commit(&batches(["after"])).unwrap();
    assert_eq!(payloads(&journal).len(), 42);
    assert_eq!(payloads(&open(&fs.power_loss()).1).len(), 42);
}

#[test]
fn the_default_budget_is_a_fifth_of_a_small_disk() {
    let fs = SimFs::new(1);
    fs.set_capacity(10 << 30);
    assert_eq!(Options::default_budget_bytes(&fs, DIR.as_ref()).unwrap(), 2 << 30);
    fs.set_capacity(1 << 40);
    assert_eq!(Options::default_budget_bytes(&fs, DIR.as_ref()).unwrap(), 10 << 30);
}
