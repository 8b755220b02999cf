//! Who keeps what is being copied: the server that has the folder, or nobody, who keeps servers out.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use journal::{Fs, Journal, RealFs};
use serde_json::Value;
use server::backup::JournalsNow;

use crate::data_dir::{DataDir, Lock};
use crate::local_client;
use crate::service::backup::files_of;

/// Keeps the folder's files while it is there.
pub(super) enum Holder {
    Server(DataDir, Arc<Mutex<Option<String>>>, tokio::task::JoinHandle<()>),
    Folder(DataDir, #[expect(dead_code, reason = "it is held")] Lock),
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Self::Server(_, _, reading) = self {
            reading.abort();
        }
    }
}

impl Holder {
    /// Has the folder's files kept.
    ///
    /// # Errors
    /// When a server has the folder and does not answer.
    pub(super) async fn take(data_dir: &DataDir) -> anyhow::Result<Self> {
        if let Some(lock) = data_dir.try_share()? {
            return Ok(Self::Folder(data_dir.clone(), lock));
        }
        let socket = data_dir.socket();
        let silent =
            || format!("the server of this folder does not answer at {}", socket.display());
        let mut answer = local_client::begin(&socket, "/api/backup/hold", "{}".into())
            .await
            .with_context(silent)?;
        if answer.status() == http::StatusCode::NOT_FOUND {
            bail!(
                "the server of this folder is older than this program, and cannot be backed up while it runs"
            );
        }
        if !answer.status().is_success() {
            bail!("the server cannot hold its files: {}", answer.status());
        }
        let first = answer.next().await.with_context(silent)?;
        if let Some(error) = error_of(&first.unwrap_or_default()) {
            bail!(error);
        }
        let over = Arc::new(Mutex::new(None));
        let told = Arc::clone(&over);
        let reading = tokio::spawn(async move {
            let reason = loop {
                match answer.next().await {
                    Ok(Some(line)) => {
                        if let Some(error) = error_of(&line) {
                            break error;
                        }
                    }
                    Ok(None) | Err(_) => break "the server went away".to_owned(),
                }
            };
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        });
        Ok(Self::Server(data_dir.clone(), over, reading))
    }

    /// Whether the files have been kept all the time.
    ///
    /// # Errors
    /// When they have not.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let Self::Server(_, over, _) = self else { return Ok(()) };
        match &*over.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(reason) => bail!("the backup cannot go on: {reason}"),
            None => Ok(()),
        }
    }

    /// The journals as far as they are durable now.
    pub(super) async fn journals(&self) -> anyhow::Result<JournalsNow> {
        match self {
            Self::Server(data_dir, ..) => {
                let answer = local_client::get(&data_dir.socket(), "/api/backup/journals").await?;
                Ok(serde_json::from_slice(&answer.body)?)
            }
            Self::Folder(data_dir, _) => {
                let fs: Arc<dyn Fs> = Arc::new(RealFs);
                let events = Journal::open_read_only(Arc::clone(&fs), &data_dir.journal())?;
                let recordings = Journal::open_read_only(fs, &data_dir.recordings_journal())?;
                Ok(JournalsNow {
                    events: events.as_ref().map(files_of),
                    recordings: recordings.as_ref().map(files_of),
                })
            }
        }
    }
}

fn error_of(line: &[u8]) -> Option<String> {
    let last = line.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty())?;
    let told: Value = serde_json::from_slice(last).ok()?;
    Some(told.get("error")?.as_str()?.to_owned())
}
