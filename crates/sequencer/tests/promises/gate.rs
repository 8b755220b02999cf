//! A disk whose syncs wait, so that a test decides what is in a group.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use journal::sim::SimFs;
use journal::{File, Fs, Space};

/// Lets `sync_data` through only while it is open, and may refuse key files.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    fs: SimFs,
    refuses_keys: bool,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    waiting: usize,
}

impl Gate {
    pub(crate) fn new(fs: &SimFs) -> Self {
        Self { fs: fs.clone(), refuses_keys: false, state: Arc::default() }
    }

    /// Lets no file be created in the dedup folder.
    pub(crate) fn refusing_keys(fs: &SimFs) -> Self {
        Self { refuses_keys: true, ..Self::new(fs) }
    }

    pub(crate) fn close(&self) {
        self.state.0.lock().unwrap().is_closed = true;
    }

    pub(crate) fn open(&self) {
        self.state.0.lock().unwrap().is_closed = false;
        self.state.1.notify_all();
    }

    /// Waits until a sync waits.
    pub(crate) fn wait_for_sync(&self) {
        let state = self.state.0.lock().unwrap();
        drop(self.state.1.wait_while(state, |state| state.waiting == 0).unwrap());
    }

    fn pass(&self) {
        let mut state = self.state.0.lock().unwrap();
        state.waiting += 1;
        self.state.1.notify_all();
        state = self.state.1.wait_while(state, |state| state.is_closed).unwrap();
        state.waiting -= 1;
    }

    fn gated(&self, file: Box<dyn File>) -> Box<dyn File> {
        Box::new(GatedFile { file, gate: self.clone() })
    }
}

impl Fs for Gate {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn File>> {
        if self.refuses_keys && path.starts_with("data/dedup") {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(self.gated(self.fs.create_new(path)?))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.fs.open_read(path)
    }

    fn open_write(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(self.gated(self.fs.open_write(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.fs.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.fs.remove(path)
    }

    fn read_dir(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.fs.read_dir(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.fs.create_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.fs.sync_dir(dir)
    }

    fn space(&self, dir: &Path) -> io::Result<Space> {
        self.fs.space(dir)
    }
}

#[derive(Debug)]
struct GatedFile {
    file: Box<dyn File>,
    gate: Gate,
}

impl File for GatedFile {
    fn write_at(&self, buffers: &[IoSlice<'_>], position: u64) -> io::Result<usize> {
        self.file.write_at(buffers, position)
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.file.read_at(buffer, position)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.file.allocate(bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gate.pass();
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}
