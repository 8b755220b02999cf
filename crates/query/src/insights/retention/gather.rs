//! Who came when, and when again: a bit for each span.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::asking::Asking;
use super::super::people::{Passed, Passing, People};
use super::super::range::Range;
use super::super::spans::{self, Spans};
use super::super::texts::Texts;
use super::{Counts, RetentionType};
use crate::Error;

/// The bits of `steps`: the target event; one of its name; the returning event.
pub(super) const CAME: u64 = 1;
pub(super) const NAMED: u64 = 2;
pub(super) const CAME_AGAIN: u64 = 4;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) of: RetentionType,
    /// How many spans are followed, the first included.
    pub(super) spans: usize,
    /// How often the returning event happens in a span that counts.
    pub(super) least: u32,
    pub(super) is_cumulative: bool,
    pub(super) is_broken: bool,
}

/// All that is kept: of each visitor, who is a person, or a person with a value.
#[derive(Debug)]
pub(super) struct Gathered {
    people: People,
    values: Texts,
    visitors: Visitors,
    spans: Spans,
}

/// Who a visitor is, and when it came.
#[derive(Debug, Default)]
struct Visitors {
    /// By person and value, where values tell visitors apart.
    numbers: HashMap<(u32, u32), u32>,
    people: Vec<u32>,
    values: Vec<u32>,
    /// The first target event, and the first event of its name.
    came_first: Vec<i64>,
    named_first: Vec<i64>,
    /// The spans in which they came, and in which they came again: so many words each.
    came: Vec<u64>,
    again: Vec<u64>,
    /// How often they did the returning event, where once is not enough.
    times: HashMap<(u32, u32), u32>,
}

impl Gathered {
    /// Reads what a statement finds.
    pub(super) async fn of(
        asking: &Asking,
        statement: &str,
        shape: Shape,
        range: &Range,
    ) -> Result<Self, Error> {
        let mut gathered = Self::new(People::of(asking), Spans::of(range));
        let mut answer = asking.stream_events(statement).await?;
        let memory = asking.memory("retention");
        while let Some(batch) = answer.next().await {
            for event in Passing::of(&batch?, &mut gathered.people)?.iter() {
                gathered.take_in(event, shape);
            }
            memory.try_resize(gathered.bytes())?;
        }
        gathered.settle(shape.of);
        Ok(gathered)
    }

    fn new(people: People, spans: Spans) -> Self {
        Self { people, values: Texts::default(), visitors: Visitors::default(), spans }
    }

    /// About how much it holds.
    fn bytes(&self) -> usize {
        let Visitors { numbers, people, came, again, times, .. } = &self.visitors;
        let maps = numbers.capacity() + times.capacity();
        self.people.bytes()
            + self.values.bytes()
            + maps * 24
            + people.capacity() * 24
            + (came.capacity() + again.capacity()) * 8
    }

    fn take_in(&mut self, event: Passed<'_>, shape: Shape) {
        let visitor = self.visitor(event.person, event.value, shape) as usize;
        let visitors = &mut self.visitors;
        let asks_for_first = shape.of != RetentionType::Recurring;
        if asks_for_first && event.steps & NAMED != 0 {
            let first = &mut visitors.named_first[visitor];
            let is_first = event.time < *first;
            let value = self.values.number(event.value);
            let is_lower = || {
                let held = visitors.values[visitor];
                event.value < self.values.text(held)
            };
            // Of values at the same moment the first in the order of texts counts.
            if shape.of == RetentionType::FirstEver
                && (is_first || (event.time == *first && is_lower()))
            {
                visitors.values[visitor] = value;
            }
            *first = event.time.min(*first);
        }
        if asks_for_first && event.steps & CAME != 0 {
            let first = &mut visitors.came_first[visitor];
            *first = event.time.min(*first);
        }
        let Some(span) = self.spans.place(event.time) else { return };
        let words = self.spans.words();
        if event.steps & CAME != 0 {
            spans::set(&mut visitors.came, visitor * words, span);
        }
        if event.steps & CAME_AGAIN != 0 {
            let is_enough = shape.least <= 1 || {
                let place = (visitor as u32, span as u32);
                let times = visitors.times.entry(place).or_default();
                *times += 1;
                *times >= shape.least
            };
            if is_enough {
                spans::set(&mut visitors.again, visitor * words, span);
            }
        }
    }

