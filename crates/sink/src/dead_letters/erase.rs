//! Letters of whom is erased go, wherever they are.
//!
//! They go also where events stay without a name: what was refused as it was would be refused again.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use event::{Erased, Fate, PersonId, TeamId, Timestamp};
use serde::Deserialize;

use super::{DeadLetter, DeadLetters};
use crate::metrics;

impl DeadLetters {
    /// Removes the letters of whom is erased, and says how many that were.
    ///
    /// Of letters that wait, that are being sent again, and that were taken then. Nobody may be
    /// sending them meanwhile; [`DeadLetters::alone`] sees to it.
    ///
    /// # Errors
    /// When the disk does not let it; what is left is as it was.
    pub fn erase(&self, erased: &Erased) -> std::io::Result<u64> {
        let mut files = self.files()?;
        if files.is_empty() && !self.folder.exists() {
            return Ok(0);
        }
        let _alone = self.lock()?;
        files.extend(self.kept_files()?);
        let mut removed = 0;
        for file in files {
            removed += erase_from(&file, erased)?;
        }
        ::metrics::counter!(metrics::ERASED_DEAD_LETTERS_TOTAL, "sink" => self.sink)
            .increment(removed);
        Ok(removed)
    }

    /// Keeps others from sending letters again until it is dropped; `None` while somebody does.
    ///
    /// # Errors
    /// When the disk does not let it.
    pub fn alone(&self) -> std::io::Result<Option<File>> {
        let path = self.folder.join("resend.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Files of letters that were taken when they were sent again, and of lines that are none.
    fn kept_files(&self) -> std::io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in [self.folder.join("resent"), self.folder.clone()] {
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let path = entry?.path();
                let is_unreadable = path.extension().is_some_and(|of| of == "unreadable");
                if is_unreadable || folder != self.folder && path.is_file() {
                    files.push(path);
                }
            }
        }
        Ok(files)
    }
}

impl DeadLetter {
    /// Whether it is of whom is erased.
    pub fn is_erased(&self, erased: &Erased) -> bool {
        let place = serde_json::from_str::<Place>(self.row.get());
        place.is_ok_and(|place| place.is_erased(erased))
    }
}

/// Leaves out of a file what is erased; returns how many lines that were.
fn erase_from(path: &Path, erased: &Erased) -> std::io::Result<u64> {
    let text = std::fs::read(path)?;
    let text = String::from_utf8_lossy(&text);
    let lines = || text.lines().filter(|line| !line.is_empty());
    let kept: Vec<&str> = lines().filter(|line| !is_erased(line, erased)).collect();
    let removed = (lines().count() - kept.len()) as u64;
    if removed == 0 {
        return Ok(0);
    }
    let mut content = kept.join("\n");
    if !content.is_empty() {
        content.push('\n');
    }
    // In one step: letters that stay must be there whenever the power goes.
    journal::write_atomically(&journal::RealFs, path, content.as_bytes())?;
    Ok(removed)
}

fn is_erased(line: &str, erased: &Erased) -> bool {
    let letter = serde_json::from_str::<DeadLetter>(line);
    match letter.map(|letter| serde_json::from_str::<Place>(letter.row.get())) {
        Ok(Ok(place)) => place.is_erased(erased),
        // Half a line cannot be sent again, but may say who it is.
        _ => erased
            .all()
            .iter()
            .any(|placed| placed.erasure.distinct_ids.iter().any(|id| line.contains(id.as_str()))),
    }
}

/// What says whose a row is, and where it stood.
#[derive(Deserialize)]
struct Place {
    team_id: i64,
    journal_id: uuid::Uuid,
    journal_offset: u64,
    /// When it was received: of an event.
    created_at: Option<String>,
    /// The same, of what changed; such a row's `created_at` is something else.
    changed_at: Option<String>,
    #[serde(default)]
    distinct_id: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    token: String,
    /// Of a person.
    id: Option<uuid::Uuid>,
    /// That a person or a distinct id is gone, which must be said wherever it was not.
    #[serde(default)]
    is_deleted: i64,
}

