//! A file system that remembers what was asked of it.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hogflare_journal::sim::Op;
use hogflare_journal::{File, Fs, Space};

type Log = Arc<Mutex<Vec<(Op, PathBuf)>>>;

/// Passes everything on and keeps a log of the changes.
#[derive(Clone, Debug)]
pub struct Recording<F> {
    inner: F,
    log: Log,
}

impl<F> Recording<F> {
    pub fn new(inner: F) -> Self {
        Self { inner, log: Log::default() }
    }

    /// Returns the changes since the last call.
    pub fn take(&self) -> Vec<(Op, PathBuf)> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// Returns the kinds of the changes since the last call.
    pub fn take_ops(&self) -> Vec<Op> {
        self.take().into_iter().map(|(op, _)| op).collect()
    }

    fn note(&self, op: Op, path: &Path) {
        self.log.lock().unwrap().push((op, path.to_path_buf()));
    }

    fn wrap(&self, file: io::Result<Box<dyn File>>, path: &Path) -> io::Result<Box<dyn File>> {
        let (log, path) = (Arc::clone(&self.log), path.to_path_buf());
        Ok(Box::new(RecordingFile { inner: file?, log, path }))
    }
}

impl<F: Fs> Fs for Recording<F> {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.note(Op::Create, path);
        self.wrap(self.inner.create_new(path), path)
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.wrap(self.inner.open_read(path), path)
    }

    fn open_write(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.wrap(self.inner.open_write(path), path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note(Op::Rename, to);
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.note(Op::Remove, path);
        self.inner.remove(path)
    }

    fn read_dir(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.inner.read_dir(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.note(Op::CreateDir, dir);
        self.inner.create_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.note(Op::SyncDir, dir);
        self.inner.sync_dir(dir)
    }

    fn space(&self, dir: &Path) -> io::Result<Space> {
        self.inner.space(dir)
    }
}

#[derive(Debug)]
struct RecordingFile {
    inner: Box<dyn File>,
    log: Log,
    path: PathBuf,
}

impl RecordingFile {
    fn note(&self, op: Op) {
        self.log.lock().unwrap().push((op, self.path.clone()));
    }
}

impl File for RecordingFile {
    fn write_at(&self, buffers: &[IoSlice<'_>], position: u64) -> io::Result<usize> {
        self.note(Op::Write);
        self.inner.write_at(buffers, position)
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, position)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.note(Op::Allocate);
        self.inner.allocate(bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.note(Op::SetLen);
        self.inner.set_len(bytes)
    }

    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.note(Op::SyncData);
        self.inner.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.note(Op::SyncAll);
        self.inner.sync_all()
    }
}