    fn visitor(&mut self, person: u32, value: &str, shape: Shape) -> u32 {
        let words = self.spans.words();
        let visitors = &mut self.visitors;
        let next = visitors.people.len() as u32;
        let is_told_apart = shape.is_broken && shape.of != RetentionType::FirstEver;
        let (visitor, value) = match is_told_apart {
            false => (person, 0),
            true => {
                let value = self.values.number(value);
                (*visitors.numbers.entry((person, value)).or_insert(next), value)
            }
        };
        // Persons have numbers before their events are taken in.
        for new in next..=visitor {
            visitors.people.push(if is_told_apart { person } else { new });
            visitors.values.push(value);
            visitors.came_first.push(i64::MAX);
            visitors.named_first.push(i64::MAX);
            visitors.came.resize(visitors.came.len() + words, 0);
            visitors.again.resize(visitors.again.len() + words, 0);
        }
        visitor
    }

    /// Who comes once only came in one span at most.
    fn settle(&mut self, of: RetentionType) {
        if of == RetentionType::Recurring {
            return;
        }
        let words = self.spans.words();
        let visitors = &mut self.visitors;
        visitors.came.fill(0);
        for visitor in 0..visitors.people.len() {
            let first = visitors.came_first[visitor];
            let passes = of == RetentionType::FirstTime || first == visitors.named_first[visitor];
            if let Some(span) = self.spans.place(first).filter(|_| passes) {
                spans::set(&mut visitors.came, visitor * words, span);
            }
        }
    }

    /// By value, and by the span in which they came, how many came how much later.
    pub(super) fn counts(&self, shape: Shape) -> Vec<(String, Counts)> {
        let mut counts: BTreeMap<u32, Counts> = BTreeMap::new();
        if !shape.is_broken {
            counts.insert(0, Counts::new());
        }
        for visitor in 0..self.visitors.people.len() {
            let value = self.visitors.values[visitor];
            for first in self.spans_in(&self.visitors.came, visitor) {
                let counts = counts.entry(value).or_default();
                for later in self.later(visitor, first, shape) {
                    *counts.entry((first, later)).or_default() += 1;
                }
            }
        }
        let named = |(value, counts)| (self.values.text(value).to_owned(), counts);
        counts.into_iter().map(named).collect()
    }

    /// Who is counted there, and at which spans of those who came then.
    pub(super) fn behind(
        &self,
        shape: Shape,
        first: Option<usize>,
        later: usize,
        has_value: impl Fn(&str) -> bool,
    ) -> BTreeMap<String, BTreeSet<usize>> {
        let mut found: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for visitor in 0..self.visitors.people.len() {
            if !has_value(self.values.text(self.visitors.values[visitor])) {
                continue;
            }
            let firsts = self.spans_in(&self.visitors.came, visitor);
            for span in firsts.filter(|span| first.is_none_or(|first| first == *span)) {
                let spans: Vec<usize> = self.later(visitor, span, shape).collect();
                if spans.contains(&later) {
                    let person = self.people.id(self.visitors.people[visitor] as usize);
                    found.entry(person.to_string()).or_default().extend(spans);
                }
            }
        }
        found
    }

