//! Holds: what keeps segments from being trimmed.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::journal::Journal;
use crate::offset::Offset;

/// Keeps every row from an offset on, until it is advanced, parked or dropped.
///
/// Each reader that may come back takes one before the first trim, at its cursor.
#[derive(Debug)]
#[must_use = "dropping a hold releases it"]
pub struct Hold {
    journal: Journal,
    number: u64,
}

/// One hold as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldStatus {
    /// Who holds.
    pub name: String,
    /// The first row that is still needed.
    pub at: Offset,
    /// Whether it keeps nothing for the time being.
    pub is_parked: bool,
}

impl Hold {
    pub(crate) fn new(journal: Journal, name: &str, at: Offset) -> Self {
        let number = journal.segments().holds.insert(name, at);
        Self { journal, number }
    }

    /// Releases everything below `to`. A hold never goes back.
    pub fn advance(&self, to: Offset) {
        if let Some(hold) = self.journal.segments().holds.get_mut(self.number) {
            hold.at = hold.at.max(to);
        }
    }

    /// Stops keeping segments, for somebody who has fallen too far behind.
    pub fn park(&self) {
        if let Some(hold) = self.journal.segments().holds.get_mut(self.number) {
            hold.is_parked = true;
        }
    }

    /// Keeps segments again, from `at` on.
    ///
    /// # Errors
    /// [`Error::Gone`] where rows from `at` on were trimmed meanwhile; the hold stays parked.
    pub fn resume(&self, at: Offset) -> Result<(), Error> {
        let mut segments = self.journal.segments();
        if segments.is_gone(at) {
            let first = segments.first();
            return Err(Error::Gone { asked: at, first, journal: self.journal.id() });
        }
        if let Some(hold) = segments.holds.get_mut(self.number) {
            hold.at = at;
            hold.is_parked = false;
        }
        Ok(())
    }

    /// Returns the first row that is still needed.
    pub fn at(&self) -> Offset {
        let mut segments = self.journal.segments();
        segments.holds.get_mut(self.number).map_or(Offset::ZERO, |hold| hold.at)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Whoever panics still lacks its rows.
        if std::thread::panicking() {
            return;
        }
        self.journal.segments().holds.remove(self.number);
    }
}

/// All holds on a journal.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    by_number: BTreeMap<u64, HoldStatus>,
    next_number: u64,
}

impl Holds {
    /// Returns the lowest offset that somebody needs; `None` where nobody needs any.
    pub(crate) fn floor(&self) -> Option<Offset> {
        self.by_number.values().filter(|hold| !hold.is_parked).map(|hold| hold.at).min()
    }

    pub(crate) fn statuses(&self) -> Vec<HoldStatus> {
        self.by_number.values().cloned().collect()
    }

    fn insert(&mut self, name: &str, at: Offset) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        self.by_number.insert(number, HoldStatus { name: name.to_owned(), at, is_parked: false });
        number
    }

    fn get_mut(&mut self, number: u64) -> Option<&mut HoldStatus> {
        self.by_number.get_mut(&number)
    }

    fn remove(&mut self, number: u64) {
        self.by_number.remove(&number);
    }
}
