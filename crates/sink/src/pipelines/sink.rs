//! The sink itself: what is sent, resolved, put aside.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use event::Timestamp;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use journal::{Cursor, Fs, JournalId, Offset, Record};
use serde_json::value::RawValue;
use tracing::info;

use super::batch::{self, OutgoingRow, RowId};
use super::pace::Pace;
use super::request::{Answer, Requester};
use super::{Config, RowSource};
use crate::delivery::REFUSED_KEPT;
use crate::{CursorFile, DeadLetter, DeadLetters, Delivery, Error, Importance, Sink, metrics};

/// So many rows of one request refused one after the other, and none taken, may not be their fault.
const SUSPICIOUS_REFUSALS: usize = 50;
/// A service that took rows so recently is not the one at fault.
const RECENT: Duration = Duration::from_secs(600);
/// Bodies are not made smaller than this, however often one is called too large.
const SMALLEST_BATCH_BYTES: usize = 64 * 1024;

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
    requester: Requester,
    pace: Pace,
    /// The configured limit, or less once a body was called too large.
    max_batch_bytes: usize,
    cursor_file: CursorFile,
    dead_letters: DeadLetters,
    delivery: Delivery,
    /// When the service last took rows from this process.
    last_taken: Mutex<Option<Instant>>,
    /// Every row below is delivered or refused.
    resolved: Offset,
    /// Rows above `resolved` that are so too: what a failed write had already sent.
    resolved_ahead: BTreeSet<RowId>,
}

/// What became of rows that were sent.
#[derive(Debug, Default)]
struct Sent {
    /// Rows that need not be sent again.
    rows: BTreeSet<RowId>,
    /// The smallest body of several rows that was called too large, in bytes.
    too_large_bytes: Option<usize>,
}

impl Sent {
    fn add(&mut self, mut other: Self) {
        self.rows.append(&mut other.rows);
        other.too_large_bytes.into_iter().for_each(|bytes| self.was_too_large(bytes));
    }

    fn was_too_large(&mut self, bytes: usize) {
        self.too_large_bytes = Some(self.too_large_bytes.map_or(bytes, |other| other.min(bytes)));
    }
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
        let dead_letters = DeadLetters::new(name, folders.dead_letters.join(name));
        let delivery = Delivery::default();
        // Whoever sends such a row again must not hear that it was delivered.
        let refused = dead_letters.offsets(journal_id, REFUSED_KEPT);
        refused.map_err(|error| failed(&error))?.into_iter().for_each(|row| delivery.refuse(row));
        Ok(Self {
            name,
            source: Arc::new(source),
            importance,
            journal_id,
            requester,
            pace: Pace::new(config.concurrency),
            max_batch_bytes: config.max_batch_bytes,
            cursor_file: CursorFile::new(folders.fs, cursor_path),
            dead_letters,
            delivery,
            last_taken: Mutex::default(),
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
        let mut runs = batch::cut(rows, self.max_batch_bytes).into_iter();
        let sender = &*self;
        let mut open = FuturesUnordered::new();
        let mut sent = Sent::default();
        let mut outcome = Ok(());
        let (mut successes, mut allowed) = (0, self.pace.first_requests());
        loop {
            // After a failure nothing new is sent: the other side has trouble enough.
            while outcome.is_ok() && open.len() < allowed {
                let Some(run) = runs.next() else { break };
                open.push(sender.send(&rows[run]));
            }
            let Some((run_sent, result)) = open.next().await else { break };
            sent.add(run_sent);
            if result.is_ok() {
                (successes, allowed) = (successes + 1, self.pace.requests());
            }
            outcome = outcome.and(result);
        }
        drop(open);
        self.resolved_ahead.append(&mut sent.rows);
        self.pace.learn(successes, outcome.is_err());
        if let Some(bytes) = sent.too_large_bytes {
            self.max_batch_bytes = self.max_batch_bytes.min((bytes / 2).max(SMALLEST_BATCH_BYTES));
            info!(sink = self.name, bytes = self.max_batch_bytes, "pipeline takes smaller bodies");
        }
        ::metrics::gauge!(metrics::PIPELINE_CONCURRENCY, "sink" => self.name)
            .set(self.pace.requests() as f64);
        ::metrics::gauge!(metrics::PIPELINE_BATCH_BYTES, "sink" => self.name)
            .set(self.max_batch_bytes as f64);
        outcome
    }

    /// Sends a run, and says what became of it even where it failed half way.
    async fn send(&self, run: &[OutgoingRow]) -> (Sent, Result<(), Error>) {
        let mut sent = Sent::default();
        let result = self.send_in_pieces(run, &mut sent).await;
        (sent, result)
    }

    /// Sends a run, halving it where the service says that it is too large or has a bad row.
    ///
    /// A row that is refused alone becomes a dead letter. But when many rows are refused one after the
    /// other, the fault may not be theirs: see [`Self::suspect`].
    async fn send_in_pieces(&self, run: &[OutgoingRow], sent: &mut Sent) -> Result<(), Error> {
        let mut pending = vec![run];
        let mut refused: Vec<(&OutgoingRow, String)> = Vec::new();
        while let Some(rows) = pending.pop() {
            let body = batch::body(rows);
            let bytes = body.len();
            match (self.requester.post(body, rows.len()).await?, rows) {
                (Answer::Committed, rows) => {
                    *self.last_taken.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(Instant::now());
                    sent.rows.extend(rows.iter().map(|row| row.id));
                    self.put_aside(&mut refused, sent)?;
                }
                (Answer::TooLarge(reason), [row]) if bytes > SMALLEST_BATCH_BYTES => {
                    self.put_aside(&mut vec![(row, reason)], sent)?;
                }
                (Answer::TooLarge(reason) | Answer::Refused(reason), [row]) => {
                    refused.push((row, reason));
                    if refused.len() >= SUSPICIOUS_REFUSALS {
                        self.suspect(&refused).await?;
                        self.put_aside(&mut refused, sent)?;
                    }
                }
                (answer, rows) => {
                    if matches!(answer, Answer::TooLarge(_)) {
                        sent.was_too_large(bytes);
                    }
                    let (left, right) = rows.split_at(rows.len() / 2);
                    pending.extend([right, left]);
                }
            }
        }
        self.put_aside(&mut refused, sent)
    }

    /// Whether it is the service that is at fault, not these rows: then the sink pauses rather than put
    /// everything aside.
    ///
    /// It is not where it took other rows lately, or takes an array of none. Whoever finds a row that
    /// is refused could otherwise stop the sink with fifty of them.
    async fn suspect(&self, refused: &[(&OutgoingRow, String)]) -> Result<(), Error> {
        let last_taken = *self.last_taken.lock().unwrap_or_else(PoisonError::into_inner);
        if last_taken.is_some_and(|at| at.elapsed() < RECENT) {
            return Ok(());
        }
        match self.requester.post(b"[]".to_vec(), 0).await? {
            Answer::Committed => Ok(()),
            Answer::Refused(_) | Answer::TooLarge(_) => {
                let reason = refused.last().map_or("", |(_, reason)| reason.as_str());
                Err(Error::paused(format!("every row is refused: {reason}")))
            }
        }
    }

    /// Keeps refused rows as dead letters; only then are they dealt with.
    fn put_aside(
        &self,
        refused: &mut Vec<(&OutgoingRow, String)>,
        sent: &mut Sent,
    ) -> Result<(), Error> {
        for (row, reason) in refused.drain(..) {
            self.keep_letter(row, reason)?;
            sent.rows.insert(row.id);
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
