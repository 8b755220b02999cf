//! The sink itself: what is sent, resolved, put aside.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event::Timestamp;
use futures::{StreamExt, stream};
use journal::{Cursor, Fs, JournalId, Offset, Record};
use serde_json::value::RawValue;

use super::batch::{self, OutgoingRow, RowId};
use super::request::{Answer, Requester};
use super::{Config, RowSource};
use crate::{CursorFile, DeadLetter, DeadLetters, Delivery, Error, Importance, Sink};

/// So many rows of one request refused one after the other, and none taken, are not the rows' fault.
const SUSPICIOUS_REFUSALS: usize = 50;

/// Where a sink keeps what it must not forget.
#[derive(Debug)]
pub struct Folders<'a> {
    /// The disk.
    pub fs: Arc<dyn Fs>,
    /// Folder of cursor files.
    pub cursors: &'a Path,
    /// Folder of dead letters, with one folder in it for each sink.
    pub dead_letters: &'a Path,
}

/// Sends rows to a Cloudflare pipeline.
#[derive(Debug)]
pub struct PipelinesSink<S> {
    name: &'static str,
    source: Arc<S>,
    importance: Importance,
    journal_id: JournalId,
    config: Config,
    requester: Requester,
    cursor_file: CursorFile,
    dead_letters: DeadLetters,
    delivery: Delivery,
    /// Every row below is delivered or refused.
    resolved: Offset,
    /// Rows above `resolved` that are so too: what a failed write had already sent.
    resolved_ahead: BTreeSet<RowId>,
}

impl<S: RowSource> PipelinesSink<S> {
    /// A sink of this name that keeps its cursor and dead letters in the data folder.
    ///
    /// # Errors
    /// When the TLS library cannot be set up or the folder for the cursor cannot be made.
    pub fn new(
        name: &'static str,
        source: S,
        config: Config,
        importance: Importance,
        journal_id: JournalId,
        folders: Folders<'_>,
    ) -> Result<Self, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::paused(error.to_string());
        folders.fs.create_dir_all(folders.cursors).map_err(|error| failed(&error))?;
        let cursor_path = folders.cursors.join(format!("{name}.json"));
        let requester = Requester::new(name, config.clone()).map_err(|error| failed(&error))?;
        Ok(Self {
            name,
            source: Arc::new(source),
            importance,
            journal_id,
            config,
            requester,
            cursor_file: CursorFile::new(folders.fs, cursor_path),
            dead_letters: DeadLetters::new(name, folders.dead_letters.join(name)),
            delivery: Delivery::default(),
            resolved: Offset::new(0),
            resolved_ahead: BTreeSet::new(),
        })
    }

    /// Where requests learn what became of their rows.
    pub fn delivery(&self) -> Delivery {
        self.delivery.clone()
    }

    /// Sends all rows, several requests at a time; what got through before a failure is remembered.
    async fn send_all(&mut self, rows: &[OutgoingRow]) -> Result<(), Error> {
        let runs = batch::cut(rows, self.config.max_batch_bytes);
        let sender = &*self;
        let results: Vec<(Vec<RowId>, Result<(), Error>)> = stream::iter(runs)
            .map(|run: Range<usize>| async move {
                let mut sent = Vec::new();
                let result = sender.send(&rows[run], &mut sent).await;
                (sent, result)
            })
            .buffer_unordered(self.config.concurrency)
            .collect()
            .await;
        let mut first_error = Ok(());
        for (sent, result) in results {
            self.resolved_ahead.extend(sent);
            first_error = first_error.and(result);
        }
        first_error
    }

    /// Sends a run, halving it where the service says that it is too large or has a bad row.
    ///
    /// A row that is refused alone becomes a dead letter. But when the first rows of a run that was
    /// refused as a whole are all refused one by one, the fault is hardly theirs, and the sink pauses
    /// instead of putting everything aside.
    async fn send(&self, run: &[OutgoingRow], sent: &mut Vec<RowId>) -> Result<(), Error> {
        let mut pending = vec![run];
        let mut refused: Vec<(&OutgoingRow, String)> = Vec::new();
        while let Some(rows) = pending.pop() {
            match (self.requester.post(batch::body(rows), rows.len()).await?, rows) {
                (Answer::Committed, rows) => {
                    sent.extend(rows.iter().map(|row| row.id));
                    self.put_aside(&mut refused, sent)?;
                }
                (Answer::TooLarge(reason), [row]) => {
                    self.put_aside(&mut vec![(row, reason)], sent)?;
                }
                (Answer::Refused(reason), [_]) if refused.len() + 1 >= SUSPICIOUS_REFUSALS => {
                    return Err(Error::paused(format!("every row is refused: {reason}")));
                }
                (Answer::Refused(reason), [row]) => refused.push((row, reason)),
                (Answer::TooLarge(_) | Answer::Refused(_), rows) => {
                    let (left, right) = rows.split_at(rows.len() / 2);
                    pending.extend([right, left]);
                }
            }
        }
        self.put_aside(&mut refused, sent)
    }

    /// Keeps refused rows as dead letters; only then are they dealt with.
    fn put_aside(
        &self,
        refused: &mut Vec<(&OutgoingRow, String)>,
        sent: &mut Vec<RowId>,
    ) -> Result<(), Error> {
        for (row, reason) in refused.drain(..) {
            self.keep_letter(row, reason)?;
            sent.push(row.id);
        }
        Ok(())
    }

    fn keep_letter(&self, row: &OutgoingRow, reason: String) -> Result<(), Error> {
        let json = String::from_utf8_lossy(&row.json).into_owned();
        let letter = DeadLetter {
            journal_offset: row.id.0.get(),
            refused_at: Timestamp::now().to_string(),
            reason,
            row: RawValue::from_string(json).expect("a row is JSON"),
        };
        self.dead_letters.keep(&letter)?;
        journal::failpoint("pipelines-after-dead-letter");
        self.delivery.refuse(row.id.0);
        Ok(())
    }
}

#[async_trait]
impl<S: RowSource> Sink for PipelinesSink<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn importance(&self) -> Importance {
        self.importance
    }

    async fn load_cursor(&mut self) -> Result<Option<Cursor>, Error> {
        let cursor = self.cursor_file.load()?;
        if let Some(cursor) = cursor.filter(|cursor| cursor.journal_id == self.journal_id) {
            self.resolved = cursor.offset;
            self.delivery.resolve(cursor.offset);
        }
        Ok(cursor)
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let end = records.iter().map(Record::end).max().unwrap_or(self.resolved);
        let (source, from, journal_id) = (Arc::clone(&self.source), self.resolved, self.journal_id);
        let encode = move || batch::rows(&*source, &records, from, journal_id);
        let mut rows = tokio::task::spawn_blocking(encode)
            .await
            .map_err(|error| Error::transient(error.to_string()))??;
        rows.retain(|row| !self.resolved_ahead.contains(&row.id));
        self.send_all(&rows).await?;
        self.resolved_ahead.clear();
        self.resolved = end.max(self.resolved);
        self.delivery.resolve(self.resolved);
        Ok(())
    }

    async fn flush(&mut self) -> Result<Offset, Error> {
        self.cursor_file.store(Cursor { journal_id: self.journal_id, offset: self.resolved })?;
        Ok(self.resolved)
    }

    fn flush_interval(&self) -> Duration {
        Duration::from_secs(1)
    }
}
