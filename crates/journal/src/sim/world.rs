//! The disk behind all processes.

use std::io;
use std::path::Path;

use super::faults::{Fault, Faults, Op, Verdict};
use super::inode::Inode;
use super::names::{Directories, InodeNumber};
use super::random::Random;
use crate::fs::Space;

/// More than any test writes.
const DEFAULT_CAPACITY: u64 = 1 << 40;

/// How many writes go by, on average, for one page that is written back unasked.
const WRITE_BACK_CHANCES: u64 = 4;

#[derive(Debug)]
pub(super) struct World {
    pub(super) life: u64,
    pub(super) names: Directories,
    pub(super) faults: Faults,
    pub(super) capacity: u64,
    inodes: Vec<Inode>,
    random: Random,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            life: 0,
            names: Directories::default(),
            faults: Faults::default(),
            capacity: DEFAULT_CAPACITY,
            inodes: Vec::new(),
            random: Random::new(seed),
        }
    }

    /// Does one operation; in the middle of the one that a crash was planned for, the power goes.
    pub(super) fn run<T>(
        &mut self,
        op: Op,
        run: impl FnOnce(&mut Self) -> io::Result<T>,
    ) -> io::Result<T> {
        let is_sync = matches!(op, Op::SyncData | Op::SyncAll | Op::SyncDir);
        match self.faults.judge(op) {
            Verdict::Succeed => run(self),
            Verdict::Fail(fault) => Err(fault.into()),
            Verdict::Crash => {
                // What a sync reached by then is what the loss of power leaves.
                if !is_sync {
                    run(self).ok();
                }
                self.lose_power();
                Err(io::Error::other("simulated loss of power"))
            }
        }
    }

    pub(super) fn lose_power(&mut self) {
        self.life += 1;
        self.faults.crash_after = None;
        self.names.lose_power(&mut self.random);
        for inode in &mut self.inodes {
            inode.lose_power(&mut self.random);
        }
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<InodeNumber> {
        let number = self.inodes.len();
        self.names.link(path, number)?;
        self.inodes.push(Inode::default());
        Ok(number)
    }

    pub(super) fn space(&self) -> Space {
        let used: u64 =
            self.names.inodes().filter_map(|at| self.inodes.get(at)).map(Inode::len).sum();
        Space { free_bytes: self.capacity.saturating_sub(used), total_bytes: self.capacity }
    }

    pub(super) fn read(&self, inode: InodeNumber, buffer: &mut [u8], position: u64) -> usize {
        self.inodes.get(inode).map_or(0, |inode| inode.read(buffer, position))
    }

    pub(super) fn len(&self, inode: InodeNumber) -> u64 {
        self.inodes.get(inode).map_or(0, Inode::len)
    }

    /// Writes what fits, and maybe less.
    pub(super) fn write(
        &mut self,
        inode: InodeNumber,
        bytes: &[u8],
        position: u64,
    ) -> io::Result<usize> {
        let mut count = self.fitting(inode, bytes, position);
        if self.faults.writes_in_parts && count > 1 && self.random.one_in(2) {
            count = self.some_of(count - 1) + 1;
        }
        if count == 0 && !bytes.is_empty() {
            return Err(Fault::NoSpace.into());
        }
        self.put(inode, bytes.get(..count).unwrap_or_default(), position);
        Ok(count)
    }

    /// Writes a part of what was given, as a device does that then fails.
    pub(super) fn fail_write(&mut self, inode: InodeNumber, bytes: &[u8], position: u64) {
        let fitting = self.fitting(inode, bytes, position);
        let count = self.some_of(fitting + 1);
        self.put(inode, bytes.get(..count).unwrap_or_default(), position);
    }

    fn fitting(&self, inode: InodeNumber, bytes: &[u8], position: u64) -> usize {
        let room = (self.len(inode) + self.space().free_bytes).saturating_sub(position);
        bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))
    }

    /// Makes a file longer.
    pub(super) fn allocate(&mut self, inode: InodeNumber, bytes: u64) -> io::Result<()> {
        let len = self.len(inode);
        if bytes > len + self.space().free_bytes {
            return Err(Fault::NoSpace.into());
        }
        self.set_len(inode, len.max(bytes));
        Ok(())
    }

    /// Makes a file longer by a part of what was asked for, as a disk does that is too full.
    pub(super) fn fail_allocate(&mut self, inode: InodeNumber, bytes: u64) {
        let len = self.len(inode);
        let room = bytes.saturating_sub(len).min(self.space().free_bytes);
        let some = self.random.below(room + 1);
        self.set_len(inode, len + some);
    }

    pub(super) fn set_len(&mut self, inode: InodeNumber, bytes: u64) {
        if let Some(inode) = self.inodes.get_mut(inode) {
            inode.set_len(bytes);
        }
    }

    pub(super) fn sync(&mut self, inode: InodeNumber) {
        if let Some(inode) = self.inodes.get_mut(inode) {
            inode.sync();
        }
    }

    pub(super) fn fail_sync(&mut self, inode: InodeNumber) {
        if let Some(inode) = self.inodes.get_mut(inode) {
            inode.fail_sync(&mut self.random);
        }
    }

    pub(super) fn flip(&mut self, path: &Path, position: u64, bits: u8) {
        if let Some(inode) = self.names.find(path).ok().and_then(|at| self.inodes.get_mut(at)) {
            inode.flip(position, bits);
        }
    }

    fn put(&mut self, inode: InodeNumber, bytes: &[u8], position: u64) {
        let is_written_back = self.random.one_in(WRITE_BACK_CHANCES);
        let Some(inode) = self.inodes.get_mut(inode) else { return };
        inode.write(bytes, position);
        if is_written_back {
            inode.write_back_some(&mut self.random);
        }
    }

    fn some_of(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound as u64)).unwrap_or(0)
    }
}
