//! A disk that does its worst, for tests of everything that must survive it.
//!
//! [`SimFs`] keeps, like an operating system, what processes see apart from what is on the disk.
//! On [`SimFs::power_loss`] every page that was not synced is lost, kept or torn at a sector, each by
//! its own lot, and so is every name that was created, renamed or removed without a sync of the
//! directory. Some pages are written back earlier, as a kernel does when it likes. After a failed
//! sync the pages count as written and are not. Everything follows from one seed.
//!
//! ```text
//!   process  --write-->  pages seen  --sync_data, or by chance-->  pages on disk
//!            --rename->  names seen  --sync_dir------------------>  names on disk
//! ```

mod faults;
mod file;
mod inode;
mod names;
mod random;
mod world;

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};

pub use self::faults::{Fault, Lie, Op};
use self::file::SimFile;
use self::world::World;
use crate::fs::{File, Fs, Space};

/// One process's view of a simulated disk; clones are the same process.
#[derive(Clone)]
pub struct SimFs {
    world: Arc<Mutex<World>>,
    /// Operations of an earlier life fail: the process is gone.
    life: u64,
}

impl SimFs {
    /// Makes an empty disk.
    pub fn new(seed: u64) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(seed))), life: 0 }
    }

    /// Cuts the power and returns the view of the next process.
    ///
    /// After [`SimFs::crash_after`] has struck it only starts the next process.
    pub fn power_loss(&self) -> Self {
        let mut world = self.lock();
        if world.life == self.life {
            world.lose_power();
        }
        Self { world: Arc::clone(&self.world), life: world.life }
    }

    /// Kills the process and returns the view of the next one, which sees every write.
    pub fn kill(&self) -> Self {
        let mut world = self.lock();
        if world.life == self.life {
            world.life += 1;
        }
        Self { world: Arc::clone(&self.world), life: world.life }
    }

    /// Cuts the power in the middle of the change after the next `changes`.
    pub fn crash_after(&self, changes: u32) {
        self.lock().faults.crash_after = Some(changes);
    }

    /// Takes back [`SimFs::crash_after`], and says whether the power is still on.
    pub fn is_alive(&self) -> bool {
        let mut world = self.lock();
        world.faults.crash_after = None;
        world.life == self.life
    }

    /// Fails one operation, after letting `passes` of its kind succeed.
    pub fn fail(&self, op: Op, passes: u32, fault: Fault) {
        self.lock().faults.plan(op, passes, fault);
    }

    /// Fails every change, or takes back all faults.
    pub fn fail_all(&self, fault: Option<Fault>) {
        self.lock().faults.set_all(fault);
    }

    /// Makes writes take only a part of what they are given, by chance.
    pub fn write_in_parts(&self) {
        self.lock().faults.writes_in_parts = true;
    }

    /// Makes a disk that answers a sync without doing it.
    pub fn lie_about(&self, lie: Lie) {
        self.lock().faults.lies.push(lie);
    }

    /// Limits the disk to so many bytes, whatever they are used for.
    pub fn set_capacity(&self, bytes: u64) {
        self.lock().capacity = bytes;
    }

    /// Returns how many changes were made so far.
    pub fn changes(&self) -> u64 {
        self.lock().faults.changes
    }

    /// Flips bits of a byte on the disk, as decay does.
    pub fn flip(&self, path: &Path, position: u64, bits: u8) {
        self.lock().flip(path, position, bits);
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one operation, unless the process is gone or the operation is to fail.
    fn run<T>(&self, op: Op, run: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        let mut world = self.lock();
        if world.life != self.life {
            return Err(io::Error::other("the process is gone"));
        }
        world.run(op, run)
    }

    fn open(&self, op: Op, path: &Path) -> io::Result<Box<dyn File>> {
        let inode = self.run(op, |world| world.names.find(path))?;
        Ok(Box::new(SimFile { fs: self.clone(), inode }))
    }
}

impl fmt::Debug for SimFs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The contents of a disk help nobody.
        formatter.debug_struct("SimFs").field("life", &self.life).finish_non_exhaustive()
    }
}

impl Fs for SimFs {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let inode = self.run(Op::Create, |world| world.create(path))?;
        Ok(Box::new(SimFile { fs: self.clone(), inode }))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.open(Op::OpenRead, path)
    }

    fn open_write(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.open(Op::OpenWrite, path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run(Op::Rename, |world| world.names.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.run(Op::Remove, |world| world.names.remove(path))
    }

    fn read_dir(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.run(Op::List, |world| world.names.list(dir))
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.run(Op::CreateDir, |world| {
            world.names.create_dir_all(dir);
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.run(Op::SyncDir, |world| {
            if !world.faults.is_lie(Op::SyncDir) {
                world.names.sync(dir);
            }
            Ok(())
        })
    }

    fn space(&self, _dir: &Path) -> io::Result<Space> {
        self.run(Op::Space, |world| Ok(world.space()))
    }
}
