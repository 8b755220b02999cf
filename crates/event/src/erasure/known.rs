//! The erasures that somebody who reads rows must apply.
//!
//! Sinks, readers of the lake and whoever sends rows again share one [`Erasures`] and ask it once a
//! batch. Without an erasure, which is nearly always, that is one load of a number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

use super::{Cut, Erasure, ErasureKind, Pseudonym};
use crate::{PersonId, Row, Table, TeamId, Timestamp};

/// An erasure at its place in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What is erased.
    pub erasure: Erasure,
    /// The journal that has it.
    pub journal_id: Uuid,
    /// Its offset there.
    pub offset: u64,
}

impl Placed {
    /// Up to where rows of the events' journal are erased.
    pub const fn cut(&self) -> Cut {
        Cut { journal_id: self.journal_id, offset: self.offset, at: self.erasure.requested_at }
    }

    /// Up to where recordings are erased. Without a journal of recordings, time tells.
    pub fn recordings_cut(&self) -> Cut {
        let at = self.erasure.requested_at;
        match self.erasure.recordings_end {
            Some(end) => Cut { journal_id: end.journal_id, offset: end.offset, at },
            None => Cut { journal_id: Uuid::nil(), offset: 0, at },
        }
    }
}

/// Where a row stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The journal that took it.
    pub journal_id: Uuid,
    /// Its number there.
    pub offset: u64,
    /// When it was received.
    pub received_at: Timestamp,
}

/// What is to become of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<'a> {
    /// It stays as it is.
    Stays,
    /// It goes.
    Goes,
    /// It stays under a pseudonym.
    Anonymous(&'a Pseudonym),
}

/// The erasures in force, shared by all who read rows. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Erasures {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How many there are; 0 spares readers the lock.
    count: AtomicUsize,
    erased: RwLock<Arc<Erased>>,
}

impl Erasures {
    /// Puts an erasure in force. One of the same id takes the place of the other.
    pub fn put(&self, placed: Placed) {
        self.change(|known| {
            known.retain(|other| other.erasure.id != placed.erasure.id);
            known.push(Arc::new(placed));
        });
    }

    /// Takes one out of force: nothing before its cut is left to be read.
    pub fn remove(&self, id: Uuid) {
        self.change(|known| known.retain(|placed| placed.erasure.id != id));
    }

    /// What is erased at this moment; `None` if nothing is.
    pub fn view(&self) -> Option<Arc<Erased>> {
        match self.shared.count.load(Ordering::Acquire) {
            0 => None,
            _ => {
                Some(Arc::clone(&self.shared.erased.read().unwrap_or_else(PoisonError::into_inner)))
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Placed>>)) {
        let mut erased = self.shared.erased.write().unwrap_or_else(PoisonError::into_inner);
        let mut known = erased.all.clone();
        change(&mut known);
        self.shared.count.store(known.len(), Ordering::Release);
        *erased = Arc::new(Erased::new(known));
    }
}

/// What is erased at a moment.
#[derive(Debug, Default)]
pub struct Erased {
    all: Vec<Arc<Placed>>,
    /// Which of them name a distinct id, the newest last.
    by_distinct_id: HashMap<TeamId, HashMap<Box<str>, Vec<usize>>>,
    by_person: HashMap<(TeamId, PersonId), Vec<usize>>,
    by_token: HashMap<Box<str>, TeamId>,
}

impl Erased {
    /// What these erasures erase.
    pub fn new(all: Vec<Arc<Placed>>) -> Self {
        let mut erased = Self::default();
        for (index, placed) in all.iter().enumerate() {
            let Erasure { team, distinct_ids, person_ids, tokens, .. } = &placed.erasure;
            let ids = erased.by_distinct_id.entry(*team).or_default();
            for id in distinct_ids {
                ids.entry(id.as_str().into()).or_default().push(index);
            }
            for id in person_ids {
                erased.by_person.entry((*team, *id)).or_default().push(index);
            }
            let tokens = tokens.iter().map(|token| (token.as_str().into(), *team));
            erased.by_token.extend(tokens);
        }
        Self { all, ..erased }
    }

    /// The erasures.
    pub fn all(&self) -> &[Arc<Placed>] {
        &self.all
    }

