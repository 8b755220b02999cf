//! Opening a journal: recover, repair, and go on in a segment of one's own.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tracing::{info, warn};

use crate::active::Active;
use crate::error::{Context, Error, IoError};
use crate::fs::{Fs, parent};
use crate::journal::Journal;
use crate::offset::{JournalId, Offset};
use crate::options::Options;
use crate::recovery::{self, Recovered};
use crate::segments::Segments;
use crate::writer::{Beginning, Writer};

pub(crate) fn open(
    fs: Arc<dyn Fs>,
    dir: &Path,
    options: Options,
) -> Result<(Writer, Journal), Error> {
    prepare_directory(&*fs, dir)?;
    match recovery::recover(&*fs, dir)? {
        Some(recovered) => resume(fs, dir, options, recovered),
        None => {
            recovery::clear(&*fs, dir)?;
            begin(fs, dir, options)
        }
    }
}

pub(crate) fn open_read_only(fs: Arc<dyn Fs>, dir: &Path) -> Result<Option<Journal>, Error> {
    let recovered = match recovery::recover(&*fs, dir) {
        Err(Error::Io(error)) if error.is_missing_directory() => return Ok(None),
        recovered => recovered?,
    };
    let Some(Recovered { journal_id, segments, tail, .. }) = recovered else {
        return Ok(None);
    };
    if let Some(last) = segments.last() {
        last.seal();
    }
    Ok(Some(Journal::new(fs, dir, journal_id, Segments::new(segments), tail.end)))
}

/// Makes sure that the directory is there, durably.
fn prepare_directory(fs: &dyn Fs, dir: &Path) -> Result<(), IoError> {
    let is_missing =
        |dir: &Path| fs.read_dir(dir).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let ancestors = dir.ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty());
    let missing: Vec<_> = ancestors.take_while(|dir| is_missing(dir)).collect();
    fs.create_dir_all(dir).context("create", dir)?;
    for created in missing.into_iter().rev().chain([dir]) {
        fs.sync_dir(parent(created)).context("sync", parent(created))?;
    }
    Ok(())
}

/// Begins a journal where there is none.
fn begin(fs: Arc<dyn Fs>, dir: &Path, options: Options) -> Result<(Writer, Journal), Error> {
    let next = options.at_least;
    let journal = Journal::new(fs, dir, JournalId::random(), Segments::default(), next);
    let beginning = Beginning { next, records_end: next, active: None };
    let mut writer = Writer::new(journal.clone(), options, beginning);
    writer.begin_segment()?;
    info!(journal.id = %journal.id(), journal.path = %dir.display(), "began a journal");
    Ok((writer, journal))
}

/// Goes on with a journal that was found.
fn resume(
    fs: Arc<dyn Fs>,
    dir: &Path,
    options: Options,
    recovered: Recovered,
) -> Result<(Writer, Journal), Error> {
    let blank = recovery::repair(&*fs, dir, &recovered)?;
    let end = recovered.tail.end;
    report_lost(&options, end);
    let segments = Segments::new(recovered.segments);
    let Some(last) = segments.last().cloned() else {
        return begin(fs, dir, options);
    };

    // A blank segment was begun by an earlier process and is as good as a new one.
    let blank = blank.filter(|_| options.at_least <= end);
    let is_name_taken = last.is_empty() && blank.is_none();
    let next = options.at_least.max(if is_name_taken { end.advanced(1) } else { end });
    let records_end = if last.is_empty() { last.header.previous_end } else { end };
    let active = blank.map(|file| Active::new(last, file));

    let journal = Journal::new(fs, dir, recovered.journal_id, segments, next);
    let mut writer = Writer::new(journal.clone(), options, Beginning { next, records_end, active });
    if !writer.is_fenced() {
        begin_segment_if_possible(&mut writer)?;
    }
    info!(
        journal.id = %journal.id(),
        journal.path = %dir.display(),
        journal.first = %journal.first(),
        journal.end = %next,
        "opened the journal"
    );
    Ok((writer, journal))
}

/// Without space the journal is opened all the same, so that it can be drained.
fn begin_segment_if_possible(writer: &mut Writer) -> Result<(), IoError> {
    match writer.begin_segment() {
        Err(error) if error.is_out_of_space() => {
            warn!(%error, "opened the journal for reading, there is no space to write");
            Ok(())
        }
        begun => begun,
    }
}

fn report_lost(options: &Options, end: Offset) {
    if options.at_least > end {
        warn!(
            journal = options.name,
            journal.end = %end,
            cursor.offset = %options.at_least,
            "the journal ends below a cursor, going on above it"
        );
    }
}
