//! Damage is told from the natural end of a journal, and named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hogflare_journal::sim::SimFs;
use hogflare_journal::{
    Batch, Damage, Error, Fs, Journal, Offset, Options, read_file, write_atomically,
};
use proptest::prelude::*;

use crate::support::{
    DIR, abandon, batch, batches, drain, large, offset, open, payloads, read_all, segment_paths,
    small, try_open,
};

/// Where the first record of a segment begins.
const START: u64 = 4096;

/// What a record with a payload of up to 8 bytes takes.
const SMALL: u64 = 48;

/// A journal of one segment with four groups, left without a clean stop.
fn unclean() -> (SimFs, PathBuf) {
    let fs = SimFs::new(3);
    let (mut writer, _journal) = open(&fs);
    for row in ["a", "b", "c", "d"] {
        writer.commit(&batches([row])).unwrap();
    }
    abandon(writer);
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    (fs.power_loss(), path)
}

/// A journal of three full segments, left without a clean stop.
fn three_segments() -> (SimFs, [PathBuf; 3]) {
    let fs = SimFs::new(3);
    let (mut writer, _journal) = open(&fs);
    for _ in 0..3 {
        writer.commit(&[large(10_000)]).unwrap();
        writer.commit(&[large(5_000)]).unwrap();
    }
    abandon(writer);
    let paths = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    (fs.power_loss(), paths)
}

fn corruption(fs: &SimFs) -> (PathBuf, u64, Offset, Damage) {
    match try_open(fs, small()) {
        Err(Error::Corrupt { file, position, offset, damage }) => (file, position, offset, damage),
        other => panic!("expected corruption, got {other:?}"),
    }
}

#[test]
fn a_torn_last_record_is_cut_off() {
    let (fs, path) = unclean();
    let file = fs.open_write(&path).unwrap();
    file.set_len(START + 3 * SMALL + 17).unwrap();
    let (mut writer, journal) = open(&fs);
    assert_eq!(payloads(&journal), ["a", "b", "c"]);
    assert_eq!(writer.commit(&batches(["e"])).unwrap(), offset(3)..offset(4));
    assert_eq!(payloads(&journal), ["a", "b", "c", "e"]);
}

