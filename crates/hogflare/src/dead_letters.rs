//! Rows that a pipeline had refused for good, and requests that PostHog had, and sending them once more.
//!
//! A file of letters is renamed before it is sent, so that the running server, which appends to
//! today's, does not meet it. What was taken moves to `resent/`, what is refused again becomes a letter
//! again. After a crash the next run goes on with the renamed file; the rows of the request that was
//! under way are sent twice, with the same uuid.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use event::Erased;
use journal::{RealFs, write_atomically};
use sink::pipelines::{self, Resent};
use sink::{Backoff, DeadLetter, DeadLetters, Retry, posthog};

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::service::erasures;

/// Most letters of a request.
const CHUNK_LETTERS: usize = 500;
/// Tries of a request, before the rest is left to another run.
const TRIES: u32 = 6;

/// Most requests that are sent to PostHog before what became of them is noted: where one fails, those before
/// it are sent again.
const CHUNK_REQUESTS: usize = 10;
/// Most bytes of them.
const CHUNK_BYTES: usize = 4 << 20;

/// Who gets letters, by the name of the sink that had them.
#[derive(Clone, Debug)]
pub(crate) struct Addressees(Vec<(&'static str, Addressee)>);

#[derive(Clone, Debug)]
enum Addressee {
    Pipeline(pipelines::Config),
    Posthog(posthog::Config),
}

impl Addressees {
    /// Those of a configuration; `None` where it has none.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        let streams = config.pipelines.iter().flat_map(|pipelines| pipelines.all());
        let streams =
            streams.map(|stream| (stream.name, Addressee::Pipeline(stream.config.clone())));
        let tee =
            config.tee.iter().map(|tee| (posthog::NAME, Addressee::Posthog(tee.posthog.clone())));
        let all: Vec<_> = streams.chain(tee).collect();
        (!all.is_empty()).then_some(Self(all))
    }

    fn of_folder(&self, folder: &Path) -> anyhow::Result<(&'static str, &Addressee)> {
        let name = name_of(folder);
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(name, addressee)| (*name, addressee)).with_context(|| {
            format!(
                "{} holds letters of a sink that is not configured any more; rename the folder to the \
                 sink that shall have them, such as `pipelines`",
                folder.display()
            )
        })
    }
}

/// Sends rows to a pipeline, and tries again for a while where that may help.
///
/// # Errors
/// When it did not help, or only an operator can.
pub(crate) async fn try_to_send(
    config: &pipelines::Config,
    letters: &[DeadLetter],
) -> anyhow::Result<Resent> {
    Addressee::Pipeline(config.clone()).try_to_send(letters).await
}

impl Addressee {
    async fn try_to_send(&self, letters: &[DeadLetter]) -> anyhow::Result<Resent> {
        let mut backoff = Backoff::default();
        loop {
            match self.resend(letters.to_vec()).await {
                Err(error) if error.retry != Retry::Paused && backoff.failures() + 1 < TRIES => {
                    tokio::time::sleep(backoff.next(error.retry)).await;
                }
                done => return Ok(done?),
            }
        }
    }

    /// Most letters, and bytes of letters, that are sent before what became of them is noted.
    fn chunk(&self) -> (usize, usize) {
        match self {
            Self::Pipeline(config) => (CHUNK_LETTERS, config.max_batch_bytes),
            Self::Posthog(_) => (CHUNK_REQUESTS, CHUNK_BYTES),
        }
    }

    async fn resend(&self, letters: Vec<DeadLetter>) -> Result<Resent, sink::Error> {
        match self {
            Self::Pipeline(config) => pipelines::resend(config, letters).await,
            Self::Posthog(config) => posthog::resend(config, letters).await,
        }
    }
}

/// Rows that were sent again, and what went wrong with streams as a whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) taken: usize,
    pub(crate) refused: usize,
    pub(crate) troubles: Vec<String>,
}

impl Outcome {
    /// Whether no letter is left.
    pub(crate) fn is_everything_sent(&self) -> bool {
        self.troubles.is_empty() && self.refused == 0
    }
}

