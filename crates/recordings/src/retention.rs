//! How long recordings are kept, and how much of them.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use event::{Timestamp, Token};
use metrics::counter;
use tokio::sync::watch;
use tracing::{debug, info, warn};

use crate::object;

/// How often the folder is looked through.
const INTERVAL: Duration = Duration::from_secs(300);
/// What a folder takes beside its files: its own block, and those around it.
const FOLDER_BYTES: u64 = 8 << 10;
/// Sessions removed, by why.
const REMOVED_TOTAL: &str = "hogflare_recordings_removed_total";

/// What is kept at most.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// How long: a day's sessions go when the day ended this long ago.
    pub time: Duration,
    /// How many bytes: beyond it the oldest sessions go.
    pub bytes: u64,
}

impl Retention {
    /// Removes what is too old or too much, now and then, until `stopped` turns true.
    ///
    /// Of tokens that no project has, which may be made up, the recordings go before any other.
    pub async fn keep(
        self,
        folder: PathBuf,
        is_project: impl Fn(&Token) -> bool + Clone + Send + 'static,
        mut stopped: watch::Receiver<bool>,
    ) {
        loop {
            let (dir, now) = (folder.clone(), SystemTime::now());
            let is_project = is_project.clone();
            let apply = move || self.apply(&dir, now, &is_project);
            let applied = tokio::task::spawn_blocking(apply).await;
            match applied {
                Ok(Ok(0)) => {}
                Ok(Ok(removed)) => info!(removed, "removed the oldest recordings"),
                Ok(Err(error)) => warn!(%error, "cannot remove old recordings"),
                Err(error) => warn!(%error, "removing old recordings ended by a defect"),
            }
            let stop = tokio::time::timeout(INTERVAL, stopped.wait_for(|stop| *stop)).await;
            if stop.is_ok() {
                return;
            }
        }
    }

    /// Removes what is too old or too much; returns how many sessions of a day that were.
    fn apply(
        self,
        folder: &Path,
        now: SystemTime,
        is_project: &dyn Fn(&Token) -> bool,
    ) -> io::Result<usize> {
        let first_day = day_of(now.checked_sub(self.time).unwrap_or(SystemTime::UNIX_EPOCH));
        let (old, mut kept): (Vec<_>, Vec<_>) =
            sessions(folder, is_project)?.into_iter().partition(|session| session.day < first_day);
        kept.sort();
        let mut removed = old.iter().filter(|session| session.remove("age")).count();
        let mut bytes: u64 = kept.iter().map(|session| session.bytes).sum();
        for session in &kept {
            if bytes <= self.bytes {
                break;
            }
            if session.remove("budget") {
                bytes -= session.bytes;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// What was recorded of a session on one day; ordered by who goes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Session {
    is_projects: bool,
    day: String,
    modified: SystemTime,
    path: PathBuf,
    bytes: u64,
}

impl Session {
    /// Removes it; what cannot be removed now is there for the next time.
    fn remove(&self, reason: &'static str) -> bool {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            debug!(%error, path = %self.path.display(), "cannot remove a recording now");
            return false;
        }
        counter!(REMOVED_TOTAL, "reason" => reason).increment(1);
        let around = self.path.ancestors().skip(1).take(2);
        // One that is not empty stays, and with it those around it.
        let _kept = around.map(std::fs::remove_dir).find(Result::is_err);
        true
    }
}

fn sessions(folder: &Path, is_project: &dyn Fn(&Token) -> bool) -> io::Result<Vec<Session>> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut sessions = Vec::new();
    for token in folders(folder)? {
        let is_projects = is_project(&Token::new(object::token_of(&name(&token))));
        for day in folders(&token)? {
            for path in folders(&day)? {
                // One that is gone meanwhile is no matter.
                let Ok(metadata) = path.metadata() else { continue };
                let (modified, bytes) = (metadata.modified()?, bytes_of(&path));
                sessions.push(Session { is_projects, day: name(&day), modified, path, bytes });
            }
        }
    }
    Ok(sessions)
}

fn folders(parent: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// The disk space of a session; files come and go while it is counted.
fn bytes_of(session: &Path) -> u64 {
    let files = std::fs::read_dir(session).into_iter().flatten().flatten();
    let blocks = files.filter_map(|file| Some(file.metadata().ok()?.blocks() * 512));
    FOLDER_BYTES + blocks.sum::<u64>()
}

/// `2026-10-01`.
fn day_of(time: SystemTime) -> String {
    let micros = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
    let timestamp = Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
    timestamp.to_string().get(..10).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn object(folder: &Path, path: &str, bytes: usize) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, vec![0; bytes]).unwrap();
    }

    fn apply(retention: Retention, folder: &Path) -> usize {
        retention.apply(folder, now(), &|token| token.as_str() == "phc_a").unwrap()
    }

    fn left(folder: &Path) -> Vec<String> {
        let mut sessions = sessions(folder, &|_| true).unwrap();
        sessions.sort();
        let relative = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
        sessions.iter().map(|session| relative(&session.path)).collect()
    }

    fn now() -> SystemTime {
        // 2026-11-22
        SystemTime::UNIX_EPOCH + 20_779 * DAY
    }

    #[test]
    fn days_that_are_over_long_enough_go() {
        let folder = tempfile::tempdir().unwrap();
        object(folder.path(), "phc_a/2026-10-22/s1/1.zst", 10);
        object(folder.path(), "phc_a/2026-10-23/s2/2.zst", 10);
        let retention = Retention { time: 30 * DAY, bytes: 1 << 30 };
        assert_eq!(apply(retention, folder.path()), 1);
        assert_eq!(left(folder.path()), ["phc_a/2026-10-23/s2"]);
        assert!(!folder.path().join("phc_a/2026-10-22").exists());
        assert_eq!(apply(retention, folder.path()), 0);
    }

    #[test]
    fn beyond_the_budget_strangers_go_first_and_then_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        object(folder.path(), "phc_a/2026-11-20/s1/1.zst", 400_000);
        object(folder.path(), "phc_a/2026-11-21/s2/2.zst", 400_000);
        object(folder.path(), "phc_made_up/2026-11-22/s3/3.zst", 400_000);
        let retention = |bytes| Retention { time: 30 * DAY, bytes };
        assert_eq!(apply(retention(900_000), folder.path()), 1);
        assert_eq!(left(folder.path()), ["phc_a/2026-11-20/s1", "phc_a/2026-11-21/s2"]);
        assert_eq!(apply(retention(500_000), folder.path()), 1);
        assert_eq!(left(folder.path()), ["phc_a/2026-11-21/s2"]);
    }

    #[test]
    fn small_objects_count_as_what_they_take() {
        let folder = tempfile::tempdir().unwrap();
        (0..10).for_each(|n| object(folder.path(), &format!("phc_a/2026-11-22/s{n}/1.zst"), 1));
        let retention = Retention { time: 30 * DAY, bytes: 5 * FOLDER_BYTES };
        assert!(apply(retention, folder.path()) >= 5);
    }

    #[test]
    fn where_nothing_was_recorded_nothing_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let retention = Retention { time: DAY, bytes: 0 };
        assert_eq!(apply(retention, &folder.path().join("absent")), 0);
    }
}
