//! Events of a funnel, gathered by person.

use std::collections::BTreeSet;

use datafusion::execution::memory_pool::MemoryReservation;
use uuid::Uuid;

use super::super::asking::Asking;
use super::super::breakdown::NONE;
use super::super::people::{Passed, Passing, People, by_person};
use super::super::texts::Texts;
use super::Attribution;
use super::walk::{Rules, Seen, farthest};
use crate::Error;

/// Exclusions are the higher bits of `steps`.
pub(super) const EXCLUSIONS: u32 = 32;

/// All events, by the numbers of persons.
#[derive(Debug)]
pub(super) struct Gathered {
    people: People,
    values: Texts,
    /// The number of no value.
    none: u32,
    attribution: Attribution,
    events: Vec<(u32, Seen)>,
    touched: Vec<Touched>,
}

/// A person's value so far, and when it had it.
#[derive(Clone, Copy, Debug)]
struct Touched {
    time: Option<i64>,
    value: u32,
}

/// A person with a value, and when it did each step that it got to.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: Uuid,
    pub(super) value: String,
    pub(super) times: Vec<i64>,
}

/// A person with a value: its events in the order of their times, and by what rules they count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor<'a> {
    pub(super) id: Uuid,
    pub(super) value: &'a str,
    pub(super) events: &'a [Seen],
    pub(super) rules: Rules,
}

impl Gathered {
    /// Reads what a statement finds.
    pub(super) async fn of(
        asking: &Asking,
        statement: &str,
        attribution: Attribution,
    ) -> Result<Self, Error> {
        let mut values = Texts::default();
        let none = values.number(NONE);
        let (events, touched) = (Vec::new(), Vec::new());
        let people = People::of(asking);
        let mut gathered = Self { people, values, none, attribution, events, touched };
        let mut answer = asking.stream_events(statement).await?;
        let memory = asking.memory("funnel");
        while let Some(batch) = answer.next().await {
            for event in Passing::of(&batch?, &mut gathered.people)?.iter() {
                gathered.take_in(event);
            }
            memory.try_resize(gathered.bytes())?;
        }
        gathered.sort(&memory)?;
        Ok(gathered)
    }

    fn sort(&mut self, memory: &MemoryReservation) -> Result<(), Error> {
        // While they are moved they are there twice.
        memory.try_resize(self.bytes() + self.events.len() * size_of::<(u32, Seen)>())?;
        let events = std::mem::take(&mut self.events);
        let key = |seen: &Seen| (seen.time, seen.steps, seen.value);
        self.events = by_person(
            events,
            self.people.len(),
            |(person, _)| *person,
            |(_, left), (_, right)| key(left).cmp(&key(right)),
        );
        Ok(memory.try_resize(self.bytes())?)
    }

    /// About how much it holds.
    fn bytes(&self) -> usize {
        let an_event = size_of::<(u32, Seen)>();
        self.events.capacity() * an_event
            + self.people.bytes()
            + self.values.bytes()
            + self.touched.capacity() * size_of::<Touched>()
    }

    fn take_in(&mut self, event: Passed<'_>) {
        let Passed { person, time, steps, value } = event;
        if self.touched.len() <= person as usize {
            let untouched = Touched { time: None, value: self.none };
            self.touched.resize(self.people.len(), untouched);
        }
        let value = if value.is_empty() { self.none } else { self.values.number(value) };
        let (excludes, steps) = ((steps >> EXCLUSIONS) as u32, steps as u32);
        self.events.push((person, Seen { time, steps, excludes, value }));
        // An event that is no step is there for strict funnels and exclusions alone.
        if steps != 0 && value != self.none {
            self.touch(person, time, value);
        }
    }

    /// Of values at the same moment the first in the order of texts counts, however rows lie.
    fn touch(&mut self, person: u32, time: i64, value: u32) {
        let Some(touched) = self.touched.get_mut(person as usize) else { return };
        let text = |number| self.values.text(number);
        let is_better = match touched.time {
            None => true,
            Some(held) if held == time => text(value) < text(touched.value),
            Some(held) if self.attribution == Attribution::LastTouch => time > held,
            Some(held) => time < held,
        };
        if is_better {
            *touched = Touched { time: Some(time), value };
        }
    }

    /// Hands over each person with each of its values.
    pub(super) fn each(&self, rules: Rules, of_step: usize, mut take: impl FnMut(Visitor<'_>)) {
        let mut seen = Vec::new();
        for events in self.events.chunk_by(|left, right| left.0 == right.0) {
            let number = events.first().map_or(0, |(number, _)| *number as usize);
            let id = self.people.id(number);
            for value in self.values_of(number, events, of_step) {
                seen.clear();
                seen.extend(events.iter().map(|(_, seen)| *seen).filter(|seen| {
                    self.attribution != Attribution::AllEvents || seen.value == value
                }));
                let is_of_step = self.attribution == Attribution::Step;
                let of_step = is_of_step.then_some((of_step, value));
                let rules = Rules { of_step, ..rules };
                take(Visitor { id, value: self.values.text(value), events: &seen, rules });
            }
        }
    }

    fn values_of(&self, person: usize, events: &[(u32, Seen)], of_step: usize) -> BTreeSet<u32> {
        let with = |is_meant: fn(&Seen, u32) -> bool| {
            let bit = 1 << of_step;
            let values = events.iter().filter(|(_, seen)| is_meant(seen, bit));
            values.map(|(_, seen)| seen.value).collect::<BTreeSet<u32>>()
        };
        let values = match self.attribution {
            Attribution::FirstTouch | Attribution::LastTouch => {
                self.touched.get(person).map(|touched| touched.value).into_iter().collect()
            }
            Attribution::Step => with(|seen, bit| seen.steps & bit != 0),
            Attribution::AllEvents => with(|seen, _| seen.steps != 0),
        };
        match values.is_empty() {
            true => [self.none].into(),
            false => values,
        }
    }

    /// How far each person gets.
    pub(super) fn walked(&self, rules: Rules, of_step: usize) -> Vec<Person> {
        let mut people = Vec::new();
        self.each(rules, of_step, |visitor| people.extend(visitor.walked(visitor.events)));
        people
    }
}

impl Visitor<'_> {
    /// How far it gets with these events; `None` where an exclusion leaves it out.
    pub(super) fn walked(&self, events: &[Seen]) -> Option<Person> {
        let way = farthest(events, self.rules);
        let value = self.value.to_owned();
        (!way.is_excluded).then_some(Person { id: self.id, value, times: way.times })
    }
}
