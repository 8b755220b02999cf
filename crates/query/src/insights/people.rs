//! Events of persons, for operators that read each once: persons are numbered as they come.
//!
//! A number is four bytes where an id as text is forty, and what is kept of persons lies in vectors.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use uuid::Uuid;
use uuid_simd::UuidExt as _;

use super::asking::Asking;
use crate::Error;
use crate::overrides::Overrides;

/// The number of nobody.
pub(super) const NOBODY: u32 = u32::MAX;

/// The columns of a statement that finds such events: `person_id`, `moment`, `steps`,
/// `breakdown_value`.
#[derive(Debug)]
pub(super) struct Passing {
    /// The numbers of the persons.
    people: Vec<u32>,
    times: PrimitiveArray<TimestampMicrosecondType>,
    steps: PrimitiveArray<Int64Type>,
    values: StringViewArray,
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed<'a> {
    /// Its number.
    pub(super) person: u32,
    /// When, in microseconds.
    pub(super) time: i64,
    /// What it is, one bit each.
    pub(super) steps: u64,
    /// Its value of the breakdown.
    pub(super) value: &'a str,
}

impl Passing {
    /// Reads a batch, and gives numbers to whoever has none.
    pub(super) fn of(batch: &RecordBatch, people: &mut People) -> Result<Self, Error> {
        let ids = column(batch, "person_id", &DataType::Utf8View)?;
        Ok(Self {
            people: people.number_all(ids.as_string_view()),
            times: column(batch, "moment", &moments())?.as_primitive().clone(),
            steps: column(batch, "steps", &DataType::Int64)?.as_primitive().clone(),
            values: column(batch, "breakdown_value", &DataType::Utf8View)?.as_string_view().clone(),
        })
    }

    /// The events of somebody at some time. Tables of others may have rows without one or the other, which
    /// SQL does not count either.
    pub(super) fn iter(&self) -> impl Iterator<Item = Passed<'_>> {
        let people = self.people.iter().enumerate();
        let counted =
            people.filter(|(row, person)| **person != NOBODY && self.times.is_valid(*row));
        counted.map(|(row, person)| Passed {
            person: *person,
            time: self.times.value(row),
            steps: self.steps.value(row).unsigned_abs(),
            value: self.values.value(row),
        })
    }
}

/// The person of a row; `None` where it has none. An id that others made, and that is no UUID, stands for
/// one that follows from it.
fn person_in(ids: &StringViewArray, row: usize) -> Option<Uuid> {
    let id = ids.is_valid(row).then(|| ids.value(row))?;
    let derived = || Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes());
    Some(hyphenated(id).or_else(|| Uuid::parse_str(id).ok()).unwrap_or_else(derived))
}

fn persons_in(ids: &StringViewArray) -> Vec<Option<Uuid>> {
    (0..ids.len()).map(|row| person_in(ids, row)).collect()
}

/// The uuid that a text is, as most are written; many times as fast as whoever knows all ways to write one.
pub(super) fn hyphenated(text: &str) -> Option<Uuid> {
    Uuid::parse_hyphenated(text.as_bytes()).ok()
}

