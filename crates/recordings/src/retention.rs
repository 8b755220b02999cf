//! How long recordings are kept, and how much of them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use event::Timestamp;
use metrics::counter;
use tokio::sync::watch;
use tracing::{info, warn};

/// How often the folder is looked through.
const INTERVAL: Duration = Duration::from_secs(300);
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
    pub async fn keep(self, folder: PathBuf, mut stopped: watch::Receiver<bool>) {
        loop {
            let (dir, now) = (folder.clone(), SystemTime::now());
            let applied = tokio::task::spawn_blocking(move || self.apply(&dir, now)).await;
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
    fn apply(self, folder: &Path, now: SystemTime) -> io::Result<usize> {
        let mut sessions = sessions(folder)?;
        let first_day = day_of(now.checked_sub(self.time).unwrap_or(SystemTime::UNIX_EPOCH));
        let kept = sessions.split_off(&(first_day, SystemTime::UNIX_EPOCH, PathBuf::new()));
        let mut removed = 0;
        for (_, _, path) in sessions.keys() {
            remove(path, "age")?;
            removed += 1;
        }
        let mut bytes: u64 = kept.values().sum();
        for ((_, _, path), its_bytes) in &kept {
            if bytes <= self.bytes {
                break;
            }
            remove(path, "budget")?;
            bytes -= its_bytes;
            removed += 1;
        }
        Ok(removed)
    }
}

/// The sessions of each day, the oldest first, with their bytes.
type Sessions = BTreeMap<(String, SystemTime, PathBuf), u64>;

fn sessions(folder: &Path) -> io::Result<Sessions> {
    let mut sessions = Sessions::new();
    for token in folders(folder)? {
        for day in folders(&token)? {
            let name = day.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for session in folders(&day)? {
                let modified = session.metadata()?.modified()?;
                let bytes = bytes_of(&session)?;
                sessions.insert((name.clone(), modified, session), bytes);
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

fn bytes_of(session: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(session)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

/// Removes a session's folder, and those around it that are then empty.
fn remove(session: &Path, reason: &'static str) -> io::Result<()> {
    std::fs::remove_dir_all(session)?;
    counter!(REMOVED_TOTAL, "reason" => reason).increment(1);
    let around = session.ancestors().skip(1).take(2);
    // One that is not empty stays, and with it those around it.
    let _kept = around.map(std::fs::remove_dir).find(Result::is_err);
    Ok(())
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

    fn left(folder: &Path) -> Vec<String> {
        let sessions = sessions(folder).unwrap();
        let relative = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
        sessions.keys().map(|(_, _, path)| relative(path)).collect()
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
        let retention = Retention { time: 30 * DAY, bytes: 1_000 };
        assert_eq!(retention.apply(folder.path(), now()).unwrap(), 1);
        assert_eq!(left(folder.path()), ["phc_a/2026-10-23/s2"]);
        assert!(!folder.path().join("phc_a/2026-10-22").exists());
        assert_eq!(retention.apply(folder.path(), now()).unwrap(), 0);
    }

    #[test]
    fn beyond_the_budget_the_oldest_go_first_whosever_they_are() {
        let folder = tempfile::tempdir().unwrap();
        object(folder.path(), "phc_b/2026-11-20/s1/1.zst", 400);
        object(folder.path(), "phc_a/2026-11-21/s2/2.zst", 400);
        object(folder.path(), "phc_b/2026-11-22/s3/3.zst", 400);
        let retention = Retention { time: 30 * DAY, bytes: 900 };
        assert_eq!(retention.apply(folder.path(), now()).unwrap(), 1);
        assert_eq!(left(folder.path()), ["phc_a/2026-11-21/s2", "phc_b/2026-11-22/s3"]);
    }

    #[test]
    fn where_nothing_was_recorded_nothing_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let retention = Retention { time: DAY, bytes: 0 };
        assert_eq!(retention.apply(&folder.path().join("absent"), now()).unwrap(), 0);
    }
}
