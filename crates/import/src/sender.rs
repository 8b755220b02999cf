//! From batches to acknowledgements: several requests under way, the ledger behind them in order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::batch::{Batch, Persons, Placed};
use crate::item::Reject;
use crate::ledger::{Ledger, Progress, SourceId};
use crate::pace::Pace;
use crate::progress::Bar;
use crate::record::quoted;
use crate::rejects::Rejects;
use crate::target::{Answer, Target};

/// How many bytes a request has at first, and at least.
const FIRST_BYTES: usize = 1 << 20;
const LEAST_BYTES: usize = 16 << 10;
/// How long what was acknowledged may wait to be noted.
const NOTE_INTERVAL: Duration = Duration::from_millis(250);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What requests share.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) target: Target,
    pub(crate) token: String,
    pub(crate) pace: Pace,
    pub(crate) rejects: Arc<Mutex<Rejects>>,
    /// How long the server may be away.
    pub(crate) patience: Duration,
    most_bytes: AtomicUsize,
}

/// What the server says of a batch.
#[derive(Debug, Default, Deserialize)]
struct Brought {
    #[serde(default)]
    duplicates: u64,
    #[serde(default)]
    dropped: u64,
}

impl Sender {
    pub(crate) fn new(
        target: Target,
        token: &str,
        pace: Pace,
        rejects: Arc<Mutex<Rejects>>,
        patience: Duration,
    ) -> Self {
        let most_bytes = AtomicUsize::new(FIRST_BYTES);
        Self { target, token: token.to_owned(), pace, rejects, patience, most_bytes }
    }

    /// How many bytes of events a request should have.
    pub(crate) fn most_bytes(&self) -> usize {
        self.most_bytes.load(Ordering::Relaxed)
    }

