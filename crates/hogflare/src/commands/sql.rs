//! `hogflare sql`: asks the running server through its socket, or else the folder itself.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::ArgMatches;
use journal::{Fs, Journal, RealFs};
use lake::Lake;
use query::{Engine, Format, Limits};

use crate::config::{Config, Sources};
use crate::data_dir::DataDir;
use crate::local_client;

/// Journal bytes read at a time.
const READ_BYTES: usize = 16 * 1024 * 1024;

/// Prints the answer to a query.
pub(crate) fn run(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(flags)?)?;
    let argument =
        |name: &str| flags.get_one::<String>(name).map(String::as_str).unwrap_or_default();
    let (sql, format) = (argument("query"), argument("format"));
    let data_dir = DataDir::existing(&config.data_dir)?;
    let text = super::small_runtime()?.block_on(ask(&data_dir, sql, format))?;
    write(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The answer of the running server, or else of the folder itself.
pub(super) async fn ask(data_dir: &DataDir, sql: &str, format: &str) -> anyhow::Result<Vec<u8>> {
    match data_dir.try_share()? {
        Some(_lock) => ask_folder(data_dir, sql, format).await,
        None => ask_server(data_dir, sql, format).await,
    }
}

async fn ask_server(data_dir: &DataDir, sql: &str, format: &str) -> anyhow::Result<Vec<u8>> {
    let question = serde_json::json!({ "query": sql, "format": format }).to_string();
    let socket = data_dir.socket();
    let answer =
        local_client::post(&socket, "/api/sql", question.into()).await.with_context(|| {
            format!("the server of this folder does not answer at {}", socket.display())
        })?;
    if answer.status.is_success() {
        return Ok(answer.body.to_vec());
    }
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error"))
}

/// Reads the lake and the journal's rows that it lacks, changing neither.
async fn ask_folder(data_dir: &DataDir, sql: &str, format: &str) -> anyhow::Result<Vec<u8>> {
    let Some(mut lake) = Lake::open_read_only(&data_dir.lake()).await? else {
        bail!("no lake in {}", data_dir.path().display())
    };
    let fs: Arc<dyn Fs> = Arc::new(RealFs);
    if let Some(journal) = Journal::open_read_only(fs, &data_dir.journal())? {
        lake = with_tail(lake, &journal).await?;
    }
    let format: Format = format.parse().map_err(anyhow::Error::msg)?;
    Ok(Engine::new(lake, Limits::default())?.answer(sql, format).await?)
}

/// The lake and the rows that it has not committed yet.
pub(super) async fn with_tail(mut lake: Lake, journal: &Journal) -> anyhow::Result<Lake> {
    let first = journal.cursor(journal.first());
    let cursor = lake.cursor(journal.id()).filter(|cursor| cursor.offset > first.offset);
    let mut reader = journal.reader(cursor.unwrap_or(first))?;
    loop {
        let records = reader.read(READ_BYTES)?;
        if records.is_empty() {
            return Ok(lake);
        }
        lake = lake.with_tail(records, journal.id()).await?;
    }
}

/// Writes to standard output; a reader that has seen enough is no error.
pub(super) fn write(text: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
