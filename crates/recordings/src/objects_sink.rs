//! The sink `recordings`: objects in a local folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event::decode_recordings;
use journal::{Cursor, Fs, JournalId, Offset, Record};
use sink::{CursorFile, Error, Importance, Sink};

use crate::object;

/// Writes each recording as an object; the only copy, so the journal keeps what it lacks.
#[derive(Debug)]
pub struct ObjectsSink {
    fs: Arc<dyn Fs>,
    folder: PathBuf,
    journal_id: JournalId,
    cursor_file: CursorFile,
    kept: Offset,
}

impl ObjectsSink {
    /// A sink into this folder of the data folder.
    ///
    /// # Errors
    /// When the folder for its cursor cannot be made.
    pub fn new(
        fs: Arc<dyn Fs>,
        folder: PathBuf,
        journal_id: JournalId,
        cursors: &Path,
    ) -> std::io::Result<Self> {
        fs.create_dir_all(cursors)?;
        let cursor_file = CursorFile::new(Arc::clone(&fs), cursors.join("recordings.json"));
        Ok(Self { fs, folder, journal_id, cursor_file, kept: Offset::new(0) })
    }
}

#[async_trait]
impl Sink for ObjectsSink {
    fn name(&self) -> &'static str {
        "recordings"
    }

    fn importance(&self) -> Importance {
        Importance::Required
    }

    async fn load_cursor(&mut self) -> Result<Option<Cursor>, Error> {
        let cursor = self.cursor_file.load()?;
        self.kept = cursor.map_or(Offset::new(0), |cursor| cursor.offset);
        Ok(cursor)
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let end = records.iter().map(Record::end).max().unwrap_or(self.kept);
        let (fs, folder) = (Arc::clone(&self.fs), self.folder.clone());
        tokio::task::spawn_blocking(move || write_objects(&*fs, &folder, &records))
            .await
            .map_err(|error| Error::transient(error.to_string()))??;
        self.kept = end;
        Ok(())
    }

    async fn flush(&mut self) -> Result<Offset, Error> {
        self.cursor_file.store(Cursor { journal_id: self.journal_id, offset: self.kept })?;
        Ok(self.kept)
    }

    fn flush_interval(&self) -> Duration {
        Duration::from_secs(2)
    }
}

/// Writes the objects of these records, each durable before the next.
fn write_objects(fs: &dyn Fs, folder: &Path, records: &[Record]) -> Result<(), Error> {
    for record in records {
        let recordings = decode_recordings(record.payload.clone()).map_err(|error| {
            Error::paused(format!("recording at offset {}: {error}", record.first))
        })?;
        for (offset, recording) in (record.first.get()..).zip(&recordings) {
            let path = folder.join(object::path(recording, offset));
            let written = object::content(recording).and_then(|content| {
                fs.create_dir_all(path.parent().unwrap_or(folder))?;
                journal::write_atomically(fs, &path, &content)
            });
            written.map_err(|error| Error::transient(format!("{}: {error}", path.display())))?;
        }
    }
    Ok(())
}
