//! The notes of all erasures, in memory and in `erasures/`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use event::{Erased, Erasure, Erasures, Placed, decode_rows, encode_row};
use journal::{Cursor, Hold, Journal, Offset};
use sequencer::Erase;
use tracing::{info, warn};
use uuid::Uuid;

use super::note::{Found, Note, Place};
use crate::data_dir::write_private;

/// How much of the journal is read at once.
const READ_BYTES: usize = 4 << 20;

/// The notes of all erasures.
#[derive(Debug)]
pub(crate) struct Records {
    folder: PathBuf,
    /// Those that whoever reads rows must apply.
    in_force: Erasures,
    kept: Mutex<Kept>,
    /// One writes files at a time, so that none puts back what another changed.
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By id, which is by time.
    notes: BTreeMap<Uuid, Note>,
    /// What could not be written yet.
    unwritten: BTreeMap<Uuid, Unwritten>,
}

/// An erasure whose place is not on disk.
#[derive(Debug)]
struct Unwritten {
    placed: Placed,
    note: Note,
    /// Keeps the record in the journal, where a start finds it.
    _hold: Option<Hold>,
}

impl Records {
    /// Reads what is there, and puts in force what is not over.
    pub(crate) fn open(folder: PathBuf) -> anyhow::Result<Self> {
        let in_force = Erasures::default();
        let mut notes = BTreeMap::new();
        for note in read_notes(&folder)? {
            match placed(&folder, &note)? {
                Some(placed) => in_force.put(placed),
                // One that was over when the process ended.
                None if note.is_over() => remove(&path(&folder, note.id, "row"))?,
                None => {}
            }
            notes.insert(note.id, note);
        }
        let kept = Mutex::new(Kept { notes, unwritten: BTreeMap::new() });
        Ok(Self { folder, in_force, kept, writing: Mutex::default() })
    }

    /// What whoever reads rows must apply.
    pub(crate) fn in_force(&self) -> &Erasures {
        &self.in_force
    }

    /// An erasure that is in force.
    pub(super) fn placed(&self, id: Uuid) -> Option<Arc<Placed>> {
        let known = self.in_force.view()?;
        known.all().iter().find(|placed| placed.erasure.id == id).cloned()
    }

    /// Settles requests that were not answered: their record is in the journal, or there is none.
    pub(crate) fn settle(&self, journal: &Journal) -> anyhow::Result<()> {
        let unanswered: Vec<Note> = {
            let kept = self.kept();
            kept.notes.values().filter(|note| note.place.is_none()).cloned().collect()
        };
        for note in unanswered {
            match find(journal, &note)? {
                Some(placed) => {
                    info!(erasure.id = %note.id, "an erasure that was not answered is in the journal");
                    self.in_force.put(placed.clone());
                    self.confirm(placed)?;
                }
                None => self.withdraw(note.id)?,
            }
        }
        Ok(())
    }

    /// Keeps a request, before its record is written.
    pub(super) fn intend(&self, erase: &Erase, found: Found, ends: Cursor) -> io::Result<()> {
        let _one = self.one_writes();
        let note = Note::of_request(erase, found, ends);
        write(&self.folder, &note)?;
        self.kept().notes.insert(note.id, note);
        Ok(())
    }

    /// Forgets a request that has no record.
    pub(super) fn withdraw(&self, id: Uuid) -> io::Result<()> {
        let _one = self.one_writes();
        self.kept().notes.remove(&id);
        remove(&path(&self.folder, id, "row"))?;
        remove(&path(&self.folder, id, "json"))
    }

    /// Notes where the record is. Until that is written, the worker leaves it alone.
    pub(super) fn confirm(&self, placed: Placed) -> io::Result<()> {
        let id = placed.erasure.id;
        {
            let mut kept = self.kept();
            let Some(mut note) = kept.notes.get(&id).cloned() else { return Ok(()) };
            note.settle(&placed);
            kept.unwritten.insert(id, Unwritten { placed, note, _hold: None });
        }
        self.write_place(id)
    }

    /// Writes what could not be written before.
    pub(super) fn write_places(&self) -> io::Result<()> {
        let ids: Vec<Uuid> = self.kept().unwritten.keys().copied().collect();
        ids.into_iter().try_for_each(|id| self.write_place(id))
    }

    /// Holds the journal until the place of a record is written.
    pub(super) fn keep_held(&self, id: Uuid, hold: Hold) {
        if let Some(unwritten) = self.kept().unwritten.get_mut(&id) {
            unwritten._hold = Some(hold);
        }
    }

