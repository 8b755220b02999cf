//! An open file of the simulated disk.

use std::io::{self, IoSlice};

use super::SimFs;
use super::faults::Op;
use super::names::InodeNumber;
use super::world::World;
use crate::fs::File;

#[derive(Debug)]
pub(super) struct SimFile {
    pub(super) fs: SimFs,
    pub(super) inode: InodeNumber,
}

impl SimFile {
    fn sync(&self, op: Op) -> io::Result<()> {
        let synced = self.fs.run(op, |world| {
            if !world.faults.is_lie(op) {
                world.sync(self.inode);
            }
            Ok(())
        });
        self.aftermath(synced, |world| world.fail_sync(self.inode))
    }

    /// Lets a failed operation leave its traces, where the process is still there to see them.
    fn aftermath<T>(
        &self,
        result: io::Result<T>,
        leave_traces: impl FnOnce(&mut World),
    ) -> io::Result<T> {
        if result.is_err() {
            let mut world = self.fs.lock();
            if world.life == self.fs.life {
                leave_traces(&mut world);
            }
        }
        result
    }
}

impl File for SimFile {
    fn write_at(&self, buffers: &[IoSlice<'_>], position: u64) -> io::Result<usize> {
        let bytes = buffers.iter().map(|buffer| &**buffer).collect::<Vec<_>>().concat();
        let written = self.fs.run(Op::Write, |world| world.write(self.inode, &bytes, position));
        self.aftermath(written, |world| world.fail_write(self.inode, &bytes, position))
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.fs.run(Op::Read, |world| Ok(world.read(self.inode, buffer, position)))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let allocated = self.fs.run(Op::Allocate, |world| world.allocate(self.inode, bytes));
        self.aftermath(allocated, |world| world.fail_allocate(self.inode, bytes))
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.fs.run(Op::SetLen, |world| {
            world.set_len(self.inode, bytes);
            Ok(())
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.fs.run(Op::Read, |world| Ok(world.len(self.inode)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync(Op::SyncData)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync(Op::SyncAll)
    }
}
