//! What follows the record: each part is tried until it is done, and may be done twice.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event::{Erased, Placed};
use identity::Lookup;
use journal::{Journal, Offset};
use lake::ErasedRows;
use sink::{DeadLetters, posthog};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::Parts;
use super::note::{Note, Part, Place};

/// How often what is pending is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Works until `stopped` turns true or nobody is left to say so.
pub(super) async fn run(parts: Arc<Parts>, mut stopped: watch::Receiver<bool>) {
    while tokio::time::timeout(INTERVAL, stopped.wait_for(|stop| *stop)).await.is_err() {
        let this = Arc::clone(&parts);
        let written = spawn_blocking(move || this.records.write_places()).await;
        if let Ok(Err(error)) = written {
            warn!(%error, "the place of an erasure cannot be written yet");
        }
        for note in parts.records.notes().into_iter().filter(|note| !note.is_over()) {
            if parts.copying.load(Ordering::SeqCst) > 0 {
                break;
            }
            if let Err(error) = go_on(&parts, note).await {
                warn!(%error, "an erasure cannot go on yet, trying again");
            }
        }
    }
}

/// Does what can be done of an erasure now.
async fn go_on(parts: &Arc<Parts>, note: Note) -> anyhow::Result<()> {
    let id = note.id;
    let is_open = |part: Part| !note.done.contains(&part);
    if is_open(Part::State) && state(parts, &note).await? {
        done(parts, &note, Part::State)?;
    }
    if is_open(Part::DeadLetters) {
        // Asked first: what is refused in between comes from a sink that was not past it.
        let has_passed = has_passed(parts, &note, is_pipeline);
        let removed = dead_letters(parts).await?;
        let is_last = removed.is_some() && has_passed;
        if is_last || removed.is_some_and(|removed| removed > 0) {
            parts.records.change(id, |note| {
                *note.removed.entry("dead_letters".to_owned()).or_default() += removed.unwrap_or(0);
                is_last.then(|| note.done.insert(Part::DeadLetters));
            })?;
        }
    }
    if is_open(Part::Recordings) && recordings(parts, &note).await? {
        done(parts, &note, Part::Recordings)?;
    }
    if is_open(Part::Lake) || is_open(Part::Files) {
        lake(parts, &note).await?;
    }
    // While a segment has such rows, a sink that is new would read them.
    if is_open(Part::Journal) && has_left_the_journals(parts, &note) {
        done(parts, &note, Part::Journal)?;
    }
    Ok(())
}

fn done(parts: &Parts, note: &Note, part: Part) -> anyhow::Result<()> {
    journal::failpoint("erasure-before-part");
    parts.records.change(note.id, |note| {
        note.done.insert(part);
    })?;
    info!(erasure.id = %note.id, part = part.name(), "a part of an erasure is done");
    Ok(())
}

/// Whether `state.db` has nothing of the person, in none of its files.
async fn state(parts: &Parts, note: &Note) -> anyhow::Result<bool> {
    // One that is not kept any more has everybody, and is not written to.
    let Some(reader) = parts.persons.clone() else { return Ok(!parts.state.exists()) };
    let Some(place) = note.place else { return Ok(true) };
    if note.has_missed_state {
        let (placed, reader) = (parts.records.placed(note.id), Arc::clone(&reader));
        if spawn_blocking(move || has_one_of(placed.as_deref(), &*reader)).await?? {
            return Ok(false);
        }
    }
    if place.journal_id != parts.events.id().as_uuid() {
        return Ok(true);
    }
    // The record's changes are right behind it.
    Ok(spawn_blocking(move || reader.has_overwritten(place.offset + 1)).await??)
}

/// Whether there is somebody from before an erasure that changed no person.
fn has_one_of(placed: Option<&Placed>, reader: &dyn Lookup) -> Result<bool, identity::Error> {
    let Some(Placed { erasure, .. }) = placed else { return Ok(false) };
    for id in &erasure.distinct_ids {
        let person = reader.person_of(erasure.team, id)?;
        if person.is_some_and(|person| person.created_at < erasure.requested_at) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes dead letters of all who are erased; `None` where somebody sends some again right now.
async fn dead_letters(parts: &Parts) -> anyhow::Result<Option<u64>> {
    let (folder, erased) = (parts.dead_letters.clone(), parts.records.in_force().view());
    let Some(erased) = erased else { return Ok(Some(0)) };
    Ok(spawn_blocking(move || erase_letters(folder, &erased)).await??)
}

fn erase_letters(folder: PathBuf, erased: &Erased) -> std::io::Result<Option<u64>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Some(0)),
        Err(error) => return Err(error),
    };
    let mut removed = 0;
    for entry in entries {
        let path = entry?.path();
        // Those of the tee are requests, which do not say whose they are.
        if path.is_dir() && !path.ends_with(posthog::NAME) {
            let letters = DeadLetters::new("erasure", path);
            let Some(_alone) = letters.alone()? else { return Ok(None) };
            removed += letters.erase(erased)?;
        }
    }
    Ok(Some(removed))
}

