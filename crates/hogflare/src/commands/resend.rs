//! `hogflare resend`: rows that a pipeline had refused, once more.
//!
//! A file of letters is renamed before it is sent, so that the running server, which appends to
//! today's, does not meet it. What was taken moves to `resent/`, what is refused again becomes a letter
//! again. After a crash the next run goes on with the renamed file; what it had sent since it last
//! wrote that file is sent twice, with the same uuid.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ArgMatches;
use journal::{RealFs, write_atomically};
use sink::pipelines::{self, Stream};
use sink::{DeadLetter, DeadLetters};

use crate::config::{Config, Pipelines, Sources};
use crate::data_dir::DataDir;

/// Letters sent before the file is written anew.
const CHUNK: usize = 500;

/// Sends every dead letter again, or says what is there.
pub(crate) fn run(arguments: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(arguments)?)?;
    let data_dir = DataDir::existing(&config.data_dir)?;
    let folders = folders(&data_dir)?;
    if arguments.get_flag("dry-run") {
        return list(&folders);
    }
    let Some(pipelines) = &config.pipelines else {
        bail!("CLOUDFLARE_PIPELINE_ENDPOINT is not set")
    };
    let rows_per_second = *arguments.get_one::<u32>("rows-per-second").unwrap_or(&1_000);
    let runtime = super::small_runtime()?;
    let (mut taken, mut refused) = (0, 0);
    for folder in folders {
        let stream = stream_of(pipelines, &folder)?;
        let resender = Resender { stream, folder: &folder, rows_per_second };
        for file in resender.claim()? {
            let (file_taken, file_refused) = runtime.block_on(resender.send(&file))?;
            (taken, refused) = (taken + file_taken, refused + file_refused);
        }
    }
    println!("{taken} rows taken, {refused} refused again");
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The folders of dead letters, one for each sink that has had any.
fn folders(data_dir: &DataDir) -> anyhow::Result<Vec<PathBuf>> {
    let path = data_dir.dead_letters();
    match std::fs::read_dir(&path) {
        Ok(entries) => {
            Ok(entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn list(folders: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut by_reason: BTreeMap<(String, String), usize> = BTreeMap::new();
    for folder in folders {
        for file in DeadLetters::new("resend", folder.clone()).files()? {
            for letter in read(&file)? {
                *by_reason.entry((name_of(folder), letter.reason)).or_default() += 1;
            }
        }
    }
    for ((sink, reason), rows) in &by_reason {
        println!("{rows:>8}  {sink}: {reason}");
    }
    if by_reason.is_empty() {
        println!("no dead letters");
    }
    Ok(ExitCode::SUCCESS)
}

fn stream_of<'a>(pipelines: &'a Pipelines, folder: &Path) -> anyhow::Result<&'a Stream> {
    let name = name_of(folder);
    pipelines.all().find(|stream| stream.name == name).with_context(|| {
        format!(
            "{} holds rows of {name}, a stream that is not configured any more",
            folder.display()
        )
    })
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(file: &Path) -> anyhow::Result<Vec<DeadLetter>> {
    DeadLetters::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Sends the letters of one sink.
struct Resender<'a> {
    stream: &'a Stream,
    folder: &'a Path,
    rows_per_second: u32,
}

impl Resender<'_> {
    /// Renames the files of letters, and finds those that an earlier run had renamed.
    fn claim(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut claimed = Vec::new();
        for entry in std::fs::read_dir(self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "resending") {
                claimed.push(path);
            }
        }
        let letters = DeadLetters::new(self.stream.name, self.folder.to_path_buf());
        for file in letters.files()? {
            let names = (0..).map(|number| file.with_extension(format!("{number}.resending")));
            let target = names.into_iter().find(|name| !name.exists()).expect("numbers go on");
            std::fs::rename(&file, &target)?;
            claimed.push(target);
        }
        claimed.sort();
        Ok(claimed)
    }

    /// Sends a file's letters; returns how many were taken and refused.
    async fn send(&self, file: &Path) -> anyhow::Result<(usize, usize)> {
        let kept = DeadLetters::new(self.stream.name, self.folder.to_path_buf());
        let mut left = read(file)?;
        let (mut taken, mut refused) = (0, 0);
        while !left.is_empty() {
            let started = Instant::now();
            let rest = left.split_off(left.len().min(CHUNK));
            let resent = pipelines::resend(&self.stream.config, left.clone()).await?;
            self.archive(&left, &resent.refused)?;
            resent.refused.iter().try_for_each(|letter| kept.keep(letter))?;
            (taken, refused) = (taken + resent.taken, refused + resent.refused.len());
            let due = Duration::from_secs_f64(left.len() as f64 / f64::from(self.rows_per_second));
            write_atomically(&RealFs, file, &lines(&rest)?)?;
            left = rest;
            tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
        }
        std::fs::remove_file(file)?;
        Ok((taken, refused))
    }

    /// Keeps what was taken, for whoever asks later.
    fn archive(&self, sent: &[DeadLetter], refused: &[DeadLetter]) -> anyhow::Result<()> {
        let is_refused = |letter: &DeadLetter| {
            refused.iter().any(|other| {
                (other.journal_offset, other.row.get()) == (letter.journal_offset, letter.row.get())
            })
        };
        let taken: Vec<DeadLetter> =
            sent.iter().filter(|letter| !is_refused(letter)).cloned().collect();
        let folder = self.folder.join("resent");
        std::fs::create_dir_all(&folder)?;
        let day = event::Timestamp::now().to_string().chars().take(10).collect::<String>();
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(format!("{day}.ndjson")))?;
        file.write_all(&lines(&taken)?)?;
        Ok(file.sync_all()?)
    }
}

fn lines(letters: &[DeadLetter]) -> anyhow::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for letter in letters {
        serde_json::to_writer(&mut lines, letter)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
