//! What somebody holds stays; what nobody needs goes; a sink that is down slows nobody.

use hogflare_journal::sim::{Fault, Op, SimFs};
use hogflare_journal::{Error, Journal, Writer};

use crate::support::{DIR, drain, large, offset, open, read_all, segment_paths};

/// Fills `segments` segments with two records of three rows each.
fn fill(writer: &mut Writer, segments: usize) {
    for _ in 0..segments {
        writer.commit(&[large(10_000), large(10_000)]).unwrap();
    }
}

fn filled(segments: usize) -> (SimFs, Writer, Journal) {
    let fs = SimFs::new(5);
    let (mut writer, journal) = open(&fs);
    fill(&mut writer, segments);
    (fs, writer, journal)
}

#[test]
fn held_rows_stay_and_others_go() {
    let (fs, _writer, journal) = filled(5);
    let slow = journal.hold("slow", offset(8));
    let fast = journal.hold("fast", offset(30));
    assert_eq!(journal.trim().unwrap(), 1);
    assert_eq!(journal.first(), offset(6));
    assert_eq!(journal.trim().unwrap(), 0);
    slow.advance(offset(11));
    assert_eq!(journal.trim().unwrap(), 0, "row 11 is in the second segment");
    slow.advance(offset(12));
    assert_eq!(journal.trim().unwrap(), 1);
    drop(slow);
    assert_eq!(journal.trim().unwrap(), 2, "the segment that is written stays");
    assert_eq!(journal.first(), offset(24));
    assert_eq!(segment_paths(&fs, DIR.as_ref()).len(), 1);
    assert_eq!(fast.at(), offset(30));
}

#[test]
fn what_was_written_before_a_roll_can_go_without_anything_behind_it() {
    let fs = SimFs::new(5);
    let (mut writer, journal) = open(&fs);
    writer.roll();
    assert_eq!(segment_paths(&fs, DIR.as_ref()).len(), 1, "nothing was written");
    writer.commit(&[large(100)]).unwrap();
    assert_eq!(journal.trim().unwrap(), 0, "it is being written");
    writer.roll();
    assert_eq!(journal.trim().unwrap(), 1);
    assert_eq!(journal.first(), journal.synced());
    writer.commit(&[large(100)]).unwrap();
    assert_eq!(read_all(&journal).unwrap().len(), 1);
}

#[test]
fn a_hold_never_goes_back() {
    let (_fs, _writer, journal) = filled(2);
    let hold = journal.hold("sink", offset(7));
    hold.advance(offset(3));
    assert_eq!(hold.at(), offset(7));
}

#[test]
fn a_parked_sink_holds_nothing_and_resumes_where_rows_still_are() {
    let (_fs, mut writer, journal) = filled(3);
    let hold = journal.hold("optional", offset(0));
    assert_eq!(journal.trim().unwrap(), 0);
    hold.park();
    let status = journal.holds().pop().unwrap();
    assert_eq!((&*status.name, status.at, status.is_parked), ("optional", offset(0), true));
    assert_eq!(journal.trim().unwrap(), 2);
    assert!(
        matches!(hold.resume(offset(3)), Err(Error::Gone { first, .. }) if first == offset(12))
    );
    assert!(journal.holds()[0].is_parked);
    hold.resume(offset(12)).unwrap();
    fill(&mut writer, 2);
    assert_eq!(journal.trim().unwrap(), 0);
}

#[test]
fn a_reader_below_what_is_held_is_told_so() {
    let (_fs, _writer, journal) = filled(3);
    let mut overtaken = journal.reader(journal.cursor(offset(0))).unwrap();
    assert_eq!(journal.trim().unwrap(), 2);
    match journal.reader(journal.cursor(offset(5))) {
        Err(Error::Gone { asked, first, .. }) => {
            assert_eq!((asked, first), (offset(5), offset(12)));
        }
        other => panic!("{other:?}"),
    }
    // It may still finish the file that it has open; then it is told.
    assert!(matches!(drain(&mut overtaken), Err(Error::Gone { asked, .. }) if asked == offset(6)));
}

#[test]
fn a_trim_that_fails_is_finished_later() {
    let (fs, _writer, journal) = filled(4);
    fs.fail(Op::Remove, 1, Fault::Io);
    journal.trim().unwrap_err();
    assert_eq!(journal.first(), offset(6));
    assert_eq!(read_all(&journal).unwrap().len(), 6);
    assert_eq!(journal.trim().unwrap(), 2);
    assert_eq!(segment_paths(&fs, DIR.as_ref()).len(), 1);
}

#[test]
fn a_crash_while_trimming_leaves_no_hole() {
    for changes in 0..8 {
        for seed in 0..40 {
            let fs = SimFs::new(seed);
            let (mut writer, journal) = open(&fs);
            fill(&mut writer, 4);
            fs.crash_after(changes);
            journal.trim().ok();
            let (_writer, journal) = open(&fs.power_loss());
            let records = read_all(&journal).unwrap();
            assert!(records.len() >= 2 && records[0].first == journal.first());
        }
    }
}

#[test]
fn a_crash_after_a_trim_that_was_not_synced_leaves_no_hole() {
    for changes in 0..6 {
        for seed in 0..40 {
            let fs = SimFs::new(seed);
            let (mut writer, journal) = open(&fs);
            fill(&mut writer, 5);
            fs.fail(Op::SyncDir, 1, Fault::Io);
            journal.trim().unwrap_err();
            fs.crash_after(changes);
            journal.trim().ok();
            let (_writer, journal) = open(&fs.power_loss());
            assert!(read_all(&journal).unwrap().len() >= 2);
        }
    }
}

#[test]
fn the_lag_is_what_is_still_to_be_read() {
    let (_fs, mut writer, journal) = filled(3);
    let record = 10_040;
    assert_eq!(journal.lag_bytes(offset(0)), 6 * record);
    assert_eq!(journal.lag_bytes(offset(6)), 4 * record);
    assert_eq!(journal.lag_bytes(journal.synced()), 0);
    fill(&mut writer, 1);
    assert_eq!(journal.lag_bytes(offset(18)), 2 * record);
}

#[test]
fn space_of_trimmed_segments_is_given_back() {
    let (fs, mut writer, journal) = filled(1);
    for _ in 0..500 {
        fill(&mut writer, 1);
        journal.trim().unwrap();
        assert!(journal.disk_bytes() <= 2 * 28_672, "{}", journal.disk_bytes());
    }
    assert_eq!(segment_paths(&fs, DIR.as_ref()).len(), 1);
}
