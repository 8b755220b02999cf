//! A journal that was stopped cleanly vouches for its last byte.

use hogflare_journal::sim::SimFs;
use hogflare_journal::{Error, Fs, read_file};

use crate::support::{
    DIR, abandon, batches, large, offset, open, payloads, read_all, segment_paths, small, try_open,
};

#[test]
fn a_flipped_byte_in_the_last_record_of_a_clean_stop_is_corruption() {
    let fs = SimFs::new(1);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&batches(["first"])).unwrap();
    writer.commit(&batches(["last"])).unwrap();
    writer.close().unwrap();

    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    // 4096 of header, 48 of the first record, 40 of the last one's header.
    fs.flip(&path, 4096 + 48 + 40, 1);
    match try_open(&fs, small()) {
        Err(Error::Corrupt { file, position, offset, .. }) => {
            assert_eq!((file, position, offset.get()), (path, 4096 + 48, 1));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn dropping_the_writer_is_a_clean_stop() {
    let fs = SimFs::new(1);
    let (mut writer, _journal) = open(&fs);
    writer.commit(&batches(["last"])).unwrap();
    drop(writer);
    let [path] = segment_paths(&fs, DIR.as_ref()).try_into().unwrap();
    fs.flip(&path, 4096 + 40, 1);
    assert!(matches!(try_open(&fs, small()), Err(Error::Corrupt { .. })));
}

#[test]
fn no_flipped_byte_ever_costs_a_row_silently() {
    let fs = SimFs::new(1);
    let (mut writer, _journal) = open(&fs);
    for _ in 0..3 {
        writer.commit(&[large(700), large(9)]).unwrap();
    }
    writer.commit(&[large(15_000), large(15_000)]).unwrap();
    writer.commit(&batches(["last"])).unwrap();
    writer.close().unwrap();
    let fs = fs.power_loss();
    let before = read_all(&open_and_abandon(&fs)).unwrap();
    assert_eq!(before.len(), 9);

    let mut noticed = 0;
    for path in segment_paths(&fs, DIR.as_ref()) {
        let bytes = read_file(&fs, &path).unwrap().unwrap().len() as u64;
        // Every byte of headers and small records, and a sample of the rest.
        let positions =
            (0..bytes).filter(|at| *at < 64 || (4096..4900).contains(at) || at % 97 == 0);
        for position in positions {
            fs.flip(&path, position, 0x10);
            match hogflare_journal::Journal::open_read_only(
                std::sync::Arc::new(fs.clone()),
                DIR.as_ref(),
            ) {
                Ok(journal) => assert_eq!(read_all(&journal.unwrap()).unwrap(), before),
                Err(Error::Corrupt { .. }) => noticed += 1,
                Err(other) => panic!("byte {position} of {}: {other}", path.display()),
            }
            fs.flip(&path, position, 0x10);
        }
    }
    assert!(noticed > 1000, "only {noticed} were noticed");
}

fn open_and_abandon(fs: &SimFs) -> hogflare_journal::Journal {
    let (writer, journal) = open(fs);
    abandon(writer);
    journal
}

#[test]
fn restarts_without_commits_change_nothing() {
    let fs = SimFs::new(1);
    let (mut writer, journal) = open(&fs);
    writer.commit(&batches(["row"])).unwrap();
    let id = journal.id();
    drop((writer, journal));
    let mut disk_bytes = None;
    for _ in 0..10 {
        let (writer, journal) = open(&fs);
        assert_eq!(writer.next_offset(), offset(1));
        assert_eq!(journal.id(), id);
        assert_eq!(payloads(&journal), ["row"]);
        assert_eq!(*disk_bytes.get_or_insert(journal.disk_bytes()), journal.disk_bytes());
    }
    assert_eq!(segment_paths(&fs, DIR.as_ref()).len(), 2);
}

#[test]
fn a_crash_loop_does_not_use_up_the_budget() {
    let mut fs = SimFs::new(1);
    for round in 0..200 {
        let (mut writer, journal) = open(&fs);
        writer.commit(&batches(["row"])).unwrap();
        assert_eq!(payloads(&journal).len(), round + 1);
        fs = fs.power_loss();
    }
    let (_writer, journal) = open(&fs);
    assert!(journal.disk_bytes() < 200 * 4200 + 24_576, "{}", journal.disk_bytes());
    let files = fs.read_dir(DIR.as_ref()).unwrap();
    assert_eq!(files.len(), 201);
}
