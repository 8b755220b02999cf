//! A group that failed leaves no trace, and the writer goes on.

use std::path::PathBuf;
use std::sync::Arc;

use hogflare_journal::sim::{Fault, Op, SimFs};
use hogflare_journal::{CommitError, Fs, Journal};

use crate::recording::Recording;
use crate::support::{DIR, batches, large, offset, open, payloads, segment_paths, small};

#[test]
fn a_group_whose_sync_failed_is_never_seen() {
    for seed in 0..100 {
        let fs = SimFs::new(seed);
        let (mut writer, journal) = open(&fs);
        writer.commit(&batches(["before"])).unwrap();
        fs.fail(Op::SyncData, 0, Fault::Io);
        let error = writer.commit(&batches(["failed"])).unwrap_err();
        assert!(matches!(error, CommitError::Io(_)) && error.is_retryable());
        assert!(writer.is_fenced());
        assert_eq!(journal.synced(), offset(1));
        assert_eq!(payloads(&journal), ["before"]);

        let next = if seed % 2 == 0 { fs.kill() } else { fs.power_loss() };
        assert_eq!(payloads(&open(&next).1), ["before"], "seed {seed}");
    }
}

#[test]
fn a_group_whose_write_failed_is_never_seen() {
    for seed in 0..100 {
        let fs = SimFs::new(seed);
        let (mut writer, journal) = open(&fs);
        writer.commit(&batches(["before"])).unwrap();
        fs.fail(Op::Write, 0, Fault::Io);
        writer.commit(&batches(["failed", "too"])).unwrap_err();
        // The same sizes again: whatever the failed write left would fit behind this.
        assert_eq!(writer.commit(&batches(["after"])).unwrap(), offset(1)..offset(2));
        assert_eq!(payloads(&journal), ["before", "after"]);
        assert_eq!(payloads(&open(&fs.power_loss()).1), ["before", "after"]);
    }
}

#[test]
fn a_file_is_never_written_or_synced_again_after_its_sync_failed() {
    let sim = SimFs::new(7);
    let fs = Recording::new(sim.clone());
    let (mut writer, _journal) =
        Journal::open(Arc::new(fs.clone()), DIR.as_ref(), small()).unwrap();
    writer.commit(&batches(["before"])).unwrap();
    let [failed] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    sim.fail(Op::SyncData, 0, Fault::Io);
    writer.commit(&batches(["failed"])).unwrap_err();
    fs.take();
    writer.commit(&batches(["after"])).unwrap();
    writer.close().unwrap();
    let touched: Vec<_> = fs.take().into_iter().filter(|(_, path)| *path == failed).collect();
    assert_eq!(touched, []);
}

#[test]
fn the_first_group_of_a_segment_may_fail_again_and_again() {
    let fs = SimFs::new(7);
    let (mut writer, journal) = open(&fs);
    for _ in 0..5 {
        fs.fail(Op::SyncData, 0, Fault::Io);
        writer.commit(&batches(["failed"])).unwrap_err();
    }
    let range = writer.commit(&batches(["row"])).unwrap();
    assert_eq!(payloads(&journal), ["row"]);
    assert_eq!(segment_paths(&fs, DIR.as_ref()).len(), 1, "empty segments are removed");
    let (_writer, journal) = open(&fs.power_loss());
    assert_eq!(journal.first(), range.start);
    assert_eq!(payloads(&journal), ["row"]);
    // No row ever was below the first: reading from the beginning misses nothing.
    assert!(journal.reader(journal.cursor(offset(0))).is_ok());
}

#[test]
fn the_offset_that_was_announced_is_the_one_that_is_given() {
    let fs = SimFs::new(7);
    let (mut writer, _journal) = open(&fs);
    for fault in [Op::Write, Op::SyncData, Op::SyncAll, Op::Rename, Op::SyncDir, Op::Allocate] {
        fs.fail(fault, 0, Fault::Io);
        writer.commit(&[large(15_000)]).ok();
        let announced = writer.next_offset();
        fs.fail_all(None);
        assert_eq!(writer.commit(&batches(["row"])).unwrap().start, announced);
    }
}