    fn write_place(&self, id: Uuid) -> io::Result<()> {
        let _one = self.one_writes();
        let unwritten =
            self.kept().unwritten.get(&id).map(|one| (one.placed.clone(), one.note.clone()));
        let Some((placed, note)) = unwritten else { return Ok(()) };
        let mut row = Vec::new();
        encode_row(&placed.erasure.into_row(), &mut row);
        // Whom it is about comes first: a place without that is of no use.
        write_private(&path(&self.folder, id, "row"), &row)?;
        journal::failpoint("erasure-between-files");
        write(&self.folder, &note)?;
        let mut kept = self.kept();
        kept.notes.insert(id, note);
        kept.unwritten.remove(&id);
        Ok(())
    }

    /// Changes a note, and keeps it so. Once it is over, nothing is left that names distinct ids.
    pub(super) fn change(&self, id: Uuid, change: impl FnOnce(&mut Note)) -> io::Result<()> {
        let _one = self.one_writes();
        let before = self.kept().notes.get(&id).cloned();
        let Some(before) = before else { return Ok(()) };
        let mut note = before.clone();
        change(&mut note);
        if note == before {
            return Ok(());
        }
        write(&self.folder, &note)?;
        if note.is_over() {
            journal::failpoint("erasure-before-names-go");
            self.in_force.remove(id);
            remove(&path(&self.folder, id, "row"))?;
        }
        self.kept().notes.insert(id, note);
        Ok(())
    }

    /// The note of an erasure that has a record.
    pub(super) fn note(&self, id: Uuid) -> Option<Note> {
        let kept = self.kept();
        let unwritten = kept.unwritten.get(&id).map(|unwritten| &unwritten.note);
        let note = unwritten.or(kept.notes.get(&id))?;
        note.place.is_some().then(|| note.clone())
    }

    /// All whose record has its place written, the first one first.
    pub(super) fn notes(&self) -> Vec<Note> {
        self.kept().notes.values().filter(|note| note.place.is_some()).cloned().collect()
    }

    fn one_writes(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a folder says is erased, for a command beside the server.
pub(crate) fn erased(folder: &Path) -> anyhow::Result<Erased> {
    let mut all = Vec::new();
    for note in read_notes(folder)? {
        all.extend(placed(folder, &note)?.map(Arc::new));
    }
    Ok(Erased::new(all))
}

fn read_notes(folder: &Path) -> anyhow::Result<Vec<Note>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", folder.display()));
        }
    };
    let mut notes = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let wrong = || format!("{} is no note of an erasure", path.display());
            notes.push(serde_json::from_slice(&fs::read(&path)?).with_context(wrong)?);
        }
    }
    Ok(notes)
}

/// The erasure of a note, while it is not over.
fn placed(folder: &Path, note: &Note) -> anyhow::Result<Option<Placed>> {
    let Some(Place { journal_id, offset }) = note.place.filter(|_| !note.is_over()) else {
        return Ok(None);
    };
    let path = path(folder, note.id, "row");
    let missing = || format!("{} says who is erased, and cannot be read", path.display());
    let rows = decode_rows(fs::read(&path).with_context(missing)?.into()).with_context(missing)?;
    let erasure = rows.first().and_then(Erasure::of_row).with_context(missing)?;
    Ok(Some(Placed { erasure, journal_id, offset }))
}

/// Looks for a record in the journal.
fn find(journal: &Journal, note: &Note) -> anyhow::Result<Option<Placed>> {
    if note.asked_at.journal_id != journal.id().as_uuid() {
        warn!(erasure.id = %note.id, "an erasure that was not answered belongs to another journal");
        return Ok(None);
    }
    let from = Offset::new(note.asked_at.offset).max(journal.first());
    let mut reader = journal.reader(journal.cursor(from))?;
    loop {
        let records = reader.read(READ_BYTES)?;
        if records.is_empty() {
            return Ok(None);
        }
        for record in records {
            let first = record.first.get();
            for (offset, row) in (first..).zip(decode_rows(record.payload)?) {
                let erasure = Erasure::of_row(&row).filter(|erasure| erasure.id == note.id);
                if let Some(erasure) = erasure {
                    let journal_id = journal.id().as_uuid();
                    return Ok(Some(Placed { erasure, journal_id, offset }));
                }
            }
        }
    }
}

fn write(folder: &Path, note: &Note) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let json = serde_json::to_vec_pretty(note)?;
    write_private(&path(folder, note.id, "json"), &json)
}

