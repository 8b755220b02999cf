//! What every sink needs: its loop.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::{Hold, Journal, Offset, Reader, Record};
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::{Archive, Backoff, Error, Health, Importance, Retry, Sink, Status, metrics};

/// Journal bytes read and handed over at a time.
const READ_BYTES: usize = 4 * 1024 * 1024;
/// How long rows gather before they are handed over, so that a sink sees batches under load.
const LINGER: Duration = Duration::from_millis(20);
/// Longest wait before another try while the service stops.
const LONGEST_WHILE_STOPPING: Duration = Duration::from_secs(1);
/// How often lag is reported when nothing happens.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// How an optional sink is kept from filling the journal.
#[derive(Clone)]
pub struct Parking {
    /// The share of the journal's budget that the sink may hold, in bytes.
    pub share_bytes: u64,
    /// Where it finds what it missed; without one it misses that for good, and says so.
    pub archive: Option<Arc<dyn Archive>>,
}

impl fmt::Debug for Parking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parking").field("share_bytes", &self.share_bytes).finish_non_exhaustive()
    }
}

/// Drives one sink from its cursor to the end of the journal, and on.
#[derive(Debug)]
pub struct Runner<S> {
    journal: Journal,
    sink: S,
    hold: Hold,
    parking: Option<Parking>,
    is_parked: bool,
    status: Status,
    backoff: Backoff,
    /// Everything below was written to the sink.
    written: Offset,
    /// Everything below is durable in the sink.
    flushed: Offset,
    last_flush: Instant,
    caught_up_at: Instant,
    /// How long to go on trying when told to stop.
    drain: Duration,
    stopping_since: Option<Instant>,
}

/// The service stops; what is not kept yet stays in the journal.
struct Stopped;

impl<S: Sink> Runner<S> {
    /// Prepares a runner; from here on the journal keeps what the sink lacks.
    pub fn new(journal: Journal, sink: S) -> Self {
        let hold = journal.hold(sink.name(), journal.first());
        let status = Status::new(sink.name());
        let (written, flushed) = (journal.first(), journal.first());
        let (last_flush, caught_up_at) = (Instant::now(), Instant::now());
        let backoff = Backoff::default();
        Self {
            journal,
            sink,
            hold,
            parking: None,
            is_parked: false,
            status,
            backoff,
            written,
            flushed,
            last_flush,
            caught_up_at,
            drain: Duration::ZERO,
            stopping_since: None,
        }
    }

    /// Lets the sink go on trying for so long when told to stop, for disks that do not last: what is
    /// in the journal then is gone.
    pub fn with_drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// Parks the sink when it falls too far behind, if it is an optional one.
    pub fn with_parking(mut self, parking: Parking) -> Self {
        self.parking = Some(parking).filter(|_| self.sink.importance() == Importance::Optional);
        self
    }