    /// What is to become of a row of the journal of events, whatever its table.
    ///
    /// Of several erasures the first decides, even a pseudonym before a deletion: rows that have it
    /// already do not have the distinct id any more, and whether they have must make no difference.
    ///
    /// That a person or a distinct id is gone stays: without an earlier erasure's row older ones
    /// would count again, wherever they are read, and versions would begin anew.
    pub fn fate(&self, row: &Row, place: Place) -> Fate<'_> {
        let team = TeamId(row.team_id);
        if row.change.as_ref().is_some_and(|change| change.is_deleted) {
            return Fate::Stays;
        }
        match row.table() {
            Table::Events | Table::Heatmaps => self.of_event(team, &row.distinct_id, place),
            Table::Quarantine | Table::PersonDistinctIds => {
                self.of_copy(self.naming(team, &row.distinct_id), place)
            }
            Table::Persons => self.of_copy(self.about(team, row.person_id()), place),
            Table::PersonOverrides
            | Table::Groups
            | Table::GroupTypes
            | Table::Otel
            | Table::Erasures => Fate::Stays,
        }
    }

    /// What is to become of an event or a heatmap: what the first erasure says, since those behind it
    /// would not find it any more.
    pub fn of_event(&self, team: TeamId, distinct_id: &str, place: Place) -> Fate<'_> {
        let covering = self.naming(team, distinct_id).filter(|placed| covers(placed.cut(), place));
        let first = covering.min_by_key(|placed| (placed.erasure.requested_at, placed.offset));
        match first.map(|placed| &placed.erasure.kind) {
            None => Fate::Stays,
            Some(ErasureKind::Delete) => Fate::Goes,
            Some(ErasureKind::Anonymize(pseudonym)) => Fate::Anonymous(pseudonym),
        }
    }

    /// Whether what was known of a person goes.
    pub fn has_person(&self, team: TeamId, person: PersonId, place: Place) -> bool {
        self.about(team, person).any(|placed| covers(placed.cut(), place))
    }

    /// Whether a recording goes: it is told by the token that it came with.
    pub fn has_recording(&self, token: &str, distinct_id: &str, place: Place) -> bool {
        let Some(team) = self.by_token.get(token) else { return false };
        let mut naming = self.naming(*team, distinct_id);
        naming.any(|placed| covers(placed.recordings_cut(), place))
    }

    /// What goes in either case.
    fn of_copy<'a>(
        &'a self,
        mut placed: impl Iterator<Item = &'a Placed>,
        place: Place,
    ) -> Fate<'a> {
        match placed.any(|placed| covers(placed.cut(), place)) {
            true => Fate::Goes,
            false => Fate::Stays,
        }
    }

    fn naming(&self, team: TeamId, distinct_id: &str) -> impl Iterator<Item = &Placed> {
        let found = self.by_distinct_id.get(&team).and_then(|ids| ids.get(distinct_id));
        self.at(found.map_or(&[], Vec::as_slice))
    }

    fn about(&self, team: TeamId, person: PersonId) -> impl Iterator<Item = &Placed> {
        let found = self.by_person.get(&(team, person));
        self.at(found.map_or(&[], Vec::as_slice))
    }

    fn at<'a>(&'a self, indexes: &'a [usize]) -> impl Iterator<Item = &'a Placed> {
        indexes.iter().filter_map(|index| self.all.get(*index)).map(AsRef::as_ref)
    }
}