    /// Sends batches as they come, so many at a time, and notes in the ledger what was acknowledged.
    ///
    /// # Errors
    /// When the server cannot be reached for long, or says that this cannot be done.
    pub(crate) async fn send_all(
        self: &Arc<Self>,
        mut batches: mpsc::Receiver<Batch>,
        ledger: &Mutex<Ledger>,
        in_flight: usize,
        bar: &Bar,
    ) -> anyhow::Result<()> {
        let mut under_way: VecDeque<(SourceId, usize, JoinHandle<anyhow::Result<Progress>>)> =
            VecDeque::new();
        let mut notes =
            Notes { ledger, source: None, progress: Progress::default(), at: Instant::now() };
        let mut is_over = false;
        let mut outcome = Ok(());
        while !is_over || !under_way.is_empty() {
            while !is_over && under_way.len() < in_flight {
                // What is under way need not wait for what is still being read.
                let next = match under_way.is_empty() {
                    true => batches.recv().await,
                    false => match batches.try_recv() {
                        Ok(batch) => Some(batch),
                        Err(mpsc::error::TryRecvError::Empty) => break,
                        Err(mpsc::error::TryRecvError::Disconnected) => None,
                    },
                };
                let Some(batch) = next else {
                    is_over = true;
                    break;
                };
                let (source, rows) = (batch.source, batch.events.len());
                let sender = Arc::clone(self);
                let sending = tokio::spawn(async move { sender.send(batch).await });
                under_way.push_back((source, rows, sending));
            }
            let Some((source, rows, sending)) = under_way.pop_front() else { continue };
            match sending.await.context("a request was cut off")? {
                Ok(progress) => {
                    bar.brought(rows as u64);
                    notes.put(source, progress)?;
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        under_way.iter().for_each(|(_, _, sending)| sending.abort());
        notes.write()?;
        outcome
    }

    async fn send(&self, batch: Batch) -> anyhow::Result<Progress> {
        let Batch { events, mut progress, persons, is_repeated, source_name, .. } = batch;
        let mut parts = VecDeque::from([events]);
        while let Some(mut part) = parts.pop_front() {
            if part.is_empty() {
                continue;
            }
            let mut attempts = Attempts::new(self.patience, is_repeated);
            let answer = self.answer_to(persons, &part, &mut attempts).await?;
            match answer.status {
                status if status.is_success() => {
                    let brought: Brought = serde_json::from_slice(&answer.body)
                        .context("the server's answer is not that of an import's door")?;
                    match attempts.may_be_known {
                        true => progress.uncertain += brought.duplicates,
                        false => progress.duplicates += brought.duplicates,
                    }
                    progress.dropped += brought.dropped;
                    let days = part.iter().filter_map(|placed| placed.item.day);
                    days.for_each(|day| *progress.days.entry(day).or_default() += 1);
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                    bail!("the server refuses: {} {}", answer.status, said(&answer))
                }
                status if part.len() == 1 => {
                    let reason = match status {
                        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
                        _ => "refused_by_the_server",
                    };
                    let reject = Reject::new(reason, said(&answer));
                    let mut rejects = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
                    rejects.put(&source_name, part[0].row, &reject, &part[0].item.json)?;
                    progress.rejected += 1;
                }
                status => {
                    if status == StatusCode::PAYLOAD_TOO_LARGE {
                        let less = self.most_bytes() / 2;
                        self.most_bytes.fetch_min(less.max(LEAST_BYTES), Ordering::Relaxed);
                    }
                    // The half without what was refused goes through.
                    let rest = part.split_off(part.len() / 2);
                    parts.push_front(rest);
                    parts.push_front(part);
                }
            }
        }
        Ok(progress)
    }

    /// What the server finally says: what may succeed later is tried again.
    async fn answer_to(
        &self,
        persons: Persons,
        events: &[Placed],
        attempts: &mut Attempts,
    ) -> anyhow::Result<Answer> {
        let body = bytes::Bytes::from(self.body(events));
        loop {
            self.pace.wait(events.len()).await;
            let answer = self.target.post(persons.path(), body.clone()).await;
            let trouble = match answer {
                Ok(answer) if !is_passing(answer.status) => return Ok(answer),
                Ok(answer) => {
                    // An error behind the door may have come after the rows were stored.
                    attempts.may_be_known |= answer.status != StatusCode::SERVICE_UNAVAILABLE;
                    let pause = attempts.pause(answer.retry_after);
                    self.pace.hold(pause);
                    format!("{} {}", answer.status, said(&answer))
                }
                Err(error) => {
                    attempts.may_be_known = true;
                    let pause = attempts.pause(None);
                    self.pace.hold(pause);
                    format!("{error:#}")
                }
            };
            if attempts.is_patience_spent() {
                bail!("the server takes nothing: {trouble}; the same command goes on from here");
            }
        }
    }

    fn body(&self, events: &[Placed]) -> String {
        let size: usize = events.iter().map(|placed| placed.item.json.len() + 1).sum();
        let mut body = String::with_capacity(size + 128);
        body.push_str("{\"api_key\":");
        body.push_str(&quoted(&self.token));
        body.push_str(",\"historical_migration\":true,\"batch\":[");
        for (index, placed) in events.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            body.push_str(&placed.item.json);
        }
        body.push_str("]}");
        body
    }
}

/// Whether the same request may succeed later.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Why, in the server's words.
fn said(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    text.chars().take(300).collect()
}

#[derive(Debug)]
struct Attempts {
    since: Instant,
    patience: Duration,
    next_pause: Duration,
    /// Whether the server may have stored the events at another try.
    may_be_known: bool,
}

impl Attempts {
    fn new(patience: Duration, may_be_known: bool) -> Self {
        Self { since: Instant::now(), patience, next_pause: FIRST_PAUSE, may_be_known }
    }

    fn pause(&mut self, wanted: Option<Duration>) -> Duration {
        let pause = self.next_pause;
        self.next_pause = (pause * 2).min(LONGEST_PAUSE);
        let jittered = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        wanted.map_or(jittered, |wanted| wanted.max(jittered))
    }

    fn is_patience_spent(&self) -> bool {
        self.since.elapsed() > self.patience
    }
}

/// What was acknowledged and is not in the ledger yet.
struct Notes<'a> {
    ledger: &'a Mutex<Ledger>,
    source: Option<SourceId>,
    progress: Progress,
    at: Instant,
}

impl Notes<'_> {
    fn put(&mut self, source: SourceId, progress: Progress) -> anyhow::Result<()> {
        let is_other = self.source.is_some_and(|noted| noted != source);
        // Spans grow one after the other.
        if is_other || self.progress.covered.is_some() {
            self.write()?;
        }
        self.source = Some(source);
        self.progress.join(progress);
        match self.at.elapsed() > NOTE_INTERVAL {
            true => self.write(),
            false => Ok(()),
        }
    }

    fn write(&mut self) -> anyhow::Result<()> {
        self.at = Instant::now();
        let Some(source) = self.source.take() else { return Ok(()) };
        let progress = std::mem::take(&mut self.progress);
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.advance(source, &progress)
    }
}