#[test]
fn a_file_that_ends_in_the_padding_of_its_last_record_holds_it() {
    let (fs, path) = unclean();
    let file = fs.open_write(&path).unwrap();
    file.set_len(START + 3 * SMALL + 41).unwrap();
    let (mut writer, journal) = open(&fs);
    assert_eq!(payloads(&journal), ["a", "b", "c", "d"]);
    assert_eq!(writer.commit(&batches(["e"])).unwrap(), offset(4)..offset(5));
    assert_eq!(payloads(&journal), ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_flipped_byte_in_the_last_record_of_a_crash_is_the_end() {
    let (fs, path) = unclean();
    fs.flip(&path, START + 3 * SMALL + 40, 1);
    let (_writer, journal) = open(&fs);
    assert_eq!(payloads(&journal), ["a", "b", "c"]);
}

#[test]
fn a_flipped_byte_in_the_middle_of_the_last_segment_is_corruption() {
    let (fs, path) = unclean();
    fs.flip(&path, START + SMALL + 40, 1);
    assert_eq!(corruption(&fs), (path, START + SMALL, offset(1), Damage::Record));
}

#[test]
fn a_lost_page_in_the_middle_of_the_last_segment_is_corruption() {
    let fs = SimFs::new(3);
    let (mut writer, _journal) = open(&fs);
    for _ in 0..4 {
        writer.commit(&[large(4096 - 40)]).unwrap();
    }
    abandon(writer);
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    let fs = fs.power_loss();
    let file = fs.open_write(&path).unwrap();
    file.write_at(&[std::io::IoSlice::new(&[0; 4096])], 2 * START).unwrap();
    assert_eq!(corruption(&fs), (path, 2 * START, offset(3), Damage::Record));
}

#[test]
fn a_flipped_byte_in_a_sealed_segment_is_corruption() {
    let (fs, [_, middle, _]) = three_segments();
    fs.flip(&middle, START + 5000, 1);
    assert_eq!(corruption(&fs), (middle, START, offset(6), Damage::Record));
}

#[test]
fn a_flipped_byte_in_the_last_record_of_a_sealed_segment_is_corruption() {
    let (fs, [first, ..]) = three_segments();
    fs.flip(&first, START + 10_040 + 40, 1);
    assert_eq!(corruption(&fs), (first, START + 10_040, offset(3), Damage::Record));
}

#[test]
fn a_missing_middle_segment_is_corruption() {
    let (fs, [first, middle, _]) = three_segments();
    fs.remove(&middle).unwrap();
    let until = offset(12);
    assert_eq!(
        corruption(&fs),
        (first, START + 10_040 + 5_040, offset(6), Damage::Missing { until })
    );
}

#[test]
fn a_sealed_segment_that_was_cut_short_is_corruption() {
    let (fs, [first, ..]) = three_segments();
    fs.open_write(&first).unwrap().set_len(START + 10_040).unwrap();
    let until = offset(6);
    assert_eq!(corruption(&fs), (first, START + 10_040, offset(3), Damage::Missing { until }));
}

#[test]
fn a_damaged_header_is_corruption() {
    for index in 0..3 {
        let (fs, paths) = three_segments();
        fs.flip(&paths[index], 20, 1);
        let (file, position, _, damage) = corruption(&fs);
        assert_eq!((file, position, damage), (paths[index].clone(), 0, Damage::Header));
    }
}

#[test]
fn a_lone_blank_segment_does_not_stand_in_the_way_of_a_journal_that_begins_further_on() {
    let (fs, path) = unclean();
    fs.open_write(&path).unwrap().set_len(0).unwrap();
    let (mut writer, _journal) =
        try_open(&fs, Options { at_least: offset(101), ..small() }).unwrap();
    writer.commit(&batches(["on"])).unwrap();
    abandon(writer);
    let (_writer, journal) = open(&fs.power_loss());
    assert_eq!(journal.first(), offset(101));
    assert_eq!(payloads(&journal), ["on"]);
}

#[test]
fn the_message_says_what_where_and_what_to_do() {
    let (fs, path) = unclean();
    fs.flip(&path, START + SMALL + 40, 1);
    let message = try_open(&fs, small()).unwrap_err().to_string();
    for part in [&*path.to_string_lossy(), "byte 4144", "offset 1", "backup", "move"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn nothing_is_changed_where_the_journal_is_refused() {
    let (fs, path) = unclean();
    fs.flip(&path, START + SMALL + 40, 1);
    let before = read_file(&fs, &path).unwrap();
    try_open(&fs, small()).unwrap_err();
    assert_eq!(read_file(&fs, &path).unwrap(), before);
    fs.flip(&path, START + SMALL + 40, 1);
    assert_eq!(payloads(&open(&fs).1), ["a", "b", "c", "d"]);
}

#[test]
fn the_advice_for_a_damaged_segment_works() {
    let (fs, [first, middle, _]) = three_segments();
    fs.flip(&middle, START + 5000, 1);
    try_open(&fs, small()).unwrap_err();
    fs.remove(&first).unwrap();
    fs.remove(&middle).unwrap();
    let (mut writer, journal) = open(&fs);
    assert_eq!(journal.first(), offset(12));
    assert!(matches!(journal.reader(journal.cursor(offset(3))), Err(Error::Gone { .. })));
    assert_eq!(writer.commit(&batches(["on"])).unwrap().start, offset(18));
}

#[test]
fn valid_records_behind_a_bad_one_never_come_back() {
    // A group of three was written and not synced; its first record is torn, the others are whole.
    let fs = SimFs::new(3);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&batches(["kept"])).unwrap();
    writer.commit(&batches(["torn", "whole", "whole"])).unwrap();
    abandon(writer);
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    let mut fs = fs.power_loss();
    fs.flip(&path, START + SMALL + 40, 1);

    // The same offsets, sizes and places again, so that the old records would fit in.
    let mut expected = vec!["kept"];
    for row in ["new1", "new2", "new3"] {
        let (mut writer, journal) = open(&fs);
        assert_eq!(payloads(&journal), expected);
        writer.commit(&batches([row])).unwrap();
        expected.push(row);
        abandon(writer);
        fs = fs.power_loss();
    }
    assert_eq!(payloads(&open(&fs).1), expected);
}

#[test]
fn valid_records_behind_a_bad_first_one_never_come_back() {
    let fs = SimFs::new(3);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&batches(["torn", "whole"])).unwrap();
    abandon(writer);
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    let fs = fs.power_loss();
    fs.flip(&path, START + 40, 1);
    let (mut writer, journal) = open(&fs);
    assert_eq!(payloads(&journal), [""; 0]);
    writer.commit(&batches(["new1"])).unwrap();
    abandon(writer);
    assert_eq!(payloads(&open(&fs.power_loss()).1), ["new1"]);
}

#[test]
fn a_cut_whose_truncation_was_undone_stays_a_cut() {
    let fs = SimFs::new(3);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&batches(["kept"])).unwrap();
    writer.commit(&batches(["torn", "whole"])).unwrap();
    abandon(writer);
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    let fs = fs.power_loss();
    fs.flip(&path, START + SMALL + 40, 1);
    let before = read_file(&fs, &path).unwrap().unwrap();
    open(&fs).0.commit(&batches(["new"])).unwrap();

    write_atomically(&fs, &path, &before).unwrap();
    fs.flip(&path, START + SMALL + 40, 1);
    assert_eq!(payloads(&open(&fs).1), ["kept", "new"]);
}

#[test]
fn a_payload_cannot_pass_for_a_record() {
    // Somebody sends the bytes of a record as an event. They know of offsets far beyond, and after
    // a crash the scan behind a torn record meets them where a record could begin.
    let other = SimFs::new(3);
    let far = Options { at_least: offset(1000), ..small() };
    let (mut writer, _journal) = try_open(&other, far).unwrap();
    writer.commit(&batches(["a", "b"])).unwrap();
    let [path] = segment_paths(&other, DIR.as_ref()).try_into().unwrap();
    let bytes = read_file(&other, &path).unwrap().unwrap();
    let forged = bytes[START as usize..][..2 * SMALL as usize].to_vec();

    let fs = SimFs::new(3);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&batches(["kept"])).unwrap();
    writer.commit(&[batch("torn"), Batch { rows: 9, payload: forged.into() }]).unwrap();
    abandon(writer);
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    let fs = fs.power_loss();
    fs.flip(&path, START + SMALL + 40, 1);
    assert_eq!(payloads(&open(&fs).1), ["kept"]);
}