/// Sends every dead letter again.
///
/// # Errors
/// When the letters cannot be read at all. One stream that is gone or in trouble is no reason to leave out
/// the others.
pub(crate) async fn resend(
    addressees: &Addressees,
    data_dir: &DataDir,
    rows_per_second: u32,
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    for folder in &folders(data_dir)? {
        let sent = match addressees.of_folder(folder) {
            Ok((name, addressee)) => {
                let erasures = data_dir.erasures();
                let resender = Resender { name, addressee, folder, rows_per_second, erasures };
                resender.send_all(&mut outcome).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            outcome.troubles.push(format!("{error:#}"));
        }
    }
    Ok(outcome)
}

/// How many letters there are, by sink and reason.
///
/// # Errors
/// When they cannot be read.
pub(crate) fn by_reason(data_dir: &DataDir) -> anyhow::Result<BTreeMap<(String, String), usize>> {
    let mut by_reason: BTreeMap<(String, String), usize> = BTreeMap::new();
    for folder in folders(data_dir)? {
        for file in DeadLetters::new("resend", folder.clone()).files()? {
            for letter in DeadLetters::read(&file)?.0 {
                *by_reason.entry((name_of(&folder), letter.reason)).or_default() += 1;
            }
        }
    }
    Ok(by_reason)
}

/// The folders that hold letters, one for each sink.
fn folders(data_dir: &DataDir) -> anyhow::Result<Vec<PathBuf>> {
    let path = data_dir.dead_letters();
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !DeadLetters::new("resend", path.clone()).files()?.is_empty() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Sends the letters of one sink.
struct Resender<'a> {
    name: &'static str,
    addressee: &'a Addressee,
    folder: &'a Path,
    rows_per_second: u32,
    /// The folder of erasures.
    erasures: PathBuf,
}

impl Resender<'_> {
    async fn send_all(&self, count: &mut Outcome) -> anyhow::Result<()> {
        let Some(_alone) = self.letters().alone()? else {
            bail!("another resend, or an erasure, is at work in {}", self.folder.display());
        };
        self.letters().erase(&self.erased()?)?;
        for file in self.letters().claim()? {
            self.send(&file, count).await?;
        }
        Ok(())
    }

    /// What is erased of these letters; requests do not say whose they are.
    fn erased(&self) -> anyhow::Result<Erased> {
        match self.addressee {
            Addressee::Pipeline(_) => erasures::erased(&self.erasures),
            Addressee::Posthog(_) => Ok(Erased::default()),
        }
    }

    /// Sends a file's letters, a request at a time.
    async fn send(&self, file: &Path, count: &mut Outcome) -> anyhow::Result<()> {
        let (mut left, unreadable) = DeadLetters::read(file)?;
        if !unreadable.is_empty() {
            let aside = file.with_extension("unreadable");
            let (lines, aside) = (unreadable.len(), aside.display().to_string());
            append(Path::new(&aside), unreadable.join("\n").as_bytes())?;
            count.troubles.push(format!("{lines} lines are no letters, and are in {aside} now"));
        }
        // Of whom was erased after this began; the erasure waits, and removes them then.
        let mut erased = Vec::new();
        loop {
            let erasures = self.erased()?;
            erased.extend(left.extract_if(.., |letter| letter.is_erased(&erasures)));
            if left.is_empty() {
                break;
            }
            let started = Instant::now();
            let rest = left.split_off(self.chunk(&left));
            let resent = self.addressee.try_to_send(&left).await?;
            append(&self.archive()?, &lines(&taken(&left, &resent.refused))?)?;
            resent.refused.iter().try_for_each(|letter| self.letters().keep(letter))?;
            write_atomically(&RealFs, file, &[lines(&rest)?, lines(&erased)?].concat())?;
            count.taken += resent.taken;
            count.refused += resent.refused.len();
            let due = Duration::from_secs_f64(left.len() as f64 / f64::from(self.rows_per_second));
            left = rest;
            tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
        }
        match erased.is_empty() {
            true => Ok(std::fs::remove_file(file)?),
            false => Ok(write_atomically(&RealFs, file, &lines(&erased)?)?),
        }
    }

    /// How many letters go into one request.
    fn chunk(&self, letters: &[DeadLetter]) -> usize {
        let (most_letters, most_bytes) = self.addressee.chunk();
        let mut bytes = 0;
        let fits = |letter: &&DeadLetter| {
            bytes += letter.row.get().len() + 1;
            bytes < most_bytes
        };
        letters.iter().take(most_letters).take_while(fits).count().max(1)
    }

    fn letters(&self) -> DeadLetters {
        DeadLetters::new(self.name, self.folder.to_path_buf())
    }

    /// Where today's letters are kept that were taken.
    fn archive(&self) -> std::io::Result<PathBuf> {
        let folder = self.folder.join("resent");
        std::fs::create_dir_all(&folder)?;
        let day: String = event::Timestamp::now().to_string().chars().take(10).collect();
        Ok(folder.join(format!("{day}.ndjson")))
    }
}

/// The letters that were sent and not refused.
fn taken(sent: &[DeadLetter], refused: &[DeadLetter]) -> Vec<DeadLetter> {
    let is_same = |one: &DeadLetter, other: &DeadLetter| {
        (one.journal_offset, one.row.get()) == (other.journal_offset, other.row.get())
    };
    let is_refused = |letter: &DeadLetter| refused.iter().any(|other| is_same(letter, other));
    sent.iter().filter(|letter| !is_refused(letter)).cloned().collect()
}

fn append(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn lines(letters: &[DeadLetter]) -> anyhow::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for letter in letters {
        serde_json::to_writer(&mut lines, letter)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
