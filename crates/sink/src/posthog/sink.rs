//! The sink itself: in which order requests go, what is put aside, what waits.
//!
//! Requests of one sender go one after the other, each once the one before is resolved; different
//! senders have nothing to do with each other, and go side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use event::Timestamp;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use journal::{Cursor, Fs, JournalId, Offset, Record};
use tokio::sync::watch;

use super::request::{Answer, Failure, Refusal, Requester};
use super::{Config, RawRequest};
use crate::{CursorFile, DeadLetter, DeadLetters, Error, Importance, Sink};

/// The sink's name.
pub const NAME: &str = "posthog";
/// So many requests refused one after the other, and none taken, may not be their fault.
const SUSPICIOUS_REFUSALS: usize = 20;
/// Who took something so recently is not the one at fault.
const RECENT: Duration = Duration::from_secs(600);
/// Tokens that are asked for before refusals are believed to be everybody's.
const TOKENS_ASKED: usize = 5;
/// Tries of a request that fails while others are taken, before it is put aside.
const TRIES: u32 = 20;
/// How long an answer is still waited for when the process stops.
const GRACE: Duration = Duration::from_secs(2);

/// Sends requests to a PostHog.
#[derive(Debug)]
pub struct PosthogSink {
    journal_id: JournalId,
    requester: Requester,
    concurrency: usize,
    cursor_file: CursorFile,
    dead_letters: DeadLetters,
    stopped: watch::Receiver<bool>,
    /// Every request below is taken or put aside.
    resolved: Offset,
    /// Requests above `resolved` that are so too.
    resolved_ahead: BTreeSet<Offset>,
    /// Requests that failed by themselves.
    failing: BTreeMap<Offset, Failing>,
    /// Requests that were taken from this process.
    taken: u64,
    last_taken: Option<Instant>,
    /// Requests refused since, in a way that may be the address's fault.
    suspicious: usize,
}

/// A request that fails again and again.
#[derive(Debug)]
struct Failing {
    tries: u32,
    /// How many others were taken before it failed first.
    taken_before: u64,
}

/// A request and its place in the journal.
#[derive(Debug)]
struct Outgoing {
    offset: Offset,
    request: RawRequest,
}

/// What became of one sender's requests.
#[derive(Debug, Default)]
struct Sent<'a> {
    taken: Vec<Offset>,
    refused: Vec<(&'a Outgoing, Refusal)>,
    /// The first that failed; those behind it were not tried.
    failed: Option<(&'a Outgoing, Failure)>,
}

impl Sent<'_> {
    /// Whether so much was refused, and nothing taken, that it is better to ask than to go on.
    fn is_suspicious(&self) -> bool {
        let refused = self.refused.iter().filter(|(_, refusal)| refusal.is_suspicious);
        self.taken.is_empty() && refused.count() >= SUSPICIOUS_REFUSALS
    }
}

/// How it goes with all senders of a write.
#[derive(Debug, Default)]
struct Course {
    taken: AtomicUsize,
    failed: AtomicUsize,
    /// Nothing more is sent for now.
    is_halted: AtomicBool,
}

impl Course {
    fn is_halted(&self) -> bool {
        self.is_halted.load(Ordering::Relaxed)
    }

    fn halt(&self) {
        self.is_halted.store(true, Ordering::Relaxed);
    }

    /// One that fails is its own fault, several while none is taken are PostHog's.
    fn has_failed(&self, failure: &Failure, concurrency: usize) {
        let failed = 1 + self.failed.fetch_add(1, Ordering::Relaxed);
        let most = match self.taken.load(Ordering::Relaxed) {
            0 => concurrency,
            _ => 3 * concurrency,
        };
        if failure.is_everybodys || failed >= most {
            self.halt();
        }
    }
}

impl PosthogSink {
    /// A sink for the requests of this journal, that keeps its cursor and dead letters in these folders.
    ///
    /// # Errors
    /// When the folder for the cursor cannot be made.
    pub fn new(
        config: Config,
        journal_id: JournalId,
        fs: Arc<dyn Fs>,
        (cursors, dead_letters): (&Path, &Path),
        stopped: watch::Receiver<bool>,
    ) -> Result<Self, Error> {
        fs.create_dir_all(cursors).map_err(|error| Error::paused(error.to_string()))?;
        let cursor_file = CursorFile::new(fs, cursors.join(format!("{NAME}.json")));
        Ok(Self {
            journal_id,
            concurrency: config.concurrency.max(1),
            requester: Requester::new(config),
            cursor_file,
            dead_letters: DeadLetters::new(NAME, dead_letters.join(NAME)),
            stopped,
            resolved: Offset::new(0),
            resolved_ahead: BTreeSet::new(),
            failing: BTreeMap::new(),
            taken: 0,
            last_taken: None,
            suspicious: 0,
        })
    }