impl Place {
    fn is_erased(&self, erased: &Erased) -> bool {
        if self.is_deleted != 0 {
            return false;
        }
        let received_at = self.changed_at.as_ref().or(self.created_at.as_ref());
        let place = event::Place {
            journal_id: self.journal_id,
            offset: self.journal_offset,
            received_at: received_at.and_then(|at| at.parse().ok()).unwrap_or(Timestamp::EPOCH),
        };
        let team = TeamId(self.team_id);
        let is_recording = self.event == "$snapshot"
            && erased.has_recording(&self.token, &self.distinct_id, place);
        let is_person = self.id.is_some_and(|id| erased.has_person(team, PersonId(id), place));
        let is_event = erased.of_event(team, &self.distinct_id, place) != Fate::Stays;
        is_event || is_person || is_recording
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use event::{Erasure, ErasureKind, Placed};
    use serde_json::json;
    use serde_json::value::RawValue;
    use uuid::Uuid;

    use super::*;

    const JOURNAL: Uuid = Uuid::from_u128(7);

    fn erased() -> Erased {
        let erasure = Erasure {
            id: Uuid::from_u128(1),
            team: TeamId(1),
            tokens: vec!["phc_a".to_owned()],
            kind: ErasureKind::Delete,
            distinct_ids: vec!["jane".to_owned()],
            person_ids: vec![PersonId(Uuid::from_u128(9))],
            requested_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            recordings_end: None,
        };
        Erased::new(vec![Arc::new(Placed { erasure, journal_id: JOURNAL, offset: 10 })])
    }

    fn letter(day: &str, row: serde_json::Value) -> DeadLetter {
        DeadLetter {
            journal_offset: row["journal_offset"].as_u64().unwrap(),
            refused_at: format!("{day}T10:00:00Z"),
            reason: "too odd".to_owned(),
            row: RawValue::from_string(row.to_string()).unwrap(),
        }
    }

    fn event(distinct_id: &str, team: i64, offset: u64) -> serde_json::Value {
        json!({ "event": "purchase", "distinct_id": distinct_id, "team_id": team, "token": "phc_a",
            "journal_id": JOURNAL, "journal_offset": offset, "created_at": "2026-11-22T09:00:00Z" })
    }

    /// What is left in all files, by offset.
    fn left(folder: &Path) -> Vec<u64> {
        let mut left = Vec::new();
        for folder in [folder.join("resent"), folder.to_owned()] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    left.extend(
                        DeadLetters::read(&path).unwrap().0.iter().map(|l| l.journal_offset),
                    );
                }
            }
        }
        left.sort_unstable();
        left
    }

    #[test]
    fn letters_before_the_cut_go_from_every_file() {
        let folder = tempfile::tempdir().unwrap();
        let letters = DeadLetters::new("pipelines", folder.path().to_owned());
        letters.keep(&letter("2026-11-20", event("jane", 1, 1))).unwrap();
        letters.keep(&letter("2026-11-20", event("joe", 1, 2))).unwrap();
        letters.claim().unwrap();
        letters.keep(&letter("2026-11-21", event("jane", 1, 3))).unwrap();
        letters.keep(&letter("2026-11-21", event("jane", 2, 4))).unwrap();
        letters.keep(&letter("2026-11-21", event("jane", 1, 12))).unwrap();
        let person = json!({ "team_id": 1, "id": Uuid::from_u128(9), "journal_id": JOURNAL,
            "journal_offset": 5, "created_at": "2020-01-01T00:00:00Z",
            "changed_at": "2026-11-22T09:00:00Z", "properties": { "email": "jane@example.com" } });
        let mut gone = person.clone();
        letters.keep(&letter("2026-11-21", person)).unwrap();
        (gone["is_deleted"], gone["journal_offset"]) = (1.into(), 7.into());
        letters.keep(&letter("2026-11-21", gone)).unwrap();
        let mut recording = event("jane", 1, 80);
        recording["event"] = "$snapshot".into();
        recording["journal_id"] = json!(Uuid::from_u128(8));
        letters.keep(&letter("2026-11-21", recording)).unwrap();
        std::fs::create_dir(folder.path().join("resent")).unwrap();
        let taken = serde_json::to_string(&letter("2026-11-19", event("jane", 1, 6))).unwrap();
        std::fs::write(folder.path().join("resent/2026-11-19.ndjson"), taken + "\n").unwrap();
        let torn = folder.path().join("2026-11-18.0.unreadable");
        std::fs::write(&torn, "{\"row\":{\"distinct_id\":\"jane\"\n{\"row\":\"joe\n").unwrap();

        assert_eq!(letters.erase(&erased()).unwrap(), 6);
        assert_eq!(left(folder.path()), [2, 4, 7, 12], "that a person is gone stays");
        assert_eq!(std::fs::read_to_string(&torn).unwrap(), "{\"row\":\"joe\n");
        assert_eq!(letters.erase(&erased()).unwrap(), 0);
    }

    #[test]
    fn where_there_are_none_none_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipelines");
        assert_eq!(DeadLetters::new("pipelines", path.clone()).erase(&erased()).unwrap(), 0);
        assert!(!path.exists());
    }

    #[test]
    fn one_sends_again_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let letters = DeadLetters::new("pipelines", folder.path().to_owned());
        let lock = letters.alone().unwrap();
        assert!(lock.is_some() && letters.alone().unwrap().is_none());
        drop(lock);
        assert!(letters.alone().unwrap().is_some());
    }
}