fn covers(cut: Cut, place: Place) -> bool {
    cut.covers(place.journal_id, place.offset, place.received_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChangeFields;
    use crate::erasure::RecordingsEnd;

    const JOURNAL: Uuid = Uuid::from_u128(1);
    const RECORDINGS: Uuid = Uuid::from_u128(2);

    fn placed(number: u128, kind: ErasureKind, offset: u64) -> Placed {
        let erasure = Erasure {
            id: Uuid::from_u128(number),
            team: TeamId(2),
            tokens: vec!["phc_a".to_owned()],
            kind,
            distinct_ids: vec!["anon".to_owned(), "jane".to_owned()],
            person_ids: vec![PersonId(Uuid::from_u128(9))],
            requested_at: Timestamp::from_micros(1_000),
            recordings_end: Some(RecordingsEnd { journal_id: RECORDINGS, offset: 3 }),
        };
        Placed { erasure, journal_id: JOURNAL, offset }
    }

    fn pseudonym(number: u128) -> Pseudonym {
        Pseudonym::of(Uuid::from_u128(number), Uuid::from_u128(number))
    }

    fn at(offset: u64) -> Place {
        Place { journal_id: JOURNAL, offset, received_at: Timestamp::from_micros(2_000) }
    }

    fn row(table: Table, team: i64, distinct_id: &str, person: u64) -> Row {
        Row {
            table_number: table.into(),
            team_id: team,
            distinct_id: distinct_id.to_owned(),
            person_id_low: person,
            ..Row::default()
        }
    }

    #[test]
    fn nothing_is_erased_until_something_is() {
        let erasures = Erasures::default();
        let reader = erasures.clone();
        assert!(reader.view().is_none());
        erasures.put(placed(1, ErasureKind::Delete, 5));
        erasures.put(placed(1, ErasureKind::Delete, 6));
        assert_eq!(reader.view().unwrap().all().len(), 1);
        erasures.remove(Uuid::from_u128(1));
        assert!(reader.view().is_none());
    }

    #[test]
    fn rows_of_the_project_and_the_distinct_id_go_up_to_the_cut() {
        let erased = Erased::new(vec![Arc::new(placed(1, ErasureKind::Delete, 5))]);
        let fate =
            |team, id: &str, offset| erased.fate(&row(Table::Events, team, id, 9), at(offset));
        assert_eq!(fate(2, "jane", 4), Fate::Goes);
        assert_eq!(fate(2, "anon", 0), Fate::Goes);
        assert_eq!(fate(2, "jane", 5), Fate::Stays, "a new person's");
        assert_eq!(fate(1, "jane", 4), Fate::Stays, "another project's");
        assert_eq!(fate(2, "joe", 4), Fate::Stays, "another's, whatever its person id");
    }

    #[test]
    fn each_table_is_looked_through_by_its_own_key() {
        for kind in [ErasureKind::Delete, ErasureKind::Anonymize(pseudonym(7))] {
            let pseudonym = pseudonym(7);
            let event = match &kind {
                ErasureKind::Delete => Fate::Goes,
                ErasureKind::Anonymize(_) => Fate::Anonymous(&pseudonym),
            };
            let erased = Erased::new(vec![Arc::new(placed(1, kind, 5))]);
            for table in Table::ALL {
                let expected = match table {
                    Table::Events | Table::Heatmaps => (event, Fate::Stays),
                    Table::Quarantine | Table::PersonDistinctIds => (Fate::Goes, Fate::Stays),
                    Table::Persons => (Fate::Stays, Fate::Goes),
                    _ => (Fate::Stays, Fate::Stays),
                };
                let by_id = erased.fate(&row(table, 2, "jane", 1), at(4));
                let by_person = erased.fate(&row(table, 2, "", 9), at(4));
                assert_eq!((by_id, by_person), expected, "{table:?}");
            }
        }
    }

    #[test]
    fn what_an_earlier_erasure_left_stays() {
        let erased = Erased::new(vec![Arc::new(placed(1, ErasureKind::Delete, 5))]);
        for table in [Table::Persons, Table::PersonDistinctIds] {
            let version = |is_deleted| {
                let change = Some(Box::new(ChangeFields { is_deleted, ..ChangeFields::default() }));
                Row { change, ..row(table, 2, "jane", 9) }
            };
            assert_eq!(erased.fate(&version(false), at(4)), Fate::Goes, "{table:?}");
            assert_eq!(erased.fate(&version(true), at(4)), Fate::Stays, "{table:?}");
        }
    }

    #[test]
    fn the_first_that_finds_a_row_decides() {
        let anonymize = |number, offset| {
            Arc::new(placed(number, ErasureKind::Anonymize(pseudonym(number)), offset))
        };
        let (first, second) = (anonymize(1, 5), anonymize(2, 9));
        let erased = Erased::new(vec![first.clone(), second.clone()]);
        let of = |erased: &Erased, offset| {
            format!("{:?}", erased.of_event(TeamId(2), "jane", at(offset)))
        };
        assert_eq!(of(&erased, 4), format!("{:?}", Fate::Anonymous(&pseudonym(1))));
        assert_eq!(of(&erased, 5), format!("{:?}", Fate::Anonymous(&pseudonym(2))));
        let deletion = Arc::new(placed(3, ErasureKind::Delete, 7));
        let erased = Erased::new(vec![deletion, second, first]);
        assert_eq!(of(&erased, 4), format!("{:?}", Fate::Anonymous(&pseudonym(1))));
        assert_eq!(of(&erased, 6), "Goes");
    }

    #[test]
    fn recordings_are_told_by_token_and_their_own_journal() {
        let erased = Erased::new(vec![Arc::new(placed(1, ErasureKind::Delete, 5))]);
        let place = |offset| Place { journal_id: RECORDINGS, ..at(offset) };
        assert!(erased.has_recording("phc_a", "jane", place(2)));
        assert!(!erased.has_recording("phc_a", "jane", place(3)));
        assert!(!erased.has_recording("phc_b", "jane", place(2)));
        assert!(!erased.has_recording("phc_a", "joe", place(2)));
    }
}
