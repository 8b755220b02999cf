//! What is to fail, and when.

use std::io;

/// An operation on the simulated disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Creating a file.
    Create,
    /// Opening a file for reading.
    OpenRead,
    /// Opening a file for writing.
    OpenWrite,
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Setting room apart.
    Allocate,
    /// Cutting or extending a file.
    SetLen,
    /// Syncing the data of a file.
    SyncData,
    /// Syncing a file with its metadata.
    SyncAll,
    /// Syncing a directory.
    SyncDir,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
    /// Creating directories.
    CreateDir,
    /// Listing a directory.
    List,
    /// Examining the volume.
    Space,
}

impl Op {
    /// Says whether the operation changes anything on the disk.
    pub const fn is_change(self) -> bool {
        !matches!(self, Self::OpenRead | Self::OpenWrite | Self::Read | Self::List | Self::Space)
    }
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device does not answer.
    Io,
    /// The volume is full.
    NoSpace,
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io => Self::other("simulated fault of the device"),
            Fault::NoSpace => Self::from(io::ErrorKind::StorageFull),
        }
    }
}

/// What the disk only pretends to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// `sync_data` returns at once.
    SyncData,
    /// `sync_dir` returns at once.
    SyncDir,
}

/// The faults that are planned.
#[derive(Debug, Default)]
pub(super) struct Faults {
    planned: Vec<(Op, u32, Fault)>,
    all: Option<Fault>,
    pub(super) crash_after: Option<u32>,
    pub(super) writes_in_parts: bool,
    pub(super) lies: Vec<Lie>,
    pub(super) changes: u64,
}

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Succeed,
    Fail(Fault),
    Crash,
}

impl Faults {
    pub(super) fn plan(&mut self, op: Op, passes: u32, fault: Fault) {
        self.planned.push((op, passes, fault));
    }

    pub(super) fn set_all(&mut self, fault: Option<Fault>) {
        self.all = fault;
        if fault.is_none() {
            self.planned.clear();
        }
    }

    pub(super) fn judge(&mut self, op: Op) -> Verdict {
        if op.is_change() {
            self.changes += 1;
            match &mut self.crash_after {
                Some(0) => return Verdict::Crash,
                Some(changes) => *changes -= 1,
                None => {}
            }
        }
        if let Some(fault) = self.all.filter(|_| op.is_change()) {
            return Verdict::Fail(fault);
        }
        self.take_planned(op).map_or(Verdict::Succeed, Verdict::Fail)
    }

    pub(super) fn is_lie(&self, op: Op) -> bool {
        self.lies.iter().any(|lie| match lie {
            Lie::SyncData => op == Op::SyncData,
            Lie::SyncDir => op == Op::SyncDir,
        })
    }

    fn take_planned(&mut self, op: Op) -> Option<Fault> {
        let due = self.planned.iter().position(|(of, passes, _)| *of == op && *passes == 0);
        for (of, passes, _) in &mut self.planned {
            if *of == op {
                *passes = passes.saturating_sub(1);
            }
        }
        due.map(|index| self.planned.remove(index).2)
    }
}