#[test]
fn a_newer_format_is_refused_and_named() {
    let (fs, path) = unclean();
    let mut bytes = read_file(&fs, &path).unwrap().unwrap();
    bytes[8] = 2;
    let crc = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    write_atomically(&fs, &path, &bytes).unwrap();
    let error = try_open(&fs, small()).unwrap_err();
    assert!(matches!(&error, Error::NewerFormat { found: 2, supported: 1, .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("version 2") && message.contains("newer program"), "{message}");
    assert_eq!(read_file(&fs, &path).unwrap().unwrap(), bytes);
}

#[test]
fn segments_of_two_journals_are_refused() {
    let (fs, [first, middle, last]) = three_segments();
    let (other, [foreign, ..]) = three_segments();
    let bytes = read_file(&other, &foreign).unwrap().unwrap();
    write_atomically(&fs, &first, &bytes).unwrap();
    assert!(matches!(try_open(&fs, small()), Err(Error::Mixed { file, .. }) if file == first));
    // A segment under another's name is damage, not another journal's.
    let bytes = read_file(&fs, &last).unwrap().unwrap();
    write_atomically(&fs, &middle, &bytes).unwrap();
    assert_eq!(corruption(&fs).3, Damage::Header);
}

#[test]
fn files_that_never_became_segments_are_removed_and_others_left_alone() {
    let (fs, _) = unclean();
    let dir = Path::new(DIR);
    let blank = dir.join("00000000000000000009.segment");
    let unfinished = dir.join("00000000000000000009.segment.tmp");
    let other = dir.join("dedup-0001.keys");
    write_atomically(&fs, &blank, &[0; 8192]).unwrap();
    write_atomically(&fs, &unfinished, b"half a header").unwrap();
    write_atomically(&fs, &other, b"keys").unwrap();
    let (_writer, journal) = open(&fs);
    assert_eq!(payloads(&journal), ["a", "b", "c", "d"]);
    assert!(read_file(&fs, &blank).unwrap().is_none());
    assert!(read_file(&fs, &unfinished).unwrap().is_none());
    assert!(read_file(&fs, &other).unwrap().is_some());
}

#[test]
fn a_reader_names_damage_that_comes_later_and_is_not_stuck_when_it_is_repaired() {
    let fs = SimFs::new(3);
    let (mut writer, journal) = open(&fs);
    writer.commit(&batches(["a"])).unwrap();
    writer.commit(&batches(["b"])).unwrap();
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    let mut reader = journal.reader(journal.cursor(Offset::ZERO)).unwrap();
    fs.flip(&path, START + SMALL + 40, 1);
    assert!(matches!(drain(&mut reader), Err(Error::Corrupt { offset, .. }) if offset.get() <= 1));
    fs.flip(&path, START + SMALL + 40, 1);
    let rest = drain(&mut reader).unwrap();
    assert_eq!(rest.last().unwrap().payload, "b");
    assert_eq!(reader.offset(), offset(2));
}

#[test]
fn reading_only_changes_nothing() {
    let (fs, path) = unclean();
    fs.flip(&path, START + 3 * SMALL + 40, 1);
    let dir = Path::new(DIR);
    write_atomically(&fs, &dir.join("00000000000000000009.segment.tmp"), b"x").unwrap();
    let changes = fs.changes();
    let journal = Journal::open_read_only(Arc::new(fs.clone()), dir).unwrap().unwrap();
    assert_eq!(payloads(&journal), ["a", "b", "c"]);
    assert_eq!(journal.synced(), offset(3));
    assert_eq!(fs.changes(), changes);
}

#[test]
fn reading_only_where_there_is_no_journal_finds_none() {
    let fs = SimFs::new(3);
    let none = Journal::open_read_only(Arc::new(fs.clone()), Path::new("/nowhere")).unwrap();
    assert!(none.is_none());
    fs.create_dir_all(Path::new("/empty")).unwrap();
    let none = Journal::open_read_only(Arc::new(fs.clone()), Path::new("/empty")).unwrap();
    assert!(none.is_none());
    assert!(Journal::open(Arc::new(fs), Path::new("/empty"), Options::default()).is_ok());
}

proptest! {
    #[test]
    fn a_flipped_byte_anywhere_is_refused_or_ends_the_journal_there(
        segment in 0..3_usize,
        position in prop_oneof![0..64_u64, START..START + 15_080],
        bits in 1..=u8::MAX,
    ) {
        let (fs, paths) = three_segments();
        let whole = read_all(&open(&fs.clone()).1).unwrap();
        let (fs, _) = three_segments();
        fs.flip(&paths[segment], position, bits);
        match try_open(&fs, small()) {
            Err(Error::Corrupt { file, .. }) => prop_assert_eq!(&file, &paths[segment]),
            Err(Error::NewerFormat { .. }) => prop_assert!(position < 64),
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
            Ok((_writer, journal)) => {
                let found = read_all(&journal).unwrap();
                prop_assert!(whole.starts_with(&found));
                // Only the very last record may be taken for one that was being written.
                prop_assert!(found.len() == whole.len() || segment == 2);
                prop_assert!(found.len() + 1 >= whole.len());
            }
        }
    }
}
