//! An offset that somebody may have seen is never given again.

use hogflare_journal::sim::SimFs;
use hogflare_journal::{Offset, Options, read_file, write_atomically};

use crate::support::{
    DIR, abandon, batches, drain, offset, open, payloads, read_all, segment_paths, small, try_open,
};

fn at_least(rows: u64) -> Options {
    Options { at_least: offset(rows), ..small() }
}

#[test]
fn after_a_cut_the_next_offset_is_above_every_cursor() {
    let fs = SimFs::new(4);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&batches(["a"])).unwrap();
    writer.commit(&batches(["b", "c"])).unwrap();
    abandon(writer);
    let fs = fs.power_loss();
    // The last group rots before anything vouches for it; a sink has already delivered it.
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    fs.flip(&path, 4096 + 48 + 40, 1);
    let (mut writer, journal) = try_open(&fs, at_least(3)).unwrap();
    assert_eq!((writer.next_offset(), journal.synced()), (offset(3), offset(3)));
    assert_eq!(writer.commit(&batches(["d"])).unwrap(), offset(3)..offset(4));
    assert_eq!(payloads(&journal), ["a", "d"]);
    // The sink goes on behind the gap.
    let mut sink = journal.reader(journal.cursor(offset(3))).unwrap();
    assert_eq!(drain(&mut sink).unwrap().len(), 1);

    let (_writer, journal) = try_open(&fs.power_loss(), at_least(3)).unwrap();
    let firsts: Vec<_> = read_all(&journal).unwrap().iter().map(|record| record.first).collect();
    assert_eq!(firsts, [offset(0), offset(3)]);
}

#[test]
fn readers_step_over_gaps() {
    let fs = SimFs::new(4);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&batches(["a"])).unwrap();
    drop(writer);
    let (mut writer, journal) = try_open(&fs, at_least(10)).unwrap();
    let mut waiting = journal.reader(journal.cursor(offset(1))).unwrap();
    let mut inside = journal.reader(journal.cursor(offset(5))).unwrap();
    assert_eq!(waiting.read(100).unwrap(), []);
    assert_eq!(waiting.offset(), offset(10));
    writer.commit(&batches(["b"])).unwrap();
    for reader in [&mut waiting, &mut inside] {
        let found = drain(reader).unwrap();
        assert_eq!((found.len(), found[0].first), (1, offset(10)));
    }
}

#[test]
fn a_gap_may_be_followed_by_another_before_any_row() {
    let mut fs = SimFs::new(4);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&batches(["a"])).unwrap();
    for rows in [10, 20, 20, 15, 30] {
        fs = fs.power_loss();
        let (writer, journal) = try_open(&fs, at_least(rows)).unwrap();
        assert!(writer.next_offset() >= offset(rows));
        assert_eq!(payloads(&journal), ["a"]);
    }
    let (mut writer, journal) = try_open(&fs.power_loss(), at_least(0)).unwrap();
    writer.commit(&batches(["b"])).unwrap();
    assert_eq!(payloads(&journal), ["a", "b"]);
    assert_eq!(read_all(&journal).unwrap()[1].first, offset(30));
    assert_eq!(segment_paths(&fs.power_loss(), DIR.as_ref()).len(), 2, "empty ones are gone");
}

#[test]
fn a_gap_at_the_beginning_takes_nothing_from_a_reader() {
    let fs = SimFs::new(4);
    let (mut writer, journal) = try_open(&fs, at_least(100)).unwrap();
    assert_eq!((journal.first(), journal.synced()), (offset(100), offset(100)));
    assert_eq!(writer.commit(&batches(["a"])).unwrap().start, offset(100));
}

#[test]
fn a_small_file_is_replaced_as_a_whole_or_not_at_all() {
    let path = std::path::Path::new("/cursor");
    let mut found_new = 0;
    for changes in 0..6 {
        for seed in 0..60 {
            let fs = SimFs::new(seed);
            write_atomically(&fs, path, b"old contents").unwrap();
            fs.crash_after(changes);
            let written = write_atomically(&fs, path, &[b'n'; 9000]);
            let fs = fs.power_loss();
            let found = read_file(&fs, path).unwrap().unwrap();
            let is_new = found == [b'n'; 9000];
            assert!(is_new || (written.is_err() && found == b"old contents"), "{changes} {seed}");
            found_new += usize::from(is_new);
            // What the crash left does not stand in the way.
            write_atomically(&fs, path, b"newer").unwrap();
            assert_eq!(read_file(&fs.power_loss(), path).unwrap().unwrap(), b"newer");
        }
    }
    assert!((60..300).contains(&found_new), "{found_new}");
    assert_eq!(Offset::ZERO, Offset::new(0));
}