    /// How the sink is doing, from now on.
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Runs until `stop` turns true, then hands over what is left and flushes once more.
    ///
    /// A failure while stopping ends the run: the journal has the rows, and the next start goes on
    /// from the cursor.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let Err(Stopped) = self.drive(&mut stop).await;
        if self.flushed != self.written
            && let Err(error) = self.sink.flush().await
        {
            warn!(sink = self.sink.name(), %error, "the next start hands some rows over again");
        }
        info!(sink = self.sink.name(), written = %self.written, "sink stopped");
    }

    async fn drive(&mut self, stop: &mut watch::Receiver<bool>) -> Result<Infallible, Stopped> {
        let mut reader = self.open_reader(stop).await?;
        let mut synced = self.journal.subscribe();
        loop {
            let stopping = *stop.borrow();
            synced.borrow_and_update();
            let (returned, records) = read(reader).await;
            reader = returned;
            match records {
                Ok(records) if records.is_empty() => {
                    self.caught_up_at = Instant::now();
                    if stopping {
                        self.flush(stop).await?;
                        return Err(Stopped);
                    }
                    self.wait(&mut synced, stop).await;
                }
                Ok(records) => {
                    self.write(records, reader.offset(), stop).await?;
                    if self.is_over_share() {
                        self.park();
                    }
                    if self.is_parked {
                        self.flush(stop).await?;
                        reader = self.open_reader(stop).await?;
                    }
                }
                Err(error) => {
                    self.failed(&Error::transient(error.to_string()), stop).await?;
                    reader = self.open_reader(stop).await?;
                }
            }
            if self.last_flush.elapsed() >= self.sink.flush_interval() {
                self.flush(stop).await?;
            }
            self.report();
        }
    }

    /// Opens the journal at the sink's cursor, or behind what it had to catch up on.
    async fn open_reader(&mut self, stop: &mut watch::Receiver<bool>) -> Result<Reader, Stopped> {
        loop {
            match self.position().await {
                Ok(offset) => {
                    (self.written, self.flushed) = (offset, offset);
                    self.hold.advance(offset);
                    self.status.set_kept(offset);
                    self.status.set_written(offset);
                }
                Err(error) => {
                    self.failed(&error, stop).await?;
                    continue;
                }
            }
            if self.is_parked || self.is_gone() {
                self.catch_up(stop).await?;
            }
            match self.journal.reader(self.journal.cursor(self.flushed)) {
                Ok(reader) => return Ok(reader),
                Err(error) => self.failed(&Error::paused(error.to_string()), stop).await?,
            }
        }
    }

    /// The offset from which the sink lacks rows.
    async fn position(&mut self) -> Result<Offset, Error> {
        let first = self.journal.first();
        match self.sink.load_cursor().await? {
            None => Ok(first),
            Some(cursor) if cursor.journal_id != self.journal.id() => {
                warn!(sink = self.sink.name(), %cursor, journal_id = %self.journal.id(),
                    "the cursor belongs to another journal, beginning with the oldest row of this one");
                Ok(first)
            }
            Some(cursor) if cursor.offset < first && self.parking.is_none() => {
                error!(sink = self.sink.name(), %cursor, %first,
                    "rows between the cursor and the journal's oldest are gone from the journal");
                Ok(first)
            }
            Some(cursor) => Ok(cursor.offset),
        }
    }

    fn is_gone(&self) -> bool {
        self.flushed < self.journal.first()
    }

    /// Whether the sink holds more of the journal than its share.
    fn is_over_share(&self) -> bool {
        let share = self.parking.as_ref().map(|parking| parking.share_bytes);
        share.is_some_and(|share| self.journal.lag_bytes(self.flushed) > share)
    }

    /// Lets go of the journal, so that others do not suffer.
    fn park(&mut self) {
        if !self.is_parked {
            let kept = self.flushed;
            error!(sink = self.sink.name(), %kept, "sink is over its share of the journal, parked");
            self.is_parked = true;
            self.hold.park();
            self.status.set_health(Health::Parked);
            ::metrics::gauge!(metrics::PARKED, "sink" => self.sink.name()).set(1.0);
        }
    }

    /// Takes from the archive what the journal may no longer have, then holds the journal again.
    async fn catch_up(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), Stopped> {
        let Some(Parking { archive, .. }) = self.parking.clone() else { return Ok(()) };
        self.park();
        let Some(archive) = archive else { return self.go_on_without(stop).await };
        let journal_id = self.journal.id();
        info!(sink = self.sink.name(), from = %self.flushed, "catching up from the lake");
        loop {
            let end = match archive.end(journal_id).await {
                Ok(end) => end,
                Err(error) => {
                    self.failed(&error, stop).await?;
                    continue;
                }
            };
            while self.written < end {
                if *stop.borrow() {
                    return Err(Stopped);
                }
                match archive.records(journal_id, self.written, end).await {
                    Ok(records) => self.take_archived(records, end, stop).await?,
                    Err(error) => self.failed(&error, stop).await?,
                }
            }
            self.flush_archived(stop).await?;
            // The lake holds the journal from its own end on, so this succeeds unless it just moved
            // or somebody took rows out of the lake.
            match self.hold.resume(self.flushed) {
                Ok(()) => {
                    self.unpark();
                    return Ok(());
                }
                Err(error) => self.failed(&Error::transient(error.to_string()), stop).await?,
            }
        }
    }

    /// Goes on with the oldest row that the journal still has.
    async fn go_on_without(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), Stopped> {
        loop {
            let first = self.journal.first();
            if first > self.flushed {
                self.skip(first);
            }
            match self.hold.resume(self.flushed) {
                Ok(()) => {
                    self.unpark();
                    return Ok(());
                }
                Err(error) => self.failed(&Error::transient(error.to_string()), stop).await?,
            }
        }
    }

    /// Writes rows from the archive, up to `end` when there are none.
    async fn take_archived(
        &mut self,
        records: Vec<Record>,
        end: Offset,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Stopped> {
        let Some((first, last)) = records.first().zip(records.last()) else {
            self.skip(end);
            return Ok(());
        };
        let (first, end) = (first.first, last.end());
        if first > self.written {
            self.skip(first);
        }
        self.write(records, end, stop).await?;
        match self.last_flush.elapsed() >= self.sink.flush_interval() {
            true => self.flush_archived(stop).await,
            false => Ok(()),
        }
    }

    /// Flushes; what was skipped behind the last row is nothing that a sink could lack.
    async fn flush_archived(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), Stopped> {
        self.flush(stop).await?;
        self.flushed = self.written;
        Ok(())
    }

    /// Steps over offsets that are nowhere to be found.
    ///
    /// The journal itself leaves offsets unused after a failure, and the lake does not keep changes of
    /// persons for which later ones count, so this alone is no loss; whoever deleted rows from the
    /// lake, or has none, finds the range here.
    fn skip(&mut self, to: Offset) {
        let offsets = to.rows_since(self.written);
        error!(sink = self.sink.name(), from = %self.written, %to, "no rows at these offsets in journal or lake, going on behind them");
        ::metrics::counter!(metrics::SKIPPED_TOTAL, "sink" => self.sink.name()).increment(offsets);
        if self.flushed == self.written {
            self.flushed = to;
        }
        self.written = to;
    }

    fn unpark(&mut self) {
        self.is_parked = false;
        self.written = self.flushed;
        self.status.set_health(Health::Working);
        ::metrics::gauge!(metrics::PARKED, "sink" => self.sink.name()).set(0.0);
        info!(sink = self.sink.name(), offset = %self.flushed, "caught up, back to the journal");
    }

    async fn write(
        &mut self,
        records: Vec<Record>,
        end: Offset,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Stopped> {
        while let Err(error) = self.sink.write(records.clone()).await {
            self.failed(&error, stop).await?;
        }
        self.worked();
        self.written = end;
        self.status.set_written(end);
        Ok(())
    }

    async fn flush(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), Stopped> {
        self.last_flush = Instant::now();
        if self.flushed == self.written {
            return Ok(());
        }
        loop {
            match self.sink.flush().await {
                Ok(offset) => {
                    self.worked();
                    let rows = offset.get().saturating_sub(self.flushed.get());
                    ::metrics::counter!(metrics::ROWS_TOTAL, "sink" => self.sink.name())
                        .increment(rows);
                    self.flushed = offset;
                    self.hold.advance(offset);
                    self.status.set_kept(offset);
                    self.last_flush = Instant::now();
                    return Ok(());
                }
                Err(error) => self.failed(&error, stop).await?,
            }
        }
    }

    fn worked(&mut self) {
        if self.backoff.failures() > 0 {
            info!(sink = self.sink.name(), "sink works again");
            self.backoff.reset();
        }
        if !self.is_parked {
            self.status.set_health(Health::Working);
        }
        ::metrics::gauge!(metrics::PAUSED, "sink" => self.sink.name()).set(0.0);
    }

    /// Reports a failure and waits before the next try.
    async fn failed(
        &mut self,
        error: &Error,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Stopped> {
        let sink = self.sink.name();
        let delay = self.backoff.next(error.retry);
        ::metrics::counter!(metrics::FAILURES_TOTAL, "sink" => sink).increment(1);
        let paused = error.retry == Retry::Paused;
        ::metrics::gauge!(metrics::PAUSED, "sink" => sink).set(f64::from(u8::from(paused)));
        let health = match paused {
            _ if self.is_parked => Health::Parked,
            true => Health::Paused(error.message.clone()),
            false => Health::Retrying(error.message.clone()),
        };
        self.status.set_health(health);
        match paused {
            true => {
                error!(sink, %error, "sink paused until this is put right, looking again in {delay:?}")
            }
            false => {
                warn!(sink, attempt = self.backoff.failures(), %error, "sink failed, retrying in {delay:?}")
            }
        }
        if *stop.borrow() {
            return self.try_again_while_stopping(delay, paused).await;
        }
        let until = Instant::now() + delay;
        loop {
            if self.is_over_share() {
                self.park();
            }
            self.report();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let stopping = stop.wait_for(|stop| *stop);
            let stopped = tokio::time::timeout(left.min(REPORT_INTERVAL), stopping).await.is_ok();
            if stopped {
                return self.try_again_while_stopping(Duration::ZERO, paused).await;
            }
        }
    }

    /// Waits before another try, but not for long, and not for ever.
    async fn try_again_while_stopping(
        &mut self,
        delay: Duration,
        paused: bool,
    ) -> Result<(), Stopped> {
        let since = *self.stopping_since.get_or_insert_with(Instant::now);
        if paused || since.elapsed() >= self.drain {
            return Err(Stopped);
        }
        tokio::time::sleep(delay.min(LONGEST_WHILE_STOPPING)).await;
        Ok(())
    }

    /// Waits for new rows, for the time to flush or report, or for the stop.
    async fn wait(&self, synced: &mut watch::Receiver<Offset>, stop: &mut watch::Receiver<bool>) {
        let wake = match self.flushed == self.written {
            true => REPORT_INTERVAL,
            false => self.sink.flush_interval().saturating_sub(self.last_flush.elapsed()),
        };
        tokio::select! {
            changed = synced.changed() => match changed {
                Ok(()) => tokio::time::sleep(LINGER).await,
                // The journal's writer is gone: only the stop is left to wait for.
                Err(_) => { drop(tokio::time::timeout(wake, stop.changed()).await); }
            },
            () = tokio::time::sleep(wake) => {}
            _ = stop.changed() => {}
        }
    }

    fn report(&self) {
        let sink = self.sink.name();
        let lag = self.journal.synced().get().saturating_sub(self.flushed.get());
        let seconds = match lag {
            0 => 0.0,
            _ => self.caught_up_at.elapsed().as_secs_f64(),
        };
        ::metrics::gauge!(metrics::LAG_ROWS, "sink" => sink).set(lag as f64);
        ::metrics::gauge!(metrics::LAG_BYTES, "sink" => sink)
            .set(self.journal.lag_bytes(self.flushed) as f64);
        ::metrics::gauge!(metrics::LAG_SECONDS, "sink" => sink).set(seconds);
    }
}

/// Reads on a thread that may block.
async fn read(mut reader: Reader) -> (Reader, Result<Vec<Record>, journal::Error>) {
    let read = tokio::task::spawn_blocking(move || {
        let records = reader.read(READ_BYTES);
        (reader, records)
    });
    read.await.expect("reading does not panic")
}