    /// Sends what is not resolved yet.
    async fn send_all(&mut self, outgoing: &[Outgoing]) -> Result<(), Error> {
        let is_resolved = |one: &&Outgoing| {
            one.offset < self.resolved || self.resolved_ahead.contains(&one.offset)
        };
        let left: Vec<&Outgoing> = outgoing.iter().filter(|one| !is_resolved(one)).collect();
        if self.is_suspicious() {
            self.ask_for_some(&left).await?;
        }
        let is_resolved = |one: &Outgoing| self.resolved_ahead.contains(&one.offset);
        let mut senders: BTreeMap<u64, Vec<&Outgoing>> = BTreeMap::new();
        for one in left.iter().filter(|one| !is_resolved(one)) {
            senders.entry(one.request.sender()).or_default().push(one);
        }
        // Whoever waits longest is first.
        let mut senders: Vec<Vec<&Outgoing>> = senders.into_values().collect();
        senders.sort_by_key(|requests| requests.first().map(|one| one.offset));
        let course = Course::default();
        let sent = self.send_side_by_side(senders, &course).await;
        self.settle(sent)
    }

    /// Sends the requests of several senders at a time.
    async fn send_side_by_side<'a>(
        &self,
        senders: Vec<Vec<&'a Outgoing>>,
        course: &Course,
    ) -> Vec<Sent<'a>> {
        let (mut senders, mut open, mut sent) =
            (senders.into_iter(), FuturesUnordered::new(), Vec::new());
        loop {
            while open.len() < self.concurrency && !course.is_halted() {
                let Some(requests) = senders.next() else { break };
                open.push(self.send_in_order(requests, course));
            }
            let Some(of_sender) = open.next().await else { return sent };
            sent.push(of_sender);
        }
    }

    /// Sends the requests of one sender, up to the first that fails.
    async fn send_in_order<'a>(&self, requests: Vec<&'a Outgoing>, course: &Course) -> Sent<'a> {
        let mut sent = Sent::default();
        for one in requests {
            if course.is_halted() {
                break;
            }
            match self.send(&one.request).await {
                Answer::Taken => {
                    course.taken.fetch_add(1, Ordering::Relaxed);
                    sent.taken.push(one.offset);
                }
                Answer::Refused(refusal) => {
                    sent.refused.push((one, refusal));
                    // Where everything is refused, a few say so.
                    if sent.is_suspicious() {
                        break;
                    }
                }
                Answer::Failed(failure) => {
                    course.has_failed(&failure, self.concurrency);
                    sent.failed = Some((one, failure));
                    break;
                }
            }
        }
        sent
    }

    /// Sends one; when the process stops, an answer is not waited for much longer.
    async fn send(&self, request: &RawRequest) -> Answer {
        let mut stopped = self.stopped.clone();
        let patience = async {
            drop(stopped.wait_for(|stopped| *stopped).await);
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            answer = self.requester.send(request) => answer,
            () = patience => Answer::Failed(Failure {
                reason: "the process stops".to_owned(),
                is_everybodys: true,
                retry_after: None,
            }),
        }
    }

    /// Notes what was taken, puts aside what was refused, and says what has to be tried again.
    fn settle(&mut self, sent: Vec<Sent<'_>>) -> Result<(), Error> {
        let (mut refused, mut failed) = (Vec::new(), Vec::new());
        let mut is_cut = false;
        for mut one in sent {
            is_cut |= one.is_suspicious();
            for offset in one.taken {
                self.was_taken(offset);
            }
            refused.append(&mut one.refused);
            failed.extend(one.failed);
        }
        let suspicious = refused.iter().filter(|(_, refusal)| refusal.is_suspicious).count();
        self.suspicious += suspicious;
        if self.is_suspicious() {
            let reason = refused.last().map_or("", |(_, refusal)| refusal.reason.as_str());
            return Err(Error::paused(format!("every request is refused: {reason}")));
        }
        for (one, refusal) in refused {
            self.put_aside(one, refusal.reason)?;
        }
        let mut worst: Option<Failure> = None;
        for (one, failure) in failed {
            if self.is_its_own_fault(one.offset, &failure) {
                let reason =
                    format!("failed {TRIES} times while others were taken: {}", failure.reason);
                self.put_aside(one, reason)?;
                is_cut = true;
            } else if worst.as_ref().is_none_or(|worst| worst.retry_after < failure.retry_after) {
                worst = Some(failure);
            }
        }
        match worst {
            Some(Failure { reason, retry_after: Some(after), .. }) => {
                Err(Error::busy(reason, after))
            }
            Some(Failure { reason, .. }) => Err(Error::transient(reason)),
            // What stands behind was not tried.
            None if is_cut => Err(Error::busy("going on behind refused requests", Duration::ZERO)),
            None => Ok(()),
        }
    }

    fn was_taken(&mut self, offset: Offset) {
        self.resolved_ahead.insert(offset);
        self.failing.remove(&offset);
        (self.taken, self.last_taken, self.suspicious) = (self.taken + 1, Some(Instant::now()), 0);
    }

    /// Whether nothing was taken for long and much was refused that others' addresses would take.
    fn is_suspicious(&self) -> bool {
        let is_recent = self.last_taken.is_some_and(|at| at.elapsed() < RECENT);
        self.suspicious >= SUSPICIOUS_REFUSALS && !is_recent
    }

    /// Sends the first request of each of a few tokens, to see whether one is taken now.
    ///
    /// Several, since a stranger's token, which PostHog does not know, must not stop everybody's.
    async fn ask_for_some(&mut self, left: &[&Outgoing]) -> Result<(), Error> {
        let mut asked: BTreeSet<&str> = BTreeSet::new();
        let mut reason = String::new();
        for one in left {
            if asked.len() >= TOKENS_ASKED || !asked.insert(&one.request.token) {
                continue;
            }
            match self.send(&one.request).await {
                Answer::Taken => {
                    self.was_taken(one.offset);
                    return Ok(());
                }
                Answer::Refused(refusal) => reason = refusal.reason,
                Answer::Failed(failure) => return Err(Error::transient(failure.reason)),
            }
        }
        match asked.is_empty() {
            true => Ok(()),
            false => Err(Error::paused(format!("every request is refused: {reason}"))),
        }
    }

    /// Counts a failure; whether so many came while others were taken that it is the request's.
    fn is_its_own_fault(&mut self, offset: Offset, failure: &Failure) -> bool {
        if failure.is_everybodys {
            return false;
        }
        let taken = self.taken;
        let failing =
            self.failing.entry(offset).or_insert(Failing { tries: 0, taken_before: taken });
        failing.tries += 1;
        failing.tries >= TRIES && taken > failing.taken_before
    }

    /// Keeps a request as a dead letter; only then is it dealt with.
    fn put_aside(&mut self, one: &Outgoing, reason: String) -> Result<(), Error> {
        self.dead_letters.keep(&DeadLetter {
            journal_offset: one.offset.get(),
            refused_at: Timestamp::now().to_string(),
            reason,
            row: one.request.to_letter(),
        })?;
        self.resolved_ahead.insert(one.offset);
        self.failing.remove(&one.offset);
        Ok(())
    }

    /// Moves on to the first request that is not resolved, or to `end` where all are.
    fn advance(&mut self, outgoing: &[Outgoing], end: Offset) {
        let open = outgoing.iter().map(|one| one.offset);
        let mut open =
            open.filter(|offset| *offset >= self.resolved && !self.resolved_ahead.contains(offset));
        self.resolved = self.resolved.max(open.next().unwrap_or(end));
        self.resolved_ahead.retain(|offset| *offset >= self.resolved);
        self.failing.retain(|offset, _| *offset >= self.resolved);
    }

    fn cursor(&self) -> Cursor {
        Cursor { journal_id: self.journal_id, offset: self.resolved }
    }
}

