//! Finding the runs of a journal when it is opened.
//!
//! A run is used only if it is whole, of this journal, and about rows that the journal still vouches
//! for: after a journal was restored from an older backup, keys of rows that it lost must not turn
//! their retries into duplicates. What is not used is moved aside, never deleted.

use std::cmp::Reverse;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::{Fs, Journal};
use metrics::counter;
use tracing::{error, info};

use super::name::{Name, aside_path};
use super::run::Run;
use super::view::{Part, View};
use crate::error::Error;
use crate::metrics::UNUSABLE_FILES_TOTAL;

/// Opens all usable runs.
pub(crate) fn load(fs: &dyn Fs, dir: &Path, journal: &Journal) -> Result<View, Error> {
    let names = prepare(fs, dir).map_err(|source| Error::Io {
        action: "prepare",
        path: dir.to_path_buf(),
        source,
    })?;
    let mut runs: Vec<Run> = names.iter().filter_map(|path| open(fs, path, journal)).collect();
    // A merge that was cut short after its end left its inputs: they follow the run that covers them.
    runs.sort_by_key(|run| (run.header.begin, Reverse(run.header.end)));
    let mut parts: Vec<Part> = Vec::with_capacity(runs.len());
    for run in runs {
        match parts.last() {
            Some(last) if run.header.end <= last.end() => remove(fs, &run.path),
            _ => parts.push(Part::Run(Arc::new(run))),
        }
    }
    let view = View::new(journal.first(), parts);
    info!(dedup.keys = view.keys(), dedup.runs = view.parts().len(), "loaded the dedup window");
    Ok(view)
}

/// Moves a run that cannot be used out of the way, and says so.
pub(crate) fn move_aside(fs: &dyn Fs, path: &Path, reason: &str) {
    let aside = aside_path(path);
    error!(
        file = %path.display(),
        moved_to = %aside.display(),
        reason,
        "a key file is not used, so retries of older rows may be stored twice"
    );
    if let Err(error) = fs.rename(path, &aside) {
        error!(file = %path.display(), %error, "cannot move it aside");
    }
}

/// Makes the directory, removes what was cut short, and returns the paths of runs.
fn prepare(fs: &dyn Fs, dir: &Path) -> io::Result<Vec<PathBuf>> {
    fs.create_dir_all(dir)?;
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs.sync_dir(parent)?;
    }
    // Names that an earlier process did not sync must not vanish after the journal relied on them.
    fs.sync_dir(dir)?;
    let mut runs = Vec::new();
    for name in fs.read_dir(dir)? {
        match Name::parse(&name) {
            Name::Run { .. } => runs.push(dir.join(name)),
            Name::Temporary => remove(fs, &dir.join(name)),
            Name::Other => {}
        }
    }
    Ok(runs)
}

fn open(fs: &dyn Fs, path: &Path, journal: &Journal) -> Option<Run> {
    let reason = match Run::open(fs, path) {
        Ok(run) if run.header.journal_id != journal.id() => "it belongs to another journal".into(),
        Ok(run) if run.header.end > journal.synced() => {
            "the journal ends before the rows that it is about".into()
        }
        Ok(run) => return Some(run),
        Err(cause) => cause.to_string(),
    };
    move_aside(fs, path, &reason);
    counter!(UNUSABLE_FILES_TOTAL).increment(1);
    None
}

fn remove(fs: &dyn Fs, path: &Path) {
    if let Err(error) = fs.remove(path) {
        error!(file = %path.display(), %error, "cannot remove a file that is not needed");
    }
}