/// Removes recordings once all that are erased are in their folder; says whether that is done.
async fn recordings(parts: &Parts, note: &Note) -> anyhow::Result<bool> {
    let Some(placed) = parts.records.placed(note.id) else { return Ok(true) };
    if !has_passed(parts, note, |name| name == "recordings") {
        return Ok(false);
    }
    let (folder, journal_id) = (parts.recordings_folder.clone(), parts.recordings.id());
    let erase = move || recordings::erase(&folder, journal_id, &Erased::new(vec![placed]));
    let removed = spawn_blocking(erase).await??;
    parts.records.change(note.id, |note| {
        if removed > 0 {
            *note.removed.entry("recordings".to_owned()).or_default() += removed;
        }
    })?;
    Ok(true)
}

/// Notes how far the lake is, which erases by itself what it has read.
async fn lake(parts: &Parts, note: &Note) -> anyhow::Result<()> {
    let Some(lake) = &parts.lake else {
        // One that is off has all rows, and shows them when it is on again.
        return match parts.catalog.exists() {
            true => Ok(()),
            false => Ok(parts
                .records
                .change(note.id, |note| note.done.extend([Part::Lake, Part::Files]))?),
        };
    };
    let all = lake.erasures().await?;
    let Some(progress) = all.into_iter().find(|progress| progress.id == note.id) else {
        return Ok(());
    };
    Ok(parts.records.change(note.id, |note| {
        for ErasedRows { table, removed, anonymized } in progress.rows {
            for (counts, rows) in [(&mut note.removed, removed), (&mut note.anonymized, anonymized)]
            {
                if rows > 0 {
                    counts.insert(table.clone(), rows);
                }
            }
        }
        note.files_gone_by = progress.gone_by.map(|time| time.to_string());
        progress.unlisted_at.is_some().then(|| note.done.insert(Part::Lake));
        progress.gone_at.is_some().then(|| note.done.insert(Part::Files));
    })?)
}

fn is_pipeline(name: &str) -> bool {
    !matches!(name, "lake" | "recordings")
}

/// Whether all sinks of a kind are behind what is erased.
pub(super) fn has_passed(parts: &Parts, note: &Note, is_meant: fn(&str) -> bool) -> bool {
    waiting_sinks(parts, note).iter().all(|name| !is_meant(name))
}

/// Sinks that may still read what is erased.
pub(super) fn waiting_sinks(parts: &Parts, note: &Note) -> Vec<&'static str> {
    let is_before = |end: Option<Place>, journal: &Journal, kept: Offset| {
        let end = end.filter(|end| end.journal_id == journal.id().as_uuid());
        end.is_some_and(|end| kept.get() < end.offset)
    };
    let waits = |sink: &&sink::Status| match sink.name() {
        // It reads requests, from a journal of its own.
        posthog::NAME => false,
        name if name.starts_with("recordings") => {
            is_before(note.recordings_end, &parts.recordings, sink.kept())
        }
        _ => is_before(note.place, &parts.events, sink.kept()),
    };
    parts.sinks.iter().filter(waits).map(sink::Status::name).collect()
}

/// Who holds segments that have such rows.
pub(super) fn holders(parts: &Parts, note: &Note) -> Vec<String> {
    let mut names = Vec::new();
    for (end, journal) in [(note.place, &parts.events), (note.recordings_end, &parts.recordings)] {
        let end = end.filter(|end| end.journal_id == journal.id().as_uuid());
        let Some(end) = end.filter(|end| journal.first().get() < end.offset) else { continue };
        let holds = journal.holds().into_iter();
        names.extend(holds.filter(|hold| hold.at.get() < end.offset).map(|hold| hold.name));
    }
    names
}

/// Whether no segment has such rows any more.
fn has_left_the_journals(parts: &Parts, note: &Note) -> bool {
    let has_left = |end: Option<Place>, journal: &Journal| {
        let end = end.filter(|end| end.journal_id == journal.id().as_uuid());
        end.is_none_or(|end| journal.first().get() >= end.offset)
    };
    has_left(note.place, &parts.events) && has_left(note.recordings_end, &parts.recordings)
}
