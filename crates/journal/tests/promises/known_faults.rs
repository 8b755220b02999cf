//! Faults that other disk buffers had, each as a test.

use std::sync::Arc;

use hogflare_journal::sim::{Fault, Op, SimFs};
use hogflare_journal::{Journal, Options};

use crate::recording::Recording;
use crate::support::{
    DIR, abandon, batches, drain, large, offset, open, payloads, segment_paths, small,
};

#[test]
fn records_are_readable_after_an_unclean_stop() {
    let mut fs = SimFs::new(6);
    for round in 0..50 {
        let (mut writer, journal) = open(&fs);
        writer.commit(&[large(100), large(9_000)]).unwrap();
        fs.crash_after(1);
        writer.commit(&[large(9_000), large(100)]).unwrap_err();
        drop(journal);
        fs = fs.power_loss();
        assert!(payloads(&open(&fs).1).len() >= 2 * (round + 1));
    }
}

#[test]
fn no_reader_is_stuck_behind_a_record_that_was_cut_off() {
    let fs = SimFs::new(6);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&batches(["a"])).unwrap();
    writer.commit(&batches(["torn"])).unwrap();
    abandon(writer);
    let fs = fs.power_loss();
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    fs.flip(&path, 4096 + 48 + 40, 4);
    let (mut writer, journal) = open(&fs);
    let mut reader = journal.reader(journal.cursor(offset(0))).unwrap();
    assert_eq!(drain(&mut reader).unwrap().len(), 1);
    writer.commit(&batches(["b"])).unwrap();
    assert_eq!(drain(&mut reader).unwrap()[0].payload, "b");
}

#[test]
fn writes_never_stall_on_an_accounting_that_drifted() {
    // Crashes, failures, trims and restarts, and the budget is still all there at the end.
    let mut fs = SimFs::new(6);
    for round in 0..300 {
        let (mut writer, journal) = open(&fs);
        for _ in 0..10 {
            writer.commit(&[large(9_000)]).unwrap();
        }
        if round % 3 == 0 {
            fs.fail(Op::SyncData, 0, Fault::Io);
            writer.commit(&[large(9_000)]).unwrap_err();
        }
        journal.trim().unwrap();
        fs = match round % 3 {
            0 => fs.kill(),
            1 => fs.power_loss(),
            _ => fs,
        };
    }
    let (mut writer, journal) = open(&fs);
    journal.trim().unwrap();
    let hold = journal.hold("sink", journal.first());
    let mut committed = 0;
    while writer.commit(&[large(9_000)]).is_ok() {
        committed += 1;
    }
    let budget = usize::try_from(small().budget_bytes).unwrap();
    assert!(committed >= budget / 28_672 * 2, "{committed}");
    drop(hold);
}

#[test]
fn one_dead_destination_does_not_slow_the_others() {
    let fs = SimFs::new(6);
    let (mut writer, journal) = open(&fs);
    let dead = journal.hold("dead", journal.first());
    let alive = journal.hold("alive", journal.first());
    let mut reader = journal.reader(journal.cursor(journal.first())).unwrap();
    let mut delivered = 0;
    for _ in 0..300 {
        if writer.commit(&[large(9_000)]).is_err() {
            dead.park();
            journal.trim().unwrap();
            writer.commit(&[large(9_000)]).unwrap();
        }
        delivered += drain(&mut reader).unwrap().len();
        alive.advance(reader.offset());
    }
    assert_eq!(delivered, 300);
}

#[test]
fn nothing_is_deleted_by_age() {
    let fs = SimFs::new(6);
    let (mut writer, journal) = open(&fs);
    let hold = journal.hold("slow", journal.first());
    for _ in 0..60 {
        writer.commit(&[large(9_000)]).unwrap();
        assert_eq!(journal.trim().unwrap(), 0);
    }
    let (writer_after, journal) = {
        drop((writer, hold));
        open(&fs.power_loss())
    };
    assert_eq!(payloads(&journal).len(), 60);
    drop(writer_after);
}

#[test]
fn a_commit_costs_the_same_however_large_the_backlog() {
    let fs = Recording::new(SimFs::new(6));
    let options = Options { budget_bytes: 1 << 30, ..small() };
    let (mut writer, journal) = Journal::open(Arc::new(fs.clone()), DIR.as_ref(), options).unwrap();
    let _hold = journal.hold("sink that is away", journal.first());
    let mut changes_of_some_commits = || {
        fs.take();
        for _ in 0..50 {
            writer.commit(&[large(9_000)]).unwrap();
        }
        fs.take_ops()
    };
    changes_of_some_commits();
    let empty = changes_of_some_commits();
    for _ in 0..20 {
        changes_of_some_commits();
    }
    assert_eq!(changes_of_some_commits(), empty);
}
