//! Takes what is erased out of rows.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow::buffer::ScalarBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use event::{
    Erased, ErasureKind, Fate, PersonId, Place, Placed, Pseudonym, Row, TeamId, Timestamp,
};
use uuid::Uuid;

use super::anonymous::anonymize;
use super::{Counts, Number, Numbered};
use crate::{Error, Table};

/// What some erasures take out of rows.
#[derive(Debug)]
pub struct Erasing {
    /// All of them: what becomes of a row.
    all: Erased,
    /// Each by itself: which of them it is that a row is counted for.
    each: Vec<(Number, Erased)>,
}

impl Erasing {
    pub(crate) fn new(erasures: &[Numbered]) -> Self {
        let placed = |numbered: &Numbered| numbered.placed.clone();
        let alone = |numbered: &Numbered| (numbered.number, Erased::new(vec![placed(numbered)]));
        Self {
            all: Erased::new(erasures.iter().map(placed).collect()),
            each: erasures.iter().map(alone).collect(),
        }
    }

    /// Whether it finds anything in a table.
    pub(crate) fn finds(table: &Table) -> bool {
        key(table).is_some()
    }

    /// The columns that it must be given of a table's rows, where it need not have all.
    pub fn columns(&self, table: &Table) -> Option<Vec<&'static str>> {
        let is_deletion = |placed: &Arc<Placed>| placed.erasure.kind == ErasureKind::Delete;
        let is_enough = table.latest().is_some() || self.all.all().iter().all(is_deletion);
        let places = ["journal_id", "journal_offset", received(table)];
        let keys = key_columns(table).filter(|_| is_enough)?;
        Some(keys.into_iter().chain(places).collect())
    }

    /// The rows of a file without those that go, and the others without what says whose they were.
    ///
    /// # Errors
    /// When the rows cannot be put in order again.
    pub fn shown(&self, table: &'static Table, rows: RecordBatch) -> Result<RecordBatch, Error> {
        self.apply(table, rows, &mut Counts::default())
    }

    /// The rows without those that go, the others in the same order; counts both kinds.
    pub(crate) fn apply(
        &self,
        table: &'static Table,
        rows: RecordBatch,
        counts: &mut Counts,
    ) -> Result<RecordBatch, Error> {
        let Some(subjects) = Subjects::of(table, &rows) else {
            return Ok(rows);
        };
        let fates: Vec<Fate<'_>> = subjects.fates(&self.all).collect();
        if fates.iter().all(|fate| *fate == Fate::Stays) {
            return Ok(rows);
        }
        self.count(table, &subjects, &fates, counts);
        let whose: Vec<Option<&Pseudonym>> = fates.iter().filter_map(pseudonym).collect();
        let stays: BooleanArray = fates.iter().map(|fate| Some(*fate != Fate::Goes)).collect();
        let rows = filter_record_batch(&rows, &stays)?;
        match whose.iter().any(Option::is_some) {
            true => anonymize(table, &rows, &whose),
            false => Ok(rows),
        }
    }

    /// Whether some rows may be concerned, wherever they stand in the journal: asks their keys alone.
    pub(crate) fn may_concern(&self, table: &'static Table, keys: &RecordBatch) -> bool {
        let subjects = Subjects::of_keys(table, keys);
        subjects.is_some_and(|keys| keys.fates(&self.all).any(|fate| fate != Fate::Stays))
    }

    /// Counts each row for the first erasure that asks for what becomes of it.
    fn count(
        &self,
        table: &'static Table,
        subjects: &Subjects<'_>,
        fates: &[Fate<'_>],
        counts: &mut Counts,
    ) {
        let concerned = fates.iter().enumerate().filter(|(_, fate)| **fate != Fate::Stays);
        for (row, fate) in concerned {
            let asked = self.each.iter().find(|(_, erased)| subjects.fate(row, erased) == *fate);
            let Some((number, _)) = asked else { continue };
            let count = counts.of(*number, table);
            match fate {
                Fate::Goes => count.removed += 1,
                _ => count.anonymized += 1,
            }
        }
    }
}

/// Of a row that does not go, whose it becomes.
#[expect(clippy::option_option, reason = "whether there is a row, and whether it has a pseudonym")]
fn pseudonym<'a>(fate: &Fate<'a>) -> Option<Option<&'a Pseudonym>> {
    match fate {
        Fate::Goes => None,
        Fate::Stays => Some(None),
        Fate::Anonymous(pseudonym) => Some(Some(pseudonym)),
    }
}

/// A place that every erasure covers.
const BEFORE_ALL: Place =
    Place { journal_id: Uuid::nil(), offset: 0, received_at: Timestamp::from_micros(i64::MIN) };

/// By which column rows of a table are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    DistinctId,
    Person,
}

