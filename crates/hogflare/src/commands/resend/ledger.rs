//! How far a resend has come, in `resend/` of the data folder, so that one that was cut short goes on.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, bail};
use journal::{RealFs, write_atomically};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::data_dir::DataDir;

/// A resend that was begun.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    pub(super) place: Place,
    _lock: File,
}

/// Rows before it are sent.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Place {
    /// What is sent, in words.
    pub(super) what: String,
    /// The slice of time that is being sent, by its first microsecond.
    pub(super) slice: i64,
    /// The last row of it that was sent.
    pub(super) row: Option<(Uuid, u64)>,
    /// Rows that the pipelines took.
    pub(super) sent: u64,
    /// Rows that they refused, which are dead letters now.
    pub(super) refused: u64,
}

impl Ledger {
    /// Finds how far this was sent already, or begins.
    ///
    /// # Errors
    /// When the same is being sent by another process, or the disk fails.
    pub(super) fn open(data_dir: &DataDir, what: String, begin: i64) -> anyhow::Result<Self> {
        let folder = data_dir.resends();
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, what.as_bytes()).simple();
        let path = folder.join(format!("{name}.json"));
        let lock = File::create(folder.join(format!("{name}.lock")))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => bail!("another process sends this already"),
            Err(error) => return Err(error.into()),
        }
        let place = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!("{} is damaged; remove it to begin anew", path.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Place { what, slice: begin, row: None, sent: 0, refused: 0 }
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        Ok(Self { path, place, _lock: lock })
    }

    /// Whether an earlier run sent some of it.
    pub(super) fn is_begun(&self) -> bool {
        self.place.sent + self.place.refused > 0
    }

    /// Keeps how far it is.
    pub(super) fn store(&self) -> anyhow::Result<()> {
        let bytes = serde_json::to_vec(&self.place)?;
        write_atomically(&RealFs, &self.path, &bytes)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Forgets it: who asks for the same again, sends all of it again.
    pub(super) fn end(self) -> std::io::Result<()> {
        std::fs::remove_file(self.path.with_extension("lock"))?;
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
