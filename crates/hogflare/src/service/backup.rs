//! What the server holds while its folder is copied.

use std::fmt;

use journal::{Hold, Journal};
use lake::{KeptFiles, Lake};
use server::backup::{Desk, Held, JournalFiles, JournalsNow};

use super::erasures::{Erasing, Paused};
use super::journals::Journals;
use super::sinks::Sinks;

/// A backup may let a journal grow to one part in so many of its budget; the rest is for requests.
const SHARE: u64 = 2;

/// Holds for `hogflare backup`.
#[derive(Debug)]
pub(super) struct BackupDesk {
    events: Limited,
    recordings: Limited,
    lake: Option<Lake>,
    erasing: Erasing,
}

/// A journal, and how large a backup may let it grow.
#[derive(Clone, Debug)]
struct Limited {
    journal: Journal,
    most_bytes: u64,
}

impl BackupDesk {
    pub(super) fn new(journals: &Journals, sinks: &Sinks, erasing: &Erasing) -> Self {
        let limited = |journal: &Journal, budget: u64| Limited {
            journal: journal.clone(),
            most_bytes: budget / SHARE,
        };
        Self {
            events: limited(&journals.events, journals.events_budget_bytes),
            recordings: limited(&journals.recordings, journals.recordings_budget_bytes),
            lake: sinks.lake.clone(),
            erasing: erasing.clone(),
        }
    }
}

impl Desk for BackupDesk {
    fn hold(&self) -> Box<dyn Held> {
        let all = [&self.events, &self.recordings];
        let journals = all.map(|limited| {
            let journal = &limited.journal;
            // What is large already is not the backup's doing.
            let most_bytes = limited.most_bytes.max(journal.disk_bytes() + limited.most_bytes / 2);
            let hold = journal.hold("backup", journal.first());
            (Limited { journal: journal.clone(), most_bytes }, hold)
        });
        let files = self.lake.as_ref().map(Lake::keep_files);
        Box::new(Holding { journals, _files: files, _paused: self.erasing.pause() })
    }

    fn journals(&self) -> JournalsNow {
        let events = Some(files_of(&self.events.journal));
        let recordings = Some(files_of(&self.recordings.journal));
        JournalsNow { events, recordings }
    }
}

struct Holding {
    journals: [(Limited, Hold); 2],
    _files: Option<KeptFiles>,
    _paused: Paused,
}

impl fmt::Debug for Holding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Holding").field("journals", &self.journals).finish_non_exhaustive()
    }
}

impl Held for Holding {
    fn is_over(&self) -> Option<String> {
        let grown =
            |(limited, _): &&(Limited, Hold)| limited.journal.disk_bytes() > limited.most_bytes;
        self.journals.iter().find(grown).map(|_| {
            "it takes so long that the journal needs its room for requests; try again when fewer events come, \
             or give HOGFLARE_JOURNAL_BUDGET more"
                .to_owned()
        })
    }
}

/// The files of a journal as they are now.
pub(crate) fn files_of(journal: &Journal) -> JournalFiles {
    let files = journal.files();
    let end = files.last().map_or(journal.first(), |file| file.end).get();
    let name = |path: &std::path::Path| {
        path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    };
    let segments = files.iter().map(|file| (name(&file.path), file.bytes)).collect();
    JournalFiles { journal_id: journal.id().to_string(), end, segments }
}
