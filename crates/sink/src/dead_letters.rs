//! Rows that the other side refused, kept for an operator to look at and send again.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use journal::{JournalId, Offset};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Error, metrics};

/// One refused row.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DeadLetter {
    /// The row's offset in the journal.
    pub journal_offset: u64,
    /// When it was refused, RFC 3339.
    pub refused_at: String,
    /// What the other side said, cut to a sensible length.
    pub reason: String,
    /// The row as it was sent.
    pub row: Box<RawValue>,
}

/// Appends refused rows to one NDJSON file a day, `2026-11-22.ndjson`.
#[derive(Debug)]
pub struct DeadLetters {
    sink: &'static str,
    folder: PathBuf,
}

impl DeadLetters {
    /// Dead letters of a sink in this folder, which is made when the first one is written.
    pub fn new(sink: &'static str, folder: PathBuf) -> Self {
        Self { sink, folder }
    }

    /// Keeps a row, durably.
    ///
    /// A crash between this and the cursor writes the same letter again; `journal_offset` tells.
    ///
    /// # Errors
    /// When the disk does not take it; the row must then not be passed over.
    pub fn keep(&self, letter: &DeadLetter) -> Result<(), Error> {
        self.append(letter)
            .map_err(|error| Error::transient(format!("cannot keep a dead letter: {error}")))?;
        ::metrics::counter!(metrics::DEAD_LETTERS_TOTAL, "sink" => self.sink).increment(1);
        Ok(())
    }

    /// The files that hold letters, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read; where there is none, there are no letters.
    pub fn files(&self) -> std::io::Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "ndjson") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// The letters of a file, each offset's last one; a line that is none is an error.
    ///
    /// # Errors
    /// When the file cannot be read or a line is no letter.
    pub fn read(path: &Path) -> std::io::Result<Vec<DeadLetter>> {
        let mut letters = std::collections::BTreeMap::new();
        for line in std::fs::read_to_string(path)?.lines() {
            let letter: DeadLetter = serde_json::from_str(line)?;
            letters.insert((letter.journal_offset, letter.row.get().to_owned()), letter);
        }
        Ok(letters.into_values().collect())
    }

    /// Offsets of this journal's rows that are among the letters, the newest `most` or so.
    ///
    /// # Errors
    /// When the files cannot be read. A line that is no letter is passed over.
    pub fn offsets(&self, journal_id: JournalId, most: usize) -> std::io::Result<Vec<Offset>> {
        #[derive(Deserialize)]
        struct Place {
            journal_id: uuid::Uuid,
        }

        let mut offsets = Vec::new();
        for file in self.files()?.iter().rev() {
            if offsets.len() >= most {
                break;
            }
            for line in std::fs::read_to_string(file)?.lines() {
                let Ok(letter) = serde_json::from_str::<DeadLetter>(line) else { continue };
                let place = serde_json::from_str::<Place>(letter.row.get());
                if place.is_ok_and(|place| place.journal_id == journal_id.as_uuid()) {
                    offsets.push(Offset::new(letter.journal_offset));
                }
            }
        }
        Ok(offsets)
    }

    fn append(&self, letter: &DeadLetter) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let day = letter.refused_at.get(..10).unwrap_or("undated");
        let path = self.folder.join(format!("{day}.ndjson"));
        let mut line = serde_json::to_vec(letter)?;
        line.push(b'\n');
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let length = file.metadata()?.len();
        if let Err(error) = file.write_all(&line).and_then(|()| file.sync_all()) {
            // Half a line would spoil the next one.
            file.set_len(length)?;
            return Err(error);
        }
        self.folder.ancestors().take(3).try_for_each(sync_folder)
    }
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}
