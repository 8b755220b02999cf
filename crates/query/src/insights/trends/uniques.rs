//! How many different persons there are, in each span and of each value, in one pass.
//!
//! Persons are numbered as they come. Who was seen in a span with a value is a bit of a map, once it
//! is worth one. The rows are those that the statement of the chart has.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use arrow::array::{Array, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};

use super::super::asking::{Asking, Rows};
use super::super::breakdown::{NONE, OTHER};
use super::super::people::{OfId, Passing, People};
use super::super::spans::Spans;
use super::super::texts::Texts;
use super::statement::Asked;
use crate::Error;

/// So many persons of a set are worth a bit for each there is: a set of them is no smaller then.
const PERSONS_A_BIT: usize = 64;

/// Who was seen.
#[derive(Debug)]
struct Uniques {
    people: People,
    values: Texts,
    spans: Spans,
    /// By span and value the place of the set.
    places: HashMap<(u32, u32), usize>,
    sets: Vec<Seen>,
    /// Span, value and place of the last event: the next one mostly has the same.
    last: Option<((u32, u32), usize)>,
}

/// Different persons.
#[derive(Debug)]
enum Seen {
    Few(HashSet<u32, BuildHasherDefault<OfId>>),
    Many { bits: Vec<u64>, count: usize },
}

/// Counts the persons that a statement finds the events of.
pub(super) async fn rows(asking: &Asking, statement: &str, asked: &Asked) -> Result<Rows, Error> {
    let mut uniques = Uniques {
        people: People::of(asking),
        values: Texts::default(),
        spans: Spans::of(&asked.range),
        places: HashMap::new(),
        sets: Vec::new(),
        last: None,
    };
    let is_total = asked.display.is_total();
    let mut answer = asking.stream_events(statement).await?;
    let memory = asking.memory("unique persons");
    while let Some(batch) = answer.next().await {
        let events = Passing::of(&batch?, &mut uniques.people)?;
        uniques.take_in(&events, is_total);
        memory.try_resize(uniques.bytes())?;
    }
    uniques.rows(asked)
}

impl Uniques {
    fn take_in(&mut self, events: &Passing, is_total: bool) {
        for event in events.iter() {
            let span = if is_total { Some(0) } else { self.spans.place(event.time) };
            let Some(span) = span else { continue };
            let value = self.values.number(if event.value.is_empty() { NONE } else { event.value });
            let key = (u32::try_from(span).unwrap_or(u32::MAX), value);
            let place = match self.last {
                Some((last, place)) if last == key => place,
                _ => self.place(key),
            };
            self.last = Some((key, place));
            self.sets[place].add(event.person, self.people.len());
        }
    }

    fn place(&mut self, key: (u32, u32)) -> usize {
        let next = self.sets.len();
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.sets.push(Seen::Few(HashSet::default()));
        }
        place
    }

    /// About how much it holds.
    fn bytes(&self) -> usize {
        let sets = self.sets.iter().map(|set| match set {
            Seen::Few(persons) => persons.capacity() * 8,
            Seen::Many { bits, .. } => bits.capacity() * 8,
        });
        self.people.bytes() + self.values.bytes() + sets.sum::<usize>() + self.places.len() * 96
    }

    /// By value how many there are in each span, those beyond the limit added up.
    fn totals(&self, asked: &Asked) -> Vec<(String, BTreeMap<u32, u64>)> {
        let mut totals: BTreeMap<&str, BTreeMap<u32, u64>> = BTreeMap::new();
        for ((span, value), place) in &self.places {
            let days = totals.entry(self.values.text(*value)).or_default();
            days.insert(*span, self.sets[*place].len() as u64);
        }
        let mut totals: Vec<(String, BTreeMap<u32, u64>)> =
            totals.into_iter().map(|(value, days)| (value.to_owned(), days)).collect();
        let Some(broken) = &asked.broken else { return totals };
        totals.sort_by_cached_key(|(value, days)| {
            (value.contains(NONE), Reverse(days.values().sum::<u64>()), value.clone())
        });
        if totals.len() > broken.limit {
            let mut others: BTreeMap<u32, u64> = BTreeMap::new();
            for (span, count) in totals.split_off(broken.limit).into_iter().flat_map(|one| one.1) {
                *others.entry(span).or_default() += count;
            }
            totals.push((OTHER.to_owned(), others));
        }
        totals
    }

    fn rows(&self, asked: &Asked) -> Result<Rows, Error> {
        let (mut days, mut values, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for (value, totals) in self.totals(asked) {
            for (span, count) in totals {
                let start = asked.range.buckets.get(span as usize).map(|bucket| bucket.start);
                days.push(start.map_or(0, |start| start.as_microsecond()));
                values.push(value.clone());
                counts.push(count as f64);
            }
        }
        let days = TimestampMicrosecondArray::from(days).with_timezone("UTC");
        let columns: [(&str, Arc<dyn Array>); 3] = [
            ("day", Arc::new(days)),
            ("breakdown_value", Arc::new(StringArray::from(values))),
            ("total", Arc::new(Float64Array::from(counts))),
        ];
        let batch = RecordBatch::try_from_iter(columns);
        batch.map(Rows::of).map_err(|error| Error::Failed(error.to_string()))
    }
}

impl Seen {
    /// Adds one of so many persons that are known.
    fn add(&mut self, person: u32, known: usize) {
        match self {
            Self::Many { bits, count } => {
                let (word, bit) = (person as usize / 64, 1 << (person % 64));
                if bits.len() <= word {
                    bits.resize(known.div_ceil(64).max(word + 1), 0);
                }
                *count += usize::from(bits[word] & bit == 0);
                bits[word] |= bit;
            }
            Self::Few(persons) => {
                persons.insert(person);
                if persons.len() > known / PERSONS_A_BIT {
                    let persons: Vec<u32> = persons.iter().copied().collect();
                    *self = Self::Many { bits: Vec::new(), count: 0 };
                    persons.into_iter().for_each(|person| self.add(person, known));
                }
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Few(persons) => persons.len(),
            Self::Many { count, .. } => *count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_counts_each_person_once_however_it_is_kept() {
        let mut seen = Seen::Few(HashSet::default());
        for round in 0..2 {
            for person in (0..1_000).step_by(10) {
                seen.add(person, 1_000);
            }
            assert_eq!(seen.len(), 100, "{round}");
        }
        assert!(matches!(seen, Seen::Many { .. }));
        let mut few = Seen::Few(HashSet::default());
        [5, 7, 5].into_iter().for_each(|person| few.add(person, 1_000_000));
        assert_eq!(few.len(), 2);
        assert!(matches!(few, Seen::Few(_)));
    }
}
