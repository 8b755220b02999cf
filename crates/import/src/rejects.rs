//! Rows that cannot be brought: counted by reason, and written to a file.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::item::Reject;
use crate::record::quoted;

/// Longest row that is written to the file.
const MOST_BYTES: usize = 1 << 20;

/// The file, made when there is a first row for it.
#[derive(Debug)]
pub(crate) struct Rejects {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    /// Rows by reason, of this run.
    pub(crate) reasons: BTreeMap<String, u64>,
    total: u64,
    most: u64,
}

impl Rejects {
    pub(crate) fn new(path: &Path, most: u64) -> Self {
        let (file, reasons) = (None, BTreeMap::new());
        Self { path: path.to_owned(), file, reasons, total: 0, most }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Notes a row.
    ///
    /// # Errors
    /// When there are more than were allowed, or the file cannot be written.
    pub(crate) fn put(
        &mut self,
        source: &str,
        row: u64,
        reject: &Reject,
        content: &str,
    ) -> anyhow::Result<()> {
        *self.reasons.entry(reject.reason.to_owned()).or_default() += 1;
        self.total += 1;
        let content = match content.len() > MOST_BYTES {
            true => quoted("(too long)"),
            false if crate::item::is_json(content) => content.to_owned(),
            false => quoted(content),
        };
        let (source, detail) = (quoted(source), quoted(&reject.detail));
        let reason = reject.reason;
        let line = format!(
            "{{\"source\":{source},\"row\":{row},\"reason\":\"{reason}\",\"detail\":{detail},\"content\":{content}}}\n"
        );
        self.write(line.as_bytes())
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        if self.total > self.most {
            self.flush()?;
            bail!(
                "more than {} rows cannot be brought (--max-errors); the last is row {row} of {source}: {reason}; \
                 see {}",
                self.most,
                self.path.display()
            );
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        match &mut self.file {
            Some(file) => Ok(file.flush()?),
            None => Ok(()),
        }
    }

    fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.file.is_none() {
            let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            self.file = Some(BufWriter::new(file));
        }
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(line))
    }
}
