//! In which spans of a range each person came: events are read once, and a person has a bit for each span.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use uuid::Uuid;

use super::asking::Asking;
use super::people::{NOBODY, People, column, moments};
use super::spans::{self, Spans};
use crate::Error;

/// Who came when.
#[derive(Debug)]
pub(super) struct Presence {
    people: People,
    spans: Spans,
    /// So many words of each person.
    came: Vec<u64>,
    /// When each came to be, in microseconds, if somebody asks; `i64::MAX` where nobody knows.
    created: Vec<i64>,
    /// How often each came in a span, if somebody asks.
    times: HashMap<(u32, u32), u64>,
}

/// What else is asked of who came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Besides {
    Nothing,
    /// When persons came to be.
    Created,
    /// How often they came in a span.
    Times,
}

impl Presence {
    /// Reads what a statement finds: `person_id` and `moment`, and `created` if that is asked.
    pub(super) async fn of(
        asking: &Asking,
        statement: &str,
        spans: Spans,
        besides: Besides,
    ) -> Result<Self, Error> {
        let mut presence = Self::new(People::of(asking), spans);
        let memory = asking.memory("who came when");
        let mut answer = asking.stream_events(statement).await?;
        while let Some(batch) = answer.next().await {
            let batch = batch?;
            let ids = column(&batch, "person_id", &DataType::Utf8View)?;
            let persons = presence.people.number_all(ids.as_string_view());
            let times = column(&batch, "moment", &moments())?;
            presence.take_in(&persons, &times, besides);
            if besides == Besides::Created {
                presence.take_in_creation(&persons, &column(&batch, "created", &moments())?);
            }
            memory.try_resize(presence.bytes())?;
        }
        if besides == Besides::Created {
            presence.read_persons(asking).await?;
        }
        Ok(presence)
    }

    fn new(people: People, spans: Spans) -> Self {
        let (came, created, times) = (Vec::new(), Vec::new(), HashMap::new());
        Self { people, spans, came, created, times }
    }

    /// About how much it holds.
    fn bytes(&self) -> usize {
        let words = self.came.capacity() + self.created.capacity();
        self.people.bytes() + words * 8 + self.times.capacity() * 32
    }

    fn take_in(&mut self, persons: &[u32], times: &ArrayRef, besides: Besides) {
        let words = self.spans.words();
        self.came.resize(self.people.len() * words, 0);
        let times = times.as_primitive::<TimestampMicrosecondType>();
        for (row, person) in persons.iter().enumerate() {
            if *person == NOBODY || times.is_null(row) {
                continue;
            }
            let Some(span) = self.spans.place(times.value(row)) else { continue };
            spans::set(&mut self.came, *person as usize * words, span);
            if besides == Besides::Times {
                *self.times.entry((*person, span as u32)).or_default() += 1;
            }
        }
    }

    /// The earliest of what events say counts.
    fn take_in_creation(&mut self, persons: &[u32], created: &ArrayRef) {
        self.created.resize(self.people.len(), i64::MAX);
        let created = created.as_primitive::<TimestampMicrosecondType>();
        for (row, person) in persons.iter().enumerate() {
            if *person != NOBODY && created.is_valid(row) {
                let earliest = &mut self.created[*person as usize];
                *earliest = created.value(row).min(*earliest);
            }
        }
    }

    /// What the table of persons says counts before what events say.
    async fn read_persons(&mut self, asking: &Asking) -> Result<(), Error> {
        let statement = format!(
            "SELECT p.id AS person_id, p.created_at AS created FROM persons AS p\n\
             WHERE p.team_id = {}",
            asking.project.team
        );
        let mut answer = asking.stream(&statement).await?;
        while let Some(batch) = answer.next().await {
            let batch = batch?;
            let ids = column(&batch, "person_id", &DataType::Utf8View)?;
            let created = column(&batch, "created", &moments())?;
            let created = created.as_primitive::<TimestampMicrosecondType>();
            let persons = self.people.known(ids.as_string_view());
            for (row, person) in persons.into_iter().enumerate() {
                if person != NOBODY && created.is_valid(row) {
                    self.created[person as usize] = created.value(row);
                }
            }
        }
        Ok(())
    }

    /// Forgets spans in which somebody did not come often enough, or too often.
    pub(super) fn keep_times(&mut self, passes: impl Fn(u64) -> bool) {
        let words = self.spans.words();
        self.came.fill(0);
        for ((person, span), times) in &self.times {
            if passes(*times) {
                spans::set(&mut self.came, *person as usize * words, *span as usize);
            }
        }
    }

    /// The numbers of the persons.
    pub(super) fn persons(&self) -> std::ops::Range<usize> {
        0..self.people.len()
    }

    /// The spans in which a person came, in their order.
    pub(super) fn spans_of(&self, person: usize) -> impl Iterator<Item = usize> + Clone {
        spans::places(self.words_of(person))
    }

    /// In how many spans a person came.
    pub(super) fn span_count(&self, person: usize) -> usize {
        self.words_of(person).iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The span in which a person came to be.
    pub(super) fn span_of_creation(&mut self, person: usize) -> Option<usize> {
        let created = *self.created.get(person)?;
        self.spans.place(created)
    }

    /// Who has a number.
    pub(super) fn id(&self, person: usize) -> Uuid {
        self.people.id(person)
    }

    fn words_of(&self, person: usize) -> &[u64] {
        let words = self.spans.words();
        self.came.get(person * words..(person + 1) * words).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::TimestampMicrosecondArray;

    use super::*;

    fn times(times: &[Option<i64>]) -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(times.to_vec()))
    }

    fn presence() -> Presence {
        let mut presence =
            Presence::new(People::default(), Spans::between((0..=1_000).step_by(10).collect()));
        for person in [7, 8] {
            presence.people.number(Uuid::from_u128(person));
        }
        presence
    }

    #[test]
    fn each_span_in_which_somebody_came_counts_once() {
        let mut presence = presence();
        let moments = [Some(0), Some(9), Some(995), Some(1_000), None, Some(20)];
        presence.take_in(&[0, 0, 0, 0, 0, NOBODY], &times(&moments), Besides::Nothing);
        assert_eq!(presence.spans_of(0).collect::<Vec<_>>(), [0, 99]);
        assert_eq!((presence.span_count(0), presence.span_count(1)), (2, 0));
    }

    #[test]
    fn how_often_somebody_came_in_a_span_may_decide() {
        let mut presence = presence();
        let moments = [Some(0), Some(9), Some(15), Some(25), Some(25)];
        presence.take_in(&[0, 0, 0, 0, 1], &times(&moments), Besides::Times);
        presence.keep_times(|times| times == 1);
        assert_eq!(presence.spans_of(0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(presence.spans_of(1).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn the_earliest_creation_that_events_tell_counts() {
        let mut presence = presence();
        presence.take_in_creation(&[0, 0, 1], &times(&[Some(25), Some(15), None]));
        assert_eq!([0, 1].map(|person| presence.span_of_creation(person)), [Some(1), None]);
    }
}