fn path(folder: &Path, id: Uuid, extension: &str) -> PathBuf {
    folder.join(format!("{id}.{extension}"))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use event::{ErasureKind, TeamId, Timestamp};
    use identity::{ErasureRequest, Target};
    use journal::{Batch, Fs, Options, RealFs, Writer};

    use super::super::note::Part;
    use super::*;

    fn journal(folder: &Path) -> (Writer, Journal) {
        let fs: Arc<dyn Fs> = Arc::new(RealFs);
        let options = Options { reserve_bytes: 0, segment_bytes: 1 << 20, ..Options::default() };
        fs::create_dir_all(folder).unwrap();
        Journal::open(fs, folder, options).unwrap()
    }

    fn erase() -> Erase {
        let request = ErasureRequest {
            id: Uuid::now_v7(),
            team: TeamId(1),
            target: Target::DistinctId("jane".into()),
            kind: ErasureKind::Delete,
            requested_at: Timestamp::from_micros(5),
        };
        Erase { request, tokens: Vec::new(), recordings_end: None }
    }

    fn erasure(erase: &Erase) -> Erasure {
        Erasure {
            id: erase.request.id,
            team: erase.request.team,
            tokens: Vec::new(),
            kind: erase.request.kind.clone(),
            distinct_ids: vec!["jane".to_owned()],
            person_ids: Vec::new(),
            requested_at: erase.request.requested_at,
            recordings_end: None,
        }
    }

    fn append(writer: &mut Writer, erasure: Erasure) {
        let mut payload = Vec::new();
        encode_row(&erasure.into_row(), &mut payload);
        writer.commit(&[Batch { rows: 1, payload: payload.into() }]).unwrap();
    }

    fn found(persons: u64) -> Found {
        Found { persons, has_missed_state: false }
    }

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).map_or(0, Iterator::count)
    }

    #[test]
    fn what_was_not_answered_is_found_in_the_journal_or_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("erasures");
        let (mut writer, journal) = journal(&folder.path().join("journal"));
        append(&mut writer, erasure(&erase()));
        let (stored, lost) = (erase(), erase());
        let records = Records::open(notes.clone()).unwrap();
        for request in [&stored, &lost] {
            records.intend(request, found(1), journal.cursor(journal.synced())).unwrap();
        }
        append(&mut writer, erasure(&stored));
        drop(records);

        let records = Records::open(notes.clone()).unwrap();
        assert!(records.in_force().view().is_none(), "there is no place yet");
        records.settle(&journal).unwrap();
        let in_force = records.in_force().view().unwrap();
        let found: Vec<(Uuid, u64)> =
            in_force.all().iter().map(|placed| (placed.erasure.id, placed.offset)).collect();
        assert_eq!(found, [(stored.request.id, 1)]);
        assert!(records.note(lost.request.id).is_none());
        assert_eq!(records.note(stored.request.id).unwrap().persons, 1);
        assert_eq!(files(&notes), 2, "a note and its row");
        let again = Records::open(notes).unwrap();
        assert_eq!(again.in_force().view().unwrap().all(), in_force.all());
    }

    #[test]
    fn names_go_when_it_is_over_and_the_receipt_stays() {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("erasures");
        let (_writer, journal) = journal(&folder.path().join("journal"));
        let (records, request) = (Records::open(notes.clone()).unwrap(), erase());
        records.intend(&request, found(0), journal.cursor(journal.synced())).unwrap();
        let journal_id = journal.id().as_uuid();
        let placed = Placed { erasure: erasure(&request), journal_id, offset: 4 };
        records.in_force().put(placed.clone());
        records.confirm(placed).unwrap();
        let text = || -> String {
            let files = fs::read_dir(&notes).unwrap();
            let read = |file: io::Result<fs::DirEntry>| fs::read(file.unwrap().path()).unwrap();
            files.map(|file| String::from_utf8_lossy(&read(file)).into_owned()).collect()
        };
        records.change(request.request.id, |note| note.done.extend(Part::WORK)).unwrap();
        assert!(records.note(request.request.id).unwrap().is_done());
        assert!(text().contains("jane"), "segments may have rows of hers");
        records
            .change(request.request.id, |note| note.done.extend([Part::Files, Part::Journal]))
            .unwrap();
        assert!(!text().contains("jane"));
        assert!(records.in_force().view().is_none());
        let again = Records::open(notes.clone()).unwrap();
        assert!(again.in_force().view().is_none());
        assert_eq!(again.notes(), records.notes());
    }

    #[test]
    fn a_place_without_whom_it_is_about_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("erasures");
        let (_writer, journal) = journal(&folder.path().join("journal"));
        let (records, request) = (Records::open(notes.clone()).unwrap(), erase());
        records.intend(&request, found(0), journal.cursor(journal.synced())).unwrap();
        let journal_id = journal.id().as_uuid();
        let placed = Placed { erasure: erasure(&request), journal_id, offset: 4 };
        records.confirm(placed).unwrap();
        fs::remove_file(path(&notes, request.request.id, "row")).unwrap();
        let error = Records::open(notes).unwrap_err().to_string();
        assert!(error.contains("who is erased"), "{error}");
    }
}