/// The requests of records, each of which has one.
fn decode(records: Vec<Record>) -> Result<Vec<Outgoing>, Error> {
    let decode = |record: Record| {
        let offset = record.first;
        let request = RawRequest::decode_record(record.payload)
            .map_err(|error| Error::paused(format!("request at offset {offset}: {error}")))?;
        Ok(Outgoing { offset, request })
    };
    records.into_iter().map(decode).collect()
}

#[async_trait]
impl Sink for PosthogSink {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Its journal is nobody else's: nothing but the tee waits where it is full.
    fn importance(&self) -> Importance {
        Importance::Optional
    }

    async fn load_cursor(&mut self) -> Result<Option<Cursor>, Error> {
        let cursor = self.cursor_file.load()?;
        if let Some(cursor) = cursor.filter(|cursor| cursor.journal_id == self.journal_id) {
            self.resolved = cursor.offset;
        }
        Ok(cursor)
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let end = records.iter().map(Record::end).max().unwrap_or(self.resolved);
        let outgoing = decode(records)?;
        let before = self.resolved;
        let sent = self.send_all(&outgoing).await;
        self.advance(&outgoing, end);
        if sent.is_err() && self.resolved > before {
            // Nothing is flushed before all are sent, which may be the next process.
            self.cursor_file.store(self.cursor())?;
        }
        sent
    }

    async fn flush(&mut self) -> Result<Offset, Error> {
        self.cursor_file.store(self.cursor())?;
        Ok(self.resolved)
    }

    fn flush_interval(&self) -> Duration {
        Duration::from_secs(1)
    }
}
