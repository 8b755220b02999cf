//! Rows that the other side refused, kept for an operator to look at and send again.

mod erase;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use journal::{JournalId, Offset};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Error, metrics};

/// Extension of files that are being sent again.
const RESENDING: &str = "resending";

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

    /// The files that hold letters, oldest first: those of days, and those that are being sent again.
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
            let extension = path.extension().and_then(|extension| extension.to_str());
            if matches!(extension, Some("ndjson" | RESENDING)) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Takes the files of days out of the server's hands, by another name; returns all files that are
    /// so taken, now or by an earlier run.
    ///
    /// # Errors
    /// When the disk does not let it.
    pub fn claim(&self) -> std::io::Result<Vec<PathBuf>> {
        let _alone = self.lock()?;
        let mut claimed = Vec::new();
        for file in self.files()? {
            if file.extension().is_some_and(|extension| extension == RESENDING) {
                claimed.push(file);
                continue;
            }
            let mut names =
                (0..).map(|number| file.with_extension(format!("{number}.{RESENDING}")));
            let target = names.find(|name| !name.exists()).expect("numbers go on");
            std::fs::rename(&file, &target)?;
            claimed.push(target);
        }
        Ok(claimed)
    }

    /// The letters of a file, each once, and the lines that are none: a torn one, say.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> std::io::Result<(Vec<DeadLetter>, Vec<String>)> {
        let (mut letters, mut unreadable) = (BTreeMap::new(), Vec::new());
        let text = std::fs::read(path)?;
        for line in String::from_utf8_lossy(&text).lines().filter(|line| !line.is_empty()) {
            match serde_json::from_str::<DeadLetter>(line) {
                Ok(letter) => {
                    letters.insert((letter.journal_offset, letter.row.get().to_owned()), letter);
                }
                Err(_) => unreadable.push(line.to_owned()),
            }
        }
        Ok((letters.into_values().collect(), unreadable))
    }

    /// Offsets of this journal's rows that are among the letters, the newest `most` or so.
    ///
    /// # Errors
    /// When the files cannot be read.
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
            for letter in Self::read(file)?.0 {
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
        let _alone = self.lock()?;
        let day = letter.refused_at.get(..10).unwrap_or("undated");
        let path = self.folder.join(format!("{day}.ndjson"));
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let length = file.metadata()?.len();
        let mut line = match ends_in_mid_line(&mut file, length)? {
            true => vec![b'\n'],
            false => Vec::new(),
        };
        serde_json::to_writer(&mut line, letter)?;
        line.push(b'\n');
        if let Err(error) = file.write_all(&line).and_then(|()| file.sync_all()) {
            // Half a line would spoil the next one.
            file.set_len(length)?;
            return Err(error);
        }
        self.folder.ancestors().take(3).try_for_each(sync_folder)
    }

    /// Keeps other processes from the files until it is dropped.
    fn lock(&self) -> std::io::Result<File> {
        let path = self.folder.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok(file)
    }
}

/// Whether the power went in the middle of the last line.
fn ends_in_mid_line(file: &mut File, length: u64) -> std::io::Result<bool> {
    if length == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}
