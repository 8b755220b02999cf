//! The same on the machine's own file system.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use hogflare_journal::{CommitError, Error, Fs, Journal, Options, RealFs, Writer};

use crate::support::{abandon, batches, large, payloads, segment_paths};

fn options() -> Options {
    Options { segment_bytes: 1 << 20, reserve_bytes: 0, ..Options::default() }
}

fn open(dir: &Path) -> (Writer, Journal) {
    Journal::open(Arc::new(RealFs), dir, options()).unwrap()
}

#[test]
fn rows_survive_restarts_and_torn_tails() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("a/journal");
    let (mut writer, _journal) = open(&dir);
    for row in ["a", "b", "c"] {
        writer.commit(&batches([row])).unwrap();
    }
    abandon(writer);
    let [path] = segment_paths(&RealFs, &dir).try_into().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 1 << 20, "preallocated");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(4096 + 2 * 48 + 30).unwrap();

    let (mut writer, journal) = open(&dir);
    assert_eq!(payloads(&journal), ["a", "b"]);
    writer.commit(&batches(["d"])).unwrap();
    writer.close().unwrap();
    let (_writer, journal) = open(&dir);
    assert_eq!(payloads(&journal), ["a", "b", "d"]);
    assert_eq!(fs::metadata(&path).unwrap().len(), 4096 + 2 * 48, "cut to its size");
}

#[test]
fn many_buffers_go_into_one_group() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, journal) = open(dir.path());
    let group: Vec<_> = (0..3000).map(|index| large(4000 + index % 200)).collect();
    writer.commit(&group).unwrap();
    assert_eq!(payloads(&journal).len(), 3000);
    drop((writer, journal));
    let journal = Journal::open_read_only(Arc::new(RealFs), dir.path()).unwrap().unwrap();
    assert_eq!(payloads(&journal).len(), 3000);
}

#[test]
fn two_thousand_segments_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 16 << 10, ..options() };
    let (mut writer, journal) = Journal::open(Arc::new(RealFs), dir.path(), options).unwrap();
    for _ in 0..200 {
        writer.commit(&[large(9_000)]).unwrap();
        writer.commit(&[large(9_000)]).unwrap();
        journal.trim().unwrap();
        assert!(journal.disk_bytes() <= 32 << 10);
    }
    assert_eq!(segment_paths(&RealFs, dir.path()).len(), 1);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Journal::open(Arc::new(RealFs), &file.join("journal"), options()).unwrap_err();
    assert!(matches!(&error, Error::Io(_)), "{error}");
    assert!(error.to_string().contains("file"), "{error}");
}

#[test]
fn a_full_volume_refuses_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_volume) = Volume::mount(dir.path()) else {
        eprintln!("skipped: no right to mount a small volume; the simulated disk covers this");
        return;
    };
    let (mut writer, journal) = open(&dir.path().join("journal"));
    fs::write(dir.path().join("ballast"), vec![1; 4 << 20]).unwrap();
    let mut committed = 0;
    let error = loop {
        match writer.commit(&[large(100_000)]) {
            Ok(_) => committed += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CommitError::NoSpace { .. }), "{error}");
    assert!(committed > 10);
    assert_eq!(payloads(&journal).len(), committed);
    assert!(writer.commit(&[large(100_000)]).is_err());

    // A restart on the full volume can still be drained.
    drop((writer, journal));
    let (mut writer, journal) = open(&dir.path().join("journal"));
    assert_eq!(payloads(&journal).len(), committed);
    fs::remove_file(dir.path().join("ballast")).unwrap();
    writer.commit(&[large(100_000)]).unwrap();
    assert_eq!(payloads(&journal).len(), committed + 1);
    assert!(RealFs.space(dir.path()).unwrap().total_bytes <= 8 << 20);
}

/// A small volume in memory, unmounted at the end.
struct Volume<'a>(&'a Path);

impl<'a> Volume<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(at);
        mount.output().ok().filter(|output| output.status.success()).map(|_| Self(at))
    }
}

impl Drop for Volume<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0).status().ok();
    }
}

#[test]
fn a_copy_of_what_is_durable_is_a_journal_that_ends_there() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 16 << 10, ..options() };
    let (mut writer, journal) = Journal::open(Arc::new(RealFs), dir.path(), options).unwrap();
    for _ in 0..5 {
        writer.commit(&[large(5_000)]).unwrap();
    }
    let files = journal.files();
    assert!(files.len() > 1);
    let end = journal.synced();
    // What comes while it is copied.
    writer.commit(&batches(["later"])).unwrap();
    let copy = tempfile::tempdir().unwrap();
    for file in &files {
        let bytes = fs::read(&file.path).unwrap();
        let target = copy.path().join(file.path.file_name().unwrap());
        fs::write(target, &bytes[..usize::try_from(file.bytes).unwrap()]).unwrap();
    }
    let copied = Journal::open_read_only(Arc::new(RealFs), copy.path()).unwrap().unwrap();
    assert_eq!((copied.id(), copied.synced()), (journal.id(), end));
    assert_eq!(payloads(&copied).len(), 5);
    assert_eq!(files.last().unwrap().end, end);
}