/// UTC, as the lake writes it.
pub(super) fn moments() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A column of a statement's answer.
pub(super) fn column(batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef, Error> {
    let column = batch.column_by_name(name);
    let column = column.ok_or_else(|| Error::Failed(format!("no column {name}")))?;
    cast(column, kind).map_err(|error| Error::Failed(error.to_string()))
}

/// The numbers of persons: who was merged has that of the person that it belongs to now.
#[derive(Debug, Default)]
pub(super) struct People {
    team: i64,
    overrides: Arc<Overrides>,
    numbers: HashMap<Uuid, u32, BuildHasherDefault<OfId>>,
    ids: Vec<Uuid>,
}

impl People {
    /// None yet, of whoever asks.
    pub(super) fn of(asking: &Asking) -> Self {
        let overrides = Arc::clone(&asking.overrides);
        Self { team: asking.project.team, overrides, ..Self::default() }
    }

    /// The numbers of the persons of rows: [`NOBODY`] where a row has none.
    ///
    /// Whoever is known is looked up right after each other. Most of that is waiting for memory, and so the
    /// processor waits for many at once.
    pub(super) fn number_all(&mut self, ids: &StringViewArray) -> Vec<u32> {
        let persons = persons_in(ids);
        let mut numbers = self.known_of(&persons);
        for (number, person) in numbers.iter_mut().zip(persons) {
            if let Some(person) = person.filter(|_| *number == NOBODY) {
                *number = self.number(person);
            }
        }
        numbers
    }

    /// The same, without giving any: [`NOBODY`] also where a person has no number.
    pub(super) fn known(&self, ids: &StringViewArray) -> Vec<u32> {
        self.known_of(&persons_in(ids))
    }

    fn known_of(&self, persons: &[Option<Uuid>]) -> Vec<u32> {
        let known = |person: &Option<Uuid>| {
            person.and_then(|person| self.numbers.get(&person)).copied().unwrap_or(NOBODY)
        };
        persons.iter().map(known).collect()
    }

    /// A person's number.
    pub(super) fn number(&mut self, person: Uuid) -> u32 {
        if let Some(number) = self.numbers.get(&person) {
            return *number;
        }
        let present = self.overrides.person(self.team, person).unwrap_or(person);
        let next = u32::try_from(self.ids.len()).unwrap_or(NOBODY);
        let number = *self.numbers.entry(present).or_insert(next);
        if number == next {
            self.ids.push(present);
        }
        if present != person {
            self.numbers.insert(person, number);
        }
        number
    }

    /// Who has a number.
    pub(super) fn id(&self, number: usize) -> Uuid {
        self.ids.get(number).copied().unwrap_or_default()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// About how much it holds.
    pub(super) fn bytes(&self) -> usize {
        self.numbers.capacity() * 24 + self.ids.capacity() * 16
    }
}

/// Puts what persons did in the order of their numbers, and what each did in an order of its own.
///
/// Numbers have no gaps, so that everything is moved to its place once; only what few did is compared.
pub(super) fn by_person<T: Copy>(
    done: Vec<T>,
    people: usize,
    number: impl Fn(&T) -> u32,
    order: impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    let mut ends = vec![0_usize; people];
    for one in &done {
        ends[number(one) as usize] += 1;
    }
    let mut end = 0;
    for place in &mut ends {
        end += *place;
        *place = end;
    }
    let mut placed = done.clone();
    for one in done.iter().rev() {
        let place = &mut ends[number(one) as usize];
        *place -= 1;
        placed[*place] = *one;
    }
    for of_one in placed.chunk_by_mut(|left, right| number(left) == number(right)) {
        of_one.sort_unstable_by(&order);
    }
    placed
}

/// The hash of a person's id, whose bytes are one already, or random.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OfId(u64);

/// An odd number without a pattern.
const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for OfId {
    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(FACTOR as u64);
        mixed ^ (mixed >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks_exact(8) {
            let mut eight = [0; 8];
            eight.copy_from_slice(part);
            // Both halves of a product, so that ids which count upwards are far apart, too.
            let product = u128::from(self.0 ^ u64::from_le_bytes(eight)) * FACTOR;
            self.0 = (product as u64) ^ ((product >> 64) as u64);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&u64::from(number).to_le_bytes());
    }

    fn write_i64(&mut self, number: i64) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, _: usize) {
        // How long an id is, which is the same for all.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_persons_did_is_put_in_order() {
        let done: Vec<(u32, u32)> = (0..1_000).map(|n| (n * 7 % 13, n * 31 % 101)).collect();
        let mut expected = done.clone();
        expected.sort_unstable();
        let found = by_person(done, 13, |(person, _)| *person, |left, right| left.1.cmp(&right.1));
        assert_eq!(found, expected);
        assert!(by_person(Vec::<(u32, u32)>::new(), 0, |_| 0, |_, _| Ordering::Equal).is_empty());
    }

    #[test]
    fn numbers_count_up_and_stay() {
        let mut people = People::default();
        let person = Uuid::from_u128;
        assert_eq!([7, 8, 7].map(|id| people.number(person(id))), [0, 1, 0]);
        let text = |id: u128| Some(person(id).to_string());
        let ids = [text(9), None, text(8), text(9), Some("nobody's uuid".to_owned()), text(7)];
        let numbers = people.number_all(&ids.into_iter().collect());
        assert_eq!(numbers, [2, NOBODY, 1, 2, 3, 0]);
        assert_eq!([people.id(0), people.id(1)], [person(7), person(8)]);
    }

    #[test]
    fn ids_that_count_up_have_hashes_of_their_own() {
        let hash = |number: u128| {
            let mut hasher = OfId::default();
            hasher.write(Uuid::from_u128(number).as_bytes());
            hasher.finish()
        };
        let hashes: std::collections::BTreeSet<u64> = (0..10_000).map(hash).collect();
        assert_eq!(hashes.len(), 10_000);
        // Tables take their place from the lowest bits and what tells places apart from the highest.
        let low: std::collections::BTreeSet<u64> = hashes.iter().map(|hash| hash % 4_096).collect();
        assert!(low.len() > 3_000, "{}", low.len());
    }
}
