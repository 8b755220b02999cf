//! `hogflare sql`: asks the running server through its socket, or else the folder itself.

mod shell;
mod words;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::ArgMatches;
use futures::StreamExt;
use journal::{Fs, Journal, RealFs};
use lake::Lake;
use lake::rest::{self, Attached};
use query::{CatalogTables, Engine, Format, Limits};

use crate::config::{Config, Sources};
use crate::data_dir::DataDir;
use crate::local_client;

/// Journal bytes read at a time.
const READ_BYTES: usize = 16 * 1024 * 1024;

/// Prints the answer to a query.
pub(crate) fn run(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(flags)?)?;
    let target = Target::of(&config)?;
    let format = flags.get_one::<String>("format").map(String::as_str).unwrap_or_default();
    let runtime = super::small_runtime()?;
    let sql = match flags.get_one::<String>("query") {
        Some(sql) => sql.clone(),
        None if std::io::stdin().is_terminal() => return shell::run(&target, format, &runtime),
        None => std::io::read_to_string(std::io::stdin())?,
    };
    let mut out = std::io::stdout().lock();
    is_read(runtime.block_on(ask_into(&target, &sql, format, &mut out)))?;
    is_read(out.flush().map_err(anyhow::Error::from))?;
    Ok(ExitCode::SUCCESS)
}

/// Who is asked: the server that has the folder open, or else the folder itself, or the catalog that the
/// server would ask.
pub(super) struct Target {
    pub(super) data_dir: DataDir,
    catalog: Option<rest::Config>,
}

impl Target {
    /// As the configuration says.
    ///
    /// # Errors
    /// When there is no such folder.
    pub(super) fn of(config: &Config) -> anyhow::Result<Self> {
        let catalog = config.catalog.clone().filter(|_| config.asks_catalog());
        Ok(Self { data_dir: DataDir::existing(&config.data_dir)?, catalog })
    }
}

/// The answer as a whole.
pub(super) async fn ask(target: &Target, sql: &str, format: &str) -> anyhow::Result<Vec<u8>> {
    let mut all = Vec::new();
    ask_into(target, sql, format, &mut all).await?;
    Ok(all)
}

/// Writes the answer as it comes.
async fn ask_into(
    target: &Target,
    sql: &str,
    format: &str,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let Target { data_dir, catalog } = target;
    match (data_dir.try_share()?, catalog) {
        (None, _) => ask_server(data_dir, sql, format, out).await,
        (Some(_lock), None) => ask_folder(data_dir, sql, format, out).await,
        (Some(_lock), Some(catalog)) => ask_catalog(catalog, sql, format, out).await,
    }
}

async fn ask_server(
    data_dir: &DataDir,
    sql: &str,
    format: &str,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let question = serde_json::json!({ "query": sql, "format": format }).to_string();
    let socket = data_dir.socket();
    let mut answer =
        local_client::begin(&socket, "/api/sql", question.into()).await.with_context(|| {
            format!("the server of this folder does not answer at {}", socket.display())
        })?;
    if answer.status().is_success() {
        while let Some(piece) = answer.next().await.context("the answer broke off")? {
            out.write_all(&piece)?;
        }
        return Ok(());
    }
    let body: serde_json::Value = serde_json::from_slice(&answer.rest().await?).unwrap_or_default();
    bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error"))
}

/// Reads the lake and the journal's rows that it lacks, changing neither.
async fn ask_folder(
    data_dir: &DataDir,
    sql: &str,
    format: &str,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let Some(mut lake) = Lake::open_read_only(&data_dir.lake()).await? else {
        bail!("no lake in {}", data_dir.path().display())
    };
    let fs: Arc<dyn Fs> = Arc::new(RealFs);
    if let Some(journal) = Journal::open_read_only(fs, &data_dir.journal())? {
        lake = with_tail(lake, &journal).await?;
    }
    write_answer(&Engine::new(lake, Limits::default())?, sql, format, out).await
}

/// Reads the catalog's tables as they are now.
async fn ask_catalog(
    catalog: &rest::Config,
    sql: &str,
    format: &str,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let tables = CatalogTables::new(Attached::new(catalog.clone())?);
    for trouble in tables.refresh().await? {
        eprintln!("hogflare: {trouble}");
    }
    write_answer(&Engine::new(tables, Limits::default())?, sql, format, out).await
}

async fn write_answer(
    engine: &Engine,
    sql: &str,
    format: &str,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let format: Format = format.parse().map_err(anyhow::Error::msg)?;
    let mut answer = engine.write(sql, format).await?;
    while let Some(piece) = answer.next().await {
        out.write_all(&piece?)?;
    }
    Ok(())
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
    is_read(out.write_all(text).and_then(|()| out.flush()).map_err(anyhow::Error::from))
}

/// Takes a reader that has seen enough for one that has seen all.
fn is_read(written: anyhow::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if is_broken_pipe(&error) => Ok(()),
        other => other,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