#[test]
fn whatever_fails_while_a_segment_is_begun_the_next_commit_works() {
    // The second commit needs a new segment. Each of its changes fails once.
    for failing in 0.. {
        let fs = SimFs::new(failing);
        let (mut writer, journal) = open(&fs);
        writer.commit(&[large(15_000)]).unwrap();
        let Some(op) = nth_change_of_a_roll(failing) else { break };
        let (op, passes) = op;
        fs.fail(op, passes, Fault::Io);
        if let Err(error) = writer.commit(&[large(14_000)]) {
            assert!(matches!(error, CommitError::Io(_)), "{error}");
            writer.commit(&[large(14_000)]).unwrap();
        }
        fs.fail_all(None);
        assert_eq!(payloads(&journal).len(), 2);
        let fs = fs.power_loss();
        assert_eq!(payloads(&open(&fs).1).len(), 2, "after {op:?} failed");
        let unfinished = fs.read_dir(DIR.as_ref()).unwrap();
        assert!(unfinished.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")));
    }
}

/// The operation that is the nth change of a commit that begins a segment, and how many of its
/// kind come before it.
fn nth_change_of_a_roll(nth: u64) -> Option<(Op, u32)> {
    let fs = Recording::new(SimFs::new(0));
    let (mut writer, _journal) =
        Journal::open(Arc::new(fs.clone()), DIR.as_ref(), small()).unwrap();
    writer.commit(&[large(15_000)]).unwrap();
    fs.take();
    writer.commit(&[large(14_000)]).unwrap();
    let ops = fs.take_ops();
    let at = usize::try_from(nth).unwrap();
    let op = *ops.get(at)?;
    let passes = ops[..at].iter().filter(|before| **before == op).count();
    Some((op, u32::try_from(passes).unwrap()))
}

#[test]
fn a_dead_disk_that_comes_back_is_written_again() {
    let fs = SimFs::new(7);
    let (mut writer, journal) = open(&fs);
    writer.commit(&batches(["before"])).unwrap();
    fs.fail_all(Some(Fault::Io));
    for _ in 0..10 {
        assert!(matches!(writer.commit(&batches(["failed"])), Err(CommitError::Io(_))));
        assert!(!writer.is_fenced());
    }
    fs.fail_all(None);
    writer.commit(&batches(["after"])).unwrap();
    assert!(writer.is_fenced());
    assert_eq!(payloads(&journal), ["before", "after"]);
    assert_eq!(payloads(&open(&fs.power_loss()).1), ["before", "after"]);
}

#[test]
fn a_commit_is_one_write_and_one_sync() {
    let fs = Recording::new(SimFs::new(7));
    let (mut writer, _journal) =
        Journal::open(Arc::new(fs.clone()), DIR.as_ref(), small()).unwrap();
    writer.commit(&batches(["first"])).unwrap();
    fs.take();
    writer.commit(&[large(5000), large(10), large(6000)]).unwrap();
    assert_eq!(fs.take_ops(), [Op::Write, Op::SyncData]);
    writer.commit(&[]).unwrap();
    assert_eq!(fs.take_ops(), []);
}

#[test]
fn a_new_segment_and_its_name_are_durable_before_it_is_used() {
    let fs = Recording::new(SimFs::new(7));
    let (mut writer, _journal) =
        Journal::open(Arc::new(fs.clone()), DIR.as_ref(), small()).unwrap();
    writer.commit(&[large(15_000)]).unwrap();
    fs.take();
    writer.commit(&[large(14_000)]).unwrap();
    let log = fs.take();
    let at = |op: Op, path: &PathBuf| log.iter().position(|entry| *entry == (op, path.clone()));
    let new = segment_paths(&fs, DIR.as_ref()).pop().unwrap();
    let temporary = new.with_extension("segment.tmp");
    let order = [
        at(Op::Create, &temporary),
        at(Op::SyncAll, &temporary),
        at(Op::Rename, &new),
        at(Op::SyncDir, &PathBuf::from(DIR)),
        // Records go through the handle that the file was created with.
        log.iter().rposition(|entry| *entry == (Op::Write, temporary.clone())),
        log.iter().rposition(|entry| *entry == (Op::SyncData, temporary.clone())),
    ];
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{log:?}");
}

#[test]
fn a_name_that_an_earlier_process_did_not_sync_is_synced_before_it_is_used() {
    for seed in 0..50 {
        let fs = SimFs::new(seed);
        let (mut writer, _journal) = open(&fs);
        writer.commit(&batches(["before"])).unwrap();
        fs.fail(Op::SyncData, 0, Fault::Io);
        fs.fail(Op::SyncDir, 0, Fault::Io);
        writer.commit(&batches(["failed"])).unwrap_err();
        assert!(!writer.is_fenced());
        let fs = fs.kill();
        open(&fs).0.commit(&batches(["after"])).unwrap();
        assert_eq!(payloads(&open(&fs.power_loss()).1), ["before", "after"], "seed {seed}");
    }
}

#[test]
fn an_empty_segment_that_was_replaced_cannot_stand_in_the_way() {
    let fs = SimFs::new(7);
    let (mut writer, _journal) = open(&fs);
    fs.fail(Op::SyncData, 0, Fault::Io);
    // The first removal clears the way for the new segment's file, the second is of the empty one.
    fs.fail(Op::Remove, 1, Fault::Io);
    writer.commit(&batches(["failed"])).unwrap_err();
    let [empty, _] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    let fs = fs.kill();
    fs.flip(&empty, 20, 1);
    let (mut writer, journal) = open(&fs);
    writer.commit(&batches(["row"])).unwrap();
    assert_eq!(payloads(&journal), ["row"]);
    assert_eq!(segment_paths(&fs, DIR.as_ref()).len(), 1);
}

#[test]
fn a_segment_that_was_cut_before_a_kill_is_as_blank_on_the_disk() {
    // The group's pages are on the disk though their sync failed; the process cuts the file, cannot
    // begin another segment and is killed. The next one finds a blank segment and uses it.
    for seed in 0..200 {
        let Some(fs) = preallocated_and_blank(seed) else { continue };
        let (mut writer, _journal) = open(&fs);
        fs.fail(Op::SyncData, 0, Fault::Io);
        fs.fail(Op::Create, 0, Fault::Io);
        writer.commit(&batches(["fail1", "fail2"])).unwrap_err();

        let fs = fs.kill();
        assert_eq!(payloads(&open(&fs).1), [""; 0]);
        assert_eq!(payloads(&open(&fs.power_loss()).1), [""; 0], "seed {seed}");
    }
}

/// A disk with a journal whose only segment has room and no records, both durably.
fn preallocated_and_blank(seed: u64) -> Option<SimFs> {
    let fs = SimFs::new(seed);
    let (mut writer, _journal) = open(&fs);
    fs.crash_after(0);
    writer.commit(&batches(["never"])).unwrap_err();
    let fs = fs.power_loss();
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    (fs.open_read(&path).unwrap().size().unwrap() == small().segment_bytes).then_some(fs)
}
