//! Recordings of whom is erased go.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use event::{Erased, Place, Timestamp};
use journal::JournalId;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use tracing::warn;

use crate::object;

/// How much of an object is decompressed at a time: what it says of itself stands in front.
const READ_BYTES: usize = 4 << 10;

/// Removes the recordings of whom is erased, and returns how many. Those of this journal that come
/// later must be in the folder already; whoever asks waits for the sink.
///
/// Every object is looked at, but no more of it than says whose it is: the last one may be another's
/// than the first, since people identify themselves on the way.
///
/// # Errors
/// When the disk does not let it. What is removed stays removed.
pub fn erase(folder: &Path, journal_id: JournalId, erased: &Erased) -> io::Result<u64> {
    let mut removed = 0;
    for token in entries(folder)? {
        let name = object::token_of(&token.file_name().unwrap_or_default().to_string_lossy());
        let mut tokens = erased.all().iter().flat_map(|placed| &placed.erasure.tokens);
        if !tokens.any(|token| *token == name) {
            continue;
        }
        for session in sessions(&token)? {
            removed += erase_from(&session, journal_id, erased)?;
        }
    }
    Ok(removed)
}

/// The folders of a token's sessions.
fn sessions(token: &Path) -> io::Result<Vec<PathBuf>> {
    let mut sessions = Vec::new();
    for day in entries(token)? {
        sessions.extend(entries(&day)?);
    }
    Ok(sessions)
}

fn erase_from(session: &Path, journal_id: JournalId, erased: &Erased) -> io::Result<u64> {
    let mut removed = 0;
    for path in entries(session)? {
        let Some(offset) = object::offset_of(&path) else { continue };
        let head = match Head::read(&path) {
            // Retention may have been faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                warn!(%error, "a recording cannot be read; it goes when it is old enough");
                continue;
            }
            head => head?,
        };
        let received_at = head.created_at.parse().unwrap_or(Timestamp::EPOCH);
        let place = Place { journal_id: journal_id.as_uuid(), offset, received_at };
        if erased.has_recording(&head.token, &head.distinct_id, place) {
            remove(&path)?;
            removed += 1;
        }
    }
    if removed > 0 {
        // One that is not empty stays, and with it those around it.
        let _kept = session.ancestors().take(3).map(std::fs::remove_dir).find(Result::is_err);
    }
    Ok(removed)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What is in a folder; nothing in one that is not there, or is none.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_none = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    };
    match std::fs::read_dir(folder) {
        Err(error) if is_none(&error) => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}

/// What an object says of itself in front of its items.
#[derive(Debug, Default)]
struct Head {
    token: String,
    distinct_id: String,
    created_at: String,
}

impl Head {
    fn read(path: &Path) -> io::Result<Self> {
        let decoder = zstd::Decoder::new(File::open(path)?)?;
        let reader = BufReader::with_capacity(READ_BYTES, decoder);
        let mut head = Self::default();
        let mut json = serde_json::Deserializer::from_reader(reader);
        let read = ReadHead(&mut head).deserialize(&mut json);
        // That the rest was not read is no matter once all is known that is asked for.
        match (head.created_at.is_empty(), read) {
            (true, Err(error)) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{}: {error}", path.display()),
            )),
            _ => Ok(head),
        }
    }
}

/// Reads members up to the last that is asked for.
struct ReadHead<'a>(&'a mut Head);

impl<'de> DeserializeSeed<'de> for ReadHead<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ReadHead<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a recording")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "token" => self.0.token = members.next_value()?,
                "distinct_id" => self.0.distinct_id = members.next_value()?,
                "created_at" => {
                    self.0.created_at = members.next_value()?;
                    return Ok(());
                }
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use event::erasure::RecordingsEnd;
    use event::{Erasure, ErasureKind, Placed, Recording, TeamId};
    use uuid::Uuid;

    use super::*;

    const JOURNAL: JournalId = JournalId::from_uuid(Uuid::from_u128(3));

    fn put(folder: &Path, token: &str, distinct_id: &str, offset: u64) -> PathBuf {
        let recording = Recording {
            token: token.into(),
            distinct_id: distinct_id.into(),
            session_id: "s".into(),
            items: format!("[{}1]", "1,".repeat(200_000)),
            created_at_micros: 1_700_000_000_000_000,
            ..Recording::default()
        };
        let path = folder.join(object::path(&recording, offset));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, object::content(&recording).unwrap()).unwrap();
        path
    }

    fn janes(up_to: u64) -> Erased {
        let erasure = Erasure {
            id: Uuid::from_u128(9),
            team: TeamId(2),
            tokens: vec!["phc_a".into(), "phc/b".into()],
            kind: ErasureKind::Delete,
            distinct_ids: vec!["jane".into(), "anon \"7\"".into()],
            person_ids: Vec::new(),
            requested_at: Timestamp::from_micros(5),
            recordings_end: Some(RecordingsEnd { journal_id: JOURNAL.as_uuid(), offset: up_to }),
        };
        Erased::new(vec![Arc::new(Placed { erasure, journal_id: Uuid::nil(), offset: 7 })])
    }

    #[test]
    fn recordings_of_whom_is_erased_go_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        let gone = [
            put(folder, "phc_a", "jane", 1),
            put(folder, "phc_a", "anon \"7\"", 2),
            put(folder, "phc/b", "jane", 3),
        ];
        let kept = [
            put(folder, "phc_a", "joe", 4),
            put(folder, "phc_other", "jane", 5),
            put(folder, "phc_a", "jane", 10),
        ];
        assert_eq!(erase(folder, JOURNAL, &janes(10)).unwrap(), 3);
        assert!(gone.iter().all(|path| !path.exists()));
        assert!(kept.iter().all(|path| path.exists()));
        assert!(!folder.join("phc%2Fb").exists(), "nor is there an empty folder");
        assert_eq!(erase(folder, JOURNAL, &janes(10)).unwrap(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_recordings() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(erase(&dir.path().join("none"), JOURNAL, &janes(10)).unwrap(), 0);
    }

    #[test]
    fn an_object_that_cannot_be_read_keeps_nobody_from_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let broken = put(dir.path(), "phc_a", "jane", 1);
        std::fs::write(&broken, b"not zstd").unwrap();
        put(dir.path(), "phc_a", "jane", 2);
        assert_eq!(erase(dir.path(), JOURNAL, &janes(10)).unwrap(), 1);
        assert!(broken.exists());
    }
}
