//! `hogflare lake`: looks after the lake, through the running server or else in the folder itself.

mod connect;
mod told;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ArgMatches;
use journal::{Fs, Journal, JournalId, RealFs};
use lake::{Compacted, Expired, Lake, Options, Stats, Verified, Verify};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use self::connect::{READERS, connect};
use super::sql::{with_tail, write};
use crate::config::{Config, Sources};
use crate::data_dir::{DataDir, Lock};
use crate::local_client;

/// Says what the lake has.
pub(crate) fn stats(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let data_dir = data_dir(flags)?;
    let stats: Stats = super::small_runtime()?.block_on(async {
        match reading(&data_dir)? {
            Whom::Server => get(&data_dir, "/api/lake/stats").await,
            Whom::Folder(_lock) => {
                let mut lake = existing(&data_dir).await?;
                if let Some(journal) = journal(&data_dir)? {
                    lake = with_tail(lake, &journal).await?;
                }
                Ok(lake.stats().await?)
            }
        }
    })?;
    tell(flags, &stats, told::stats)
}

/// Looks whether everything is there and as the catalog says; fails where it is not.
pub(crate) fn verify(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let data_dir = data_dir(flags)?;
    let reads_rows = flags.get_flag("rows");
    let verified: Verified = super::small_runtime()?.block_on(async {
        match reading(&data_dir)? {
            Whom::Server => {
                let how = json!({ "reads_rows": reads_rows });
                post(&data_dir, "/api/lake/verify", &how).await
            }
            Whom::Folder(_lock) => {
                let how = Verify { reads_rows, journal: journal(&data_dir)? };
                Ok(existing(&data_dir).await?.verify(how).await?)
            }
        }
    })?;
    tell(flags, &verified, told::verified)?;
    match verified.problems.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::FAILURE),
    }
}

/// Merges small files until none are left that are worth it.
pub(crate) fn compact(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let data_dir = data_dir(flags)?;
    let compacted = super::small_runtime()?.block_on(async {
        let writer = writing(&data_dir).await?;
        let mut all = Compacted::default();
        loop {
            let merged: Compacted = match &writer {
                Writer::Server => post(&data_dir, "/api/lake/compact", &Value::Null).await?,
                Writer::Folder(lake, _) => lake.compact_now().await?,
            };
            all = all.and(merged);
            if merged.files_in == 0 {
                break;
            }
        }
        writer.finish().await?;
        anyhow::Ok(all)
    })?;
    tell(flags, &compacted, told::compacted)
}

/// Lets go of past snapshots, and deletes the files that they alone needed.
pub(crate) fn expire(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let data_dir = data_dir(flags)?;
    let age = *flags.get_one::<Duration>("older-than").unwrap_or(&Duration::from_hours(1));
    let expired: Expired = super::small_runtime()?.block_on(async {
        match writing(&data_dir).await? {
            Writer::Server => {
                let age = json!({ "seconds": age.as_secs() });
                post(&data_dir, "/api/lake/expire", &age).await
            }
            Writer::Folder(lake, _lock) => Ok(lake.expire(age).await?),
        }
    })?;
    tell(flags, &expired, told::expired)
}

/// Whom to ask what the lake has.
enum Whom {
    Server,
    /// Nobody serves the folder while the lock is held.
    Folder(Lock),
}

fn reading(data_dir: &DataDir) -> anyhow::Result<Whom> {
    Ok(data_dir.try_share()?.map_or(Whom::Server, Whom::Folder))
}

/// Who changes files.
enum Writer {
    Server,
    Folder(Lake, Lock),
}

async fn writing(data_dir: &DataDir) -> anyhow::Result<Writer> {
    let Some(lock) = data_dir.try_lock()? else {
        return Ok(Writer::Server);
    };
    // Opening it for writing would make one.
    existing(data_dir).await?;
    let id = journal(data_dir)?.map_or(JournalId::from_uuid(uuid::Uuid::nil()), |one| one.id());
    let (lake, _sink) = Lake::open(&data_dir.lake(), Options::new(id)).await?;
    Ok(Writer::Folder(lake, lock))
}

impl Writer {
    /// Shows what was done in Iceberg's metadata, which the server does by itself.
    async fn finish(&self) -> anyhow::Result<()> {
        if let Self::Folder(lake, _) = self {
            lake.project_metadata().await?;
        }
        Ok(())
    }
}

async fn existing(data_dir: &DataDir) -> anyhow::Result<Lake> {
    match Lake::open_read_only(&data_dir.lake()).await? {
        Some(lake) => Ok(lake),
        None => bail!("no lake in {}", data_dir.path().display()),
    }
}

fn journal(data_dir: &DataDir) -> anyhow::Result<Option<Journal>> {
    let fs: Arc<dyn Fs> = Arc::new(RealFs);
    Ok(Journal::open_read_only(fs, &data_dir.journal())?)
}

fn data_dir(flags: &ArgMatches) -> anyhow::Result<DataDir> {
    DataDir::existing(&Config::parse(&Sources::collect(flags)?)?.data_dir)
}

async fn get<T: DeserializeOwned>(data_dir: &DataDir, path: &str) -> anyhow::Result<T> {
    answered(data_dir, local_client::get(&data_dir.socket(), path).await)
}

async fn post<T: DeserializeOwned>(
    data_dir: &DataDir,
    path: &str,
    asked: &Value,
) -> anyhow::Result<T> {
    let asked = asked.to_string().into();
    answered(data_dir, local_client::post(&data_dir.socket(), path, asked).await)
}

fn answered<T: DeserializeOwned>(
    data_dir: &DataDir,
    answer: anyhow::Result<local_client::Answer>,
) -> anyhow::Result<T> {
    let answer = answer.with_context(|| {
        let socket = data_dir.socket();
        format!("the server of this folder does not answer at {}", socket.display())
    })?;
    if answer.status.is_success() {
        return Ok(serde_json::from_slice(&answer.body)?);
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error"))
}

/// Prints what was found, for people or for programs.
fn tell<T: Serialize>(
    flags: &ArgMatches,
    found: &T,
    told: fn(&T) -> String,
) -> anyhow::Result<ExitCode> {
    let text = match flags.get_flag("json") {
        true => format!("{}\n", serde_json::to_string_pretty(found)?),
        false => told(found),
    };
    write(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