    /// How much later a visitor is counted of those who came in a span; 0 for the span itself.
    fn later(
        &self,
        visitor: usize,
        first: usize,
        shape: Shape,
    ) -> impl Iterator<Item = usize> + '_ {
        let again = self.spans_in(&self.visitors.again, visitor);
        let again = again.filter_map(move |span| span.checked_sub(first));
        let again = again.filter(move |later| (1..shape.spans).contains(later));
        let last = shape.is_cumulative.then(|| again.clone().max().unwrap_or(0));
        let all = last.into_iter().flat_map(|last| 0..=last);
        let each = [0].into_iter().chain(again).filter(move |_| !shape.is_cumulative);
        all.chain(each)
    }

    /// The spans whose bits are set.
    fn spans_in<'a>(
        &self,
        bits: &'a [u64],
        visitor: usize,
    ) -> impl Iterator<Item = usize> + Clone + 'a {
        let words = self.spans.words();
        spans::places(bits.get(visitor * words..(visitor + 1) * words).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const BOTH: u64 = CAME | CAME_AGAIN;

    /// Who came and came again in four spans of ten, followed over three, of events by person.
    fn counts(
        of: RetentionType,
        is_cumulative: bool,
        least: u32,
        events: &[(u128, i64, u64)],
    ) -> Vec<Vec<u64>> {
        let shape = Shape { of, spans: 3, least, is_cumulative, is_broken: false };
        let spans = Spans::between((0..=40).step_by(10).collect());
        let mut gathered = Gathered::new(People::default(), spans);
        for (person, time, steps) in events {
            let person = gathered.people.number(Uuid::from_u128(*person));
            gathered.take_in(Passed { person, time: *time, steps: *steps, value: "" }, shape);
        }
        gathered.settle(of);
        let counts = gathered.counts(shape).remove(0).1;
        let count = |first, later| counts.get(&(first, later)).copied().unwrap_or_default();
        (0..4).map(|first| (0..3).map(|later| count(first, later)).collect()).collect()
    }

    fn recurring(events: &[(u128, i64, u64)]) -> Vec<Vec<u64>> {
        counts(RetentionType::Recurring, false, 1, events)
    }

    #[test]
    fn the_first_moment_of_a_span_belongs_to_it_and_the_end_to_the_next() {
        let events = [(1, 9, CAME), (1, 10, CAME_AGAIN), (2, 10, CAME), (2, 20, CAME_AGAIN)];
        assert_eq!(recurring(&events), [[1, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]]);
    }

    #[test]
    fn what_is_before_or_behind_the_range_does_not_count() {
        let events = [(1, -1, BOTH), (1, 35, BOTH), (1, 40, BOTH)];
        assert_eq!(recurring(&events), [[0, 0, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0]]);
    }

    #[test]
    fn who_comes_again_later_than_is_followed_has_only_come() {
        assert_eq!(recurring(&[(1, 0, CAME), (1, 30, CAME_AGAIN)])[0], [1, 0, 0]);
    }

    #[test]
    fn coming_again_within_the_first_span_says_nothing() {
        assert_eq!(recurring(&[(1, 0, BOTH), (1, 0, BOTH), (1, 5, CAME_AGAIN)])[0], [1, 0, 0]);
    }

    #[test]
    fn late_events_change_when_a_person_came_first() {
        let late = [(1, 25, BOTH), (1, 5, BOTH)];
        let first = |events| counts(RetentionType::FirstTime, false, 1, events);
        assert_eq!(first(&late), [[1, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]]);
        assert_eq!(first(&[(1, 25, BOTH), (1, -5, BOTH)]), [[0; 3]; 4]);
    }

    #[test]
    fn of_the_first_events_at_one_moment_one_that_passes_is_enough() {
        let first = |events| counts(RetentionType::FirstEver, false, 1, events)[0].clone();
        assert_eq!(first(&[(1, 5, NAMED), (1, 5, NAMED | CAME)]), [1, 0, 0]);
        assert_eq!(first(&[(1, 4, NAMED), (1, 5, NAMED | CAME)]), [0, 0, 0]);
    }

    #[test]
    fn so_many_times_are_counted_in_each_span() {
        let events = [(1, 0, CAME), (1, 11, CAME_AGAIN), (1, 21, CAME_AGAIN), (1, 22, CAME_AGAIN)];
        assert_eq!(counts(RetentionType::Recurring, false, 2, &events)[0], [1, 0, 1]);
    }

    #[test]
    fn cumulative_counts_then_or_later() {
        let events = [(1, 0, CAME), (1, 20, CAME_AGAIN), (2, 0, CAME)];
        assert_eq!(counts(RetentionType::Recurring, true, 1, &events)[0], [2, 1, 1]);
    }
}
