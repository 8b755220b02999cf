//! The ways of all visits.

use datafusion::execution::memory_pool::MemoryReservation;
use uuid::Uuid;

use super::super::asking::Asking;
use super::super::people::{Passed, Passing, People, by_person};
use super::super::texts::Texts;
use super::Shape;
use crate::Error;

/// A visit ends where nothing is done for so many microseconds.
const PAUSE: i64 = 30 * 60 * 1_000_000;
/// What stands for steps that are cut out.
pub(super) const CUT: &str = "...";
/// The number of what stands for them.
const CUT_NUMBER: u32 = u32::MAX;

/// From one step to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Edge {
    /// The place of the first of both, from 0 on.
    pub(super) step: usize,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// All events.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    people: People,
    items: Texts,
    events: Vec<Event>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
struct Event {
    person: u32,
    time: i64,
    item: u32,
}

impl Gathered {
    /// Reads what a statement finds.
    pub(super) async fn of(asking: &Asking, statement: &str) -> Result<Self, Error> {
        let mut gathered = Self { people: People::of(asking), ..Self::default() };
        let mut answer = asking.stream_events(statement).await?;
        let memory = asking.memory("paths");
        while let Some(batch) = answer.next().await {
            for event in Passing::of(&batch?, &mut gathered.people)?.iter() {
                let Passed { person, time, value, .. } = event;
                let item = gathered.items.number(value);
                gathered.events.push(Event { person, time, item });
            }
            memory.try_resize(gathered.bytes())?;
        }
        gathered.sort(&memory)?;
        Ok(gathered)
    }

    /// About how much it holds.
    fn bytes(&self) -> usize {
        self.people.bytes() + self.items.bytes() + self.events.capacity() * size_of::<Event>()
    }

    /// Events at the same moment come in the order of their items.
    fn sort(&mut self, memory: &MemoryReservation) -> Result<(), Error> {
        // While they are moved they are there twice.
        memory.try_resize(self.bytes() + self.events.len() * size_of::<Event>())?;
        let (events, items) = (std::mem::take(&mut self.events), &self.items);
        self.events = by_person(
            events,
            self.people.len(),
            |event| event.person,
            |left, right| {
                let order = left.time.cmp(&right.time);
                order.then_with(|| items.text(left.item).cmp(items.text(right.item)))
            },
        );
        Ok(memory.try_resize(self.bytes())?)
    }

    /// The text of an item.
    pub(super) fn item(&self, number: u32) -> &str {
        match number {
            CUT_NUMBER => CUT,
            number => self.items.text(number),
        }
    }

    /// Hands over the way of each visit that counts: items, and when each was.
    pub(super) fn walk(&self, shape: &Shape, mut take: impl FnMut(Uuid, &[(u32, i64)])) {
        let number = |point: &Option<String>| {
            point.as_ref().map(|point| {
                (0..self.items.len() as u32).find(|item| self.items.text(*item) == point)
            })
        };
        let (start, end) = (number(&shape.start), number(&shape.end));
        let is_same = |left: &Event, right: &Event| {
            left.person == right.person && right.time - left.time < PAUSE
        };
        for visit in self.events.chunk_by(is_same) {
            let path = self.steps(visit);
            let path = match (start, end) {
                (None, None) => Some(first(&path, shape.steps)),
                (Some(start), None) => from(&path, start).map(|path| first(path, shape.steps)),
                (None, Some(end)) => to(&path, end).map(|path| last(path, shape.steps)),
                (Some(start), Some(end)) => from(&path, start)
                    .and_then(|path| to(path, end))
                    .map(|path| cut(path, shape.steps)),
            };
            let person = visit.first().map(|event| self.people.id(event.person as usize));
            if let (Some(person), Some(path)) = (person, path.filter(|path| !path.is_empty())) {
                take(person, &path);
            }
        }
    }

    /// The steps of a visit: of items that follow each other and are the same, the last.
    fn steps(&self, visit: &[Event]) -> Vec<(u32, i64)> {
        let following = visit.iter().skip(1).map(Some).chain([None]);
        let steps = visit.iter().zip(following).filter(|(event, next)| match next {
            Some(next) => next.item != event.item,
            None => !self.items.text(event.item).is_empty(),
        });
        steps.map(|(event, _)| (event.item, event.time)).collect()
    }
}

