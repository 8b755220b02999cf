//! Funnels over time: of those who began in a span, how many got to the last step.
//!
//! A person is counted once in each span in which it did the first step, and its ways are those that
//! begin there, wherever they end.

use serde_json::{Value as Json, json};

use super::super::range::Range;
use super::super::spans::Spans;
use super::gather::{Gathered, Person, Visitor};
use super::walk::{Rules, Seen};

/// From which step to which, counted from 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Between {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Those who began, by the place of the span.
pub(super) fn walked(
    gathered: &Gathered,
    rules: Rules,
    of_step: usize,
    range: &Range,
) -> Vec<(usize, Person)> {
    let mut spans = Spans::of(range);
    let mut found = Vec::new();
    gathered.each(rules, of_step, |visitor| {
        let places: Vec<Option<usize>> = visitor
            .events
            .iter()
            .map(|seen| (seen.steps & 1 != 0).then(|| spans.place(seen.time)).flatten())
            .collect();
        let mut last = None;
        for place in places.iter().flatten() {
            if last.replace(*place) != Some(*place) {
                let person = began_in(&visitor, &places, *place);
                found.extend(person.map(|person| (*place, person)));
            }
        }
    });
    found
}

/// How far a person gets that begins in a span.
fn began_in(visitor: &Visitor<'_>, places: &[Option<usize>], place: usize) -> Option<Person> {
    let first = places.iter().position(|other| *other == Some(place))?;
    let events = visitor.events.iter().zip(places).skip(first).map(|(seen, other)| match other {
        Some(other) if *other != place => Seen { steps: seen.steps & !1, ..*seen },
        _ => *seen,
    });
    visitor.walked(&events.collect::<Vec<_>>())
}

/// A line: how many of those who got to one step got to the other, in percent.
pub(super) fn line(people: &[&(usize, Person)], between: Between, range: &Range) -> Json {
    let mut counts = vec![(0_u64, 0_u64); range.len()];
    for (place, person) in people {
        if let Some((from, to)) = counts.get_mut(*place) {
            *from += u64::from(person.times.len() > between.from);
            *to += u64::from(person.times.len() > between.to);
        }
    }
    let rate = |(from, to): &(u64, u64)| match from {
        0 => 0.0,
        from => (*to as f64 / *from as f64 * 10_000.0).round() / 100.0,
    };
    json!({
        "count": range.len(),
        "data": counts.iter().map(rate).collect::<Vec<_>>(),
        "reached_from_step_count": counts.iter().map(|(from, _)| from).collect::<Vec<_>>(),
        "reached_to_step_count": counts.iter().map(|(_, to)| to).collect::<Vec<_>>(),
        "days": range.days(),
        "labels": range.days(),
    })
}
