//! A cursor kept in a file, for sinks that have no transaction of their own.

use std::path::PathBuf;
use std::sync::Arc;

use journal::{Cursor, Fs, JournalId, Offset};
use serde::{Deserialize, Serialize};

use crate::Error;

/// `{"journal_id": …, "offset": …}`, replaced as a whole.
#[derive(Debug)]
pub struct CursorFile {
    fs: Arc<dyn Fs>,
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Content {
    journal_id: uuid::Uuid,
    offset: u64,
}

impl CursorFile {
    /// The cursor of this file; its folder must exist.
    pub fn new(fs: Arc<dyn Fs>, path: PathBuf) -> Self {
        Self { fs, path }
    }

    /// Reads the cursor; `None` where no file is.
    ///
    /// # Errors
    /// When the file cannot be read or is not a cursor: guessing would lose rows or send them all
    /// again, so an operator decides.
    pub fn load(&self) -> Result<Option<Cursor>, Error> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(&error)),
        };
        let content: Content =
            serde_json::from_slice(&bytes).map_err(|error| self.failed(&error))?;
        Ok(Some(Cursor {
            journal_id: JournalId::from_uuid(content.journal_id),
            offset: Offset::new(content.offset),
        }))
    }

    /// Replaces the cursor, durably.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn store(&self, cursor: Cursor) -> Result<(), Error> {
        let content =
            Content { journal_id: cursor.journal_id.as_uuid(), offset: cursor.offset.get() };
        let bytes = serde_json::to_vec(&content).expect("a cursor is JSON");
        journal::write_atomically(&*self.fs, &self.path, &bytes)
            .map_err(|error| self.failed(&error))
    }

    /// Removes the cursor, if there is one.
    ///
    /// # Errors
    /// When the disk does not let it go.
    pub fn remove(&self) -> Result<(), Error> {
        match self.fs.remove(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    fn failed(&self, cause: &dyn std::fmt::Display) -> Error {
        Error::transient(format!("cursor file {}: {cause}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use journal::RealFs;

    use super::*;

    #[test]
    fn a_cursor_comes_back_and_rubbish_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipelines.json");
        let file = CursorFile::new(Arc::new(RealFs), path.clone());
        assert!(file.load().unwrap().is_none());
        let cursor = Cursor {
            journal_id: JournalId::from_uuid(uuid::Uuid::from_u128(9)),
            offset: Offset::new(42),
        };
        file.store(cursor).unwrap();
        assert_eq!(file.load().unwrap(), Some(cursor));
        std::fs::write(path, "{").unwrap();
        assert!(file.load().is_err());
    }
}