/// The columns by which rows of a table are found; `None` for a table that says of nobody.
pub(crate) fn key_columns(table: &Table) -> Option<Vec<&'static str>> {
    let key = match key(table)? {
        Key::DistinctId => "distinct_id",
        Key::Person => "id",
    };
    let is_deleted = table.latest().map(|_| IS_DELETED);
    Some(["team_id", key].into_iter().chain(is_deleted).collect())
}

/// The column of what is gone.
const IS_DELETED: &str = "is_deleted";

fn key(table: &Table) -> Option<Key> {
    match table.rows() {
        event::Table::Events
        | event::Table::Heatmaps
        | event::Table::Quarantine
        | event::Table::PersonDistinctIds => Some(Key::DistinctId),
        event::Table::Persons => Some(Key::Person),
        _ => None,
    }
}

/// The column that tells when a row was received.
fn received(table: &Table) -> &'static str {
    match table.rows().keeps_latest() {
        true => "changed_at",
        false => "created_at",
    }
}

/// Whose the rows of a batch are, and where they stand.
struct Subjects<'a> {
    rows: event::Table,
    key: Key,
    teams: &'a ScalarBuffer<i64>,
    ids: &'a StringArray,
    /// Which rows say that something is gone, in a table of versions.
    gone: Option<&'a ScalarBuffer<i64>>,
    places: Option<Places<'a>>,
}

struct Places<'a> {
    journals: &'a StringArray,
    offsets: &'a ScalarBuffer<i64>,
    received: &'a ScalarBuffer<i64>,
}

impl<'a> Subjects<'a> {
    fn of(table: &'static Table, rows: &'a RecordBatch) -> Option<Self> {
        let places = Places {
            journals: rows.column_by_name("journal_id")?.as_string_opt()?,
            offsets: rows
                .column_by_name("journal_offset")?
                .as_primitive_opt::<Int64Type>()?
                .values(),
            received: rows
                .column_by_name(received(table))?
                .as_primitive_opt::<TimestampMicrosecondType>()?
                .values(),
        };
        Some(Self { places: Some(places), ..Self::of_keys(table, rows)? })
    }

    fn of_keys(table: &'static Table, rows: &'a RecordBatch) -> Option<Self> {
        let columns = key_columns(table)?;
        let numbers = |name| rows.column_by_name(name)?.as_primitive_opt::<Int64Type>();
        let gone = columns.get(2).map(|name| numbers(name).map(PrimitiveArray::values));
        Some(Self {
            rows: table.rows(),
            key: key(table)?,
            teams: numbers(columns.first()?)?.values(),
            ids: rows.column_by_name(columns.get(1)?)?.as_string_opt()?,
            gone: match gone {
                Some(gone) => Some(gone?),
                None => None,
            },
            places: None,
        })
    }

    fn fates<'b>(&self, erased: &'b Erased) -> impl Iterator<Item = Fate<'b>> {
        (0..self.ids.len()).map(|row| self.fate(row, erased))
    }

    /// Nearly all rows are nobody's who is erased, whatever their place. That something is gone
    /// stays, as [`Erased::fate`] says.
    fn fate<'b>(&self, row: usize, erased: &'b Erased) -> Fate<'b> {
        if self.gone.is_some_and(|gone| gone[row] != 0) {
            return Fate::Stays;
        }
        match (self.fate_at(row, erased, BEFORE_ALL), &self.places) {
            (Fate::Stays, _) => Fate::Stays,
            (fate, None) => fate,
            (_, Some(places)) => self.fate_at(row, erased, places.of(row)),
        }
    }

    fn fate_at<'b>(&self, row: usize, erased: &'b Erased, place: Place) -> Fate<'b> {
        let (team, id) = (TeamId(self.teams[row]), self.ids.value(row));
        match (self.key, self.rows) {
            (Key::Person, _) => {
                let Ok(person) = Uuid::parse_str(id) else { return Fate::Stays };
                erased.fate(&version_of(team, PersonId(person)), place)
            }
            (Key::DistinctId, event::Table::Events | event::Table::Heatmaps) => {
                erased.of_event(team, id, place)
            }
            (Key::DistinctId, _) => match erased.of_event(team, id, place) {
                Fate::Stays => Fate::Stays,
                _ => Fate::Goes,
            },
        }
    }
}

impl Places<'_> {
    fn of(&self, row: usize) -> Place {
        Place {
            journal_id: Uuid::parse_str(self.journals.value(row)).unwrap_or_default(),
            offset: u64::try_from(self.offsets[row]).unwrap_or_default(),
            received_at: Timestamp::from_micros(self.received[row]),
        }
    }
}

fn version_of(team: TeamId, person: PersonId) -> Row {
    let (person_id_high, person_id_low) = person.0.as_u64_pair();
    Row {
        table_number: event::Table::Persons.into(),
        team_id: team.0,
        person_id_high,
        person_id_low,
        ..Row::default()
    }
}