/// From the first such item on; `None` where there is none.
fn from(path: &[(u32, i64)], item: Option<u32>) -> Option<&[(u32, i64)]> {
    let place = path.iter().position(|step| Some(step.0) == item)?;
    path.get(place..)
}

/// To the first such item.
fn to(path: &[(u32, i64)], item: Option<u32>) -> Option<&[(u32, i64)]> {
    let place = path.iter().position(|step| Some(step.0) == item)?;
    path.get(..=place)
}

fn first(path: &[(u32, i64)], steps: usize) -> Vec<(u32, i64)> {
    path.iter().take(steps).copied().collect()
}

fn last(path: &[(u32, i64)], steps: usize) -> Vec<(u32, i64)> {
    path.iter().skip(path.len().saturating_sub(steps)).copied().collect()
}

/// Without its middle, where it is too long.
fn cut(path: &[(u32, i64)], steps: usize) -> Vec<(u32, i64)> {
    let half = steps / 2;
    match path.get(half) {
        Some((_, time)) if path.len() > steps => {
            let middle = [(CUT_NUMBER, *time)];
            first(path, half).into_iter().chain(middle).chain(last(path, half)).collect()
        }
        _ => path.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, UnboundedMemoryPool};

    use super::*;

    /// The ways of one person's events, with times in minutes.
    fn ways(events: &[(i64, &str)], start: &str, end: &str, steps: usize) -> Vec<String> {
        let mut gathered = Gathered::default();
        let person = gathered.people.number(Uuid::from_u128(1));
        for (minute, item) in events {
            let item = gathered.items.number(item);
            gathered.events.push(Event { person, time: minute * 60_000_000, item });
        }
        let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
        gathered.sort(&MemoryConsumer::new("paths").register(&pool)).unwrap();
        let point = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let (start, end) = (point(start), point(end));
        let shape = Shape { start, end, steps, edges: 50, least: 0, most: None };
        let mut found = Vec::new();
        gathered.walk(&shape, |_, path| {
            let path = path
                .iter()
                .map(|(item, time)| format!("{}{}", gathered.item(*item), time / 60_000_000));
            found.push(path.collect::<Vec<_>>().join(" "));
        });
        found
    }

    #[test]
    fn half_an_hour_without_an_event_ends_a_visit() {
        assert_eq!(ways(&[(0, "a"), (29, "b")], "", "", 5), ["a0 b29"]);
        assert_eq!(ways(&[(0, "a"), (30, "b")], "", "", 5), ["a0", "b30"]);
    }

    #[test]
    fn of_the_same_again_the_last_counts_and_nothing_empty_at_the_end() {
        let events = [(0, "a"), (1, "a"), (2, "b"), (3, "a"), (4, ""), (5, "")];
        assert_eq!(ways(&events, "", "", 5), ["a1 b2 a3"]);
        assert_eq!(ways(&[(0, ""), (1, "a")], "", "", 5), ["0 a1"]);
    }

    #[test]
    fn ties_are_in_the_order_of_their_items() {
        assert_eq!(ways(&[(0, "c"), (0, "a"), (0, "b")], "", "", 5), ["a0 b0 c0"]);
    }

    #[test]
    fn points_cut_what_is_before_or_behind() {
        let events = [(0, "a"), (1, "b"), (2, "c"), (3, "b"), (4, "d"), (5, "e")];
        assert_eq!(ways(&events, "b", "", 3), ["b1 c2 b3"]);
        assert_eq!(ways(&events, "", "b", 3), ["a0 b1"]);
        assert_eq!(ways(&events, "", "d", 3), ["c2 b3 d4"]);
        assert_eq!(ways(&events, "b", "e", 4), ["b1 c2 ...3 d4 e5"]);
        assert_eq!(ways(&events, "b", "d", 4), ["b1 c2 b3 d4"]);
        assert!(ways(&events, "x", "", 3).is_empty() && ways(&events, "e", "a", 3).is_empty());
    }
}
