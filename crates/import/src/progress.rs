//! How far an import is, on standard error: a bar at a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// The bar. Its length is in whatever the sources are measured in: bytes of files, or time.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    total: u64,
    done: AtomicU64,
    events: AtomicU64,
    started: Instant,
    last_line: Mutex<Instant>,
}

impl Bar {
    pub(crate) fn new(total: u64, is_quiet: bool) -> Self {
        let bar = (std::io::stderr().is_terminal() && !is_quiet).then(|| {
            let bar = ProgressBar::new(total);
            let style = "{spinner} [{bar:32}] {percent}% {msg}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        // Nobody waits for a line of a run that is over at once.
        let (done, events) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { bar, total, done, events, started: now, last_line: Mutex::new(now) }
    }

    /// So much of the whole is read.
    pub(crate) fn read(&self, amount: u64) {
        self.done.fetch_add(amount, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.inc(amount);
        }
    }

    /// So many events were acknowledged.
    pub(crate) fn brought(&self, events: u64) {
        let events = self.events.fetch_add(events, Ordering::Relaxed) + events;
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{events} events, {}/s", self.rate(events)));
            return;
        }
        let mut last = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() < LINE_INTERVAL {
            return;
        }
        *last = Instant::now();
        let done = self.done.load(Ordering::Relaxed).min(self.total);
        let percent = (done * 100).checked_div(self.total).unwrap_or(100);
        let left = match done {
            0 => String::new(),
            done => {
                let whole = self.started.elapsed().as_secs_f64() * self.total as f64 / done as f64;
                let left = whole - self.started.elapsed().as_secs_f64();
                format!(", about {} s left", left.max(0.0).round())
            }
        };
        eprintln!("hogflare: {percent} % read, {events} events, {}/s{left}", self.rate(events));
    }

    fn rate(&self, events: u64) -> u64 {
        (events as f64 / self.started.elapsed().as_secs_f64().max(0.001)) as u64
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
