//! How far one person gets.
//!
//! Events come in the order of their times. Of events at the same moment every order is possible, and
//! the best one counts: their steps are taken from the first to the last, each event once.
//!
//! - **ordered**: a step counts after the one before it, whatever lies between;
//! - **strict**: nothing else may lie between but the step just taken, once more;
//! - **unordered**: any order, as long as all is within the window.
//!
//! An exclusion before a step ends the ways that wait for it: none goes on that began no later, and who
//! got no farther otherwise is not counted at all. Where a breakdown is that of a step, the event
//! of this step must have the value. Exclusions at the same moment as other events do nothing.
//!
//! The window begins with the first step and holds its last moment. Of several first steps each can be
//! the beginning. What is told is the first way that gets farthest.

use std::collections::VecDeque;

use super::Order;

/// An event as a funnel sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// When, in microseconds.
    pub(super) time: i64,
    /// Which steps it can be, one bit each.
    pub(super) steps: u32,
    /// Before which steps it may not be, likewise.
    pub(super) excludes: u32,
    /// The number of its value.
    pub(super) value: u32,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) order: Order,
    pub(super) steps: usize,
    /// In microseconds.
    pub(super) window: i64,
    /// The step whose event has a value, and which.
    pub(super) of_step: Option<(usize, u32)>,
}

/// A way through the first steps: when each was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) times: Vec<i64>,
    /// The events that it goes over, by their place.
    events: Vec<usize>,
    /// Whether an exclusion came in between.
    pub(super) is_excluded: bool,
}

impl Way {
    fn start(&self) -> Option<i64> {
        self.times.first().copied()
    }

    fn and(&self, time: i64, event: usize) -> Self {
        let mut way = self.clone();
        way.times.push(time);
        way.events.push(event);
        way
    }
}

/// The way that gets farthest, of events in the order of their times.
pub(super) fn farthest(events: &[Seen], rules: Rules) -> Way {
    match rules.order {
        Order::Unordered => unordered(events, rules),
        Order::Ordered | Order::Strict => Walk::new(rules).through(events),
    }
}

struct Walk {
    rules: Rules,
    /// By steps taken, the way that began last.
    ways: Vec<Way>,
    best: Way,
}

impl Walk {
    fn new(rules: Rules) -> Self {
        Self { rules, ways: vec![Way::default(); rules.steps + 1], best: Way::default() }
    }

    fn through(mut self, events: &[Seen]) -> Way {
        let mut first = 0;
        for group in events.chunk_by(|left, right| left.time == right.time) {
            let kind = |seen: &Seen| (seen.steps, seen.excludes);
            let is_alike = group.windows(2).all(|pair| kind(&pair[0]) == kind(&pair[1]));
            match is_alike {
                true => (0..group.len()).for_each(|place| self.take(events, first + place)),
                false => self.take_in_any_order(events, first..first + group.len()),
            }
            first += group.len();
            if self.best.times.len() == self.rules.steps && !self.best.is_excluded {
                break;
            }
        }
        self.best
    }

    /// The last steps come first, so that no event is two.
    fn take(&mut self, events: &[Seen], event: usize) {
        let Seen { steps, excludes, .. } = events[event];
        for step in (1..self.rules.steps).rev().filter(|step| excludes & (1 << step) != 0) {
            self.exclude(step, events[event].time);
        }
        for step in (0..self.rules.steps).rev().filter(|step| steps & (1 << step) != 0) {
            self.step(step, events, event);
        }
        if self.rules.order == Order::Strict {
            for step in (0..self.rules.steps).filter(|step| steps & (1 << step) == 0) {
                self.ways[step + 1] = Way::default();
            }
        }
    }

    fn take_in_any_order(&mut self, events: &[Seen], group: std::ops::Range<usize>) {
        for step in 0..self.rules.steps {
            for event in group.clone().filter(|event| events[*event].steps & (1 << step) != 0) {
                if !self.ways[step].events.contains(&event) {
                    self.step(step, events, event);
                }
            }
        }
    }

    fn step(&mut self, step: usize, events: &[Seen], event: usize) {
        let Seen { time, value, .. } = events[event];
        if self.rules.of_step.is_some_and(|(of, other)| of == step && other != value) {
            return;
        }
        let before = &self.ways[step];
        let start = match step {
            0 => time,
            _ => match before.start() {
                Some(start) if time - start <= self.rules.window => start,
                _ => return,
            },
        };
        if self.ways[step + 1].start() == Some(start) {
            return;
        }
        let way = before.and(time, event);
        let (length, farthest) = (way.times.len(), self.best.times.len());
        if length > farthest || length == farthest && self.best.is_excluded {
            self.best = way.clone();
        }
        if !way.is_excluded {
            self.ways[step + 1] = way;
        }
    }

    /// Ends the way that waits for a step.
    fn exclude(&mut self, step: usize, time: i64) {
        let window = self.rules.window;
        let is_within = |start: Option<i64>| start.is_some_and(|start| time - start <= window);
        let start = self.ways[step].start();
        if !is_within(start) || self.ways[step + 1].start() == start {
            return;
        }
        let is_new = !std::mem::replace(&mut self.ways[step].is_excluded, true);
        if is_new && self.best.times.len() == step && is_within(self.best.start()) {
            self.best.is_excluded = true;
        }
    }
}

/// By step the events that may still be in the window. An event that can be several steps becomes the
/// one that was longest ago, or never.
fn unordered(events: &[Seen], rules: Rules) -> Way {
    let mut held: Vec<VecDeque<i64>> = vec![VecDeque::new(); rules.steps];
    let mut best = Way::default();
    for event in events {
        let steps = (0..rules.steps).filter(|step| event.steps & (1 << step) != 0);
        let Some(step) = steps.min_by_key(|step| held[*step].back().copied()) else { continue };
        held[step].push_back(event.time);
        for times in &mut held {
            while times.front().is_some_and(|time| event.time - time > rules.window) {
                times.pop_front();
            }
        }
        let reached = held.iter().filter(|times| !times.is_empty()).count();
        if reached > best.times.len() {
            best.times = held.iter().filter_map(|times| times.front().copied()).collect();
            best.times.sort_unstable();
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: u32 = 1;
    const B: u32 = 2;
    const C: u32 = 4;

    fn times(order: Order, window: i64, events: &[(i64, u32)]) -> Vec<i64> {
        let seen = |&(time, steps)| Seen { time, steps, excludes: 0, value: 0 };
        let events: Vec<Seen> = events.iter().map(seen).collect();
        farthest(&events, Rules { order, steps: 3, window, of_step: None }).times
    }

    /// Likewise, with exclusions before the second step; `None` where one leaves the person out.
    fn unless_excluded(events: &[(i64, u32)]) -> Option<Vec<i64>> {
        let seen = |&(time, steps)| match steps {
            X => Seen { time, steps: 0, excludes: B, value: 0 },
            steps => Seen { time, steps, excludes: 0, value: 0 },
        };
        let events: Vec<Seen> = events.iter().map(seen).collect();
        let rules = Rules { order: Order::Ordered, steps: 3, window: 10, of_step: None };
        let way = farthest(&events, rules);
        (!way.is_excluded).then_some(way.times)
    }

    const X: u32 = 1 << 31;

    #[test]
    fn an_exclusion_before_a_step_leaves_out_who_waits_for_it() {
        assert_eq!(unless_excluded(&[(0, A), (1, X)]), None);
        assert_eq!(unless_excluded(&[(0, A), (1, X), (2, B)]), None);
        assert_eq!(unless_excluded(&[(0, X), (1, A), (2, B)]), Some(vec![1, 2]));
        assert_eq!(unless_excluded(&[(0, A), (1, B), (2, X), (3, C)]), Some(vec![0, 1, 3]));
    }

    #[test]
    fn who_begins_again_after_an_exclusion_counts_if_it_gets_as_far() {
        assert_eq!(unless_excluded(&[(0, A), (1, X), (2, A)]), Some(vec![2]));
        assert_eq!(unless_excluded(&[(0, A), (1, X), (2, B), (3, A)]), None);
        assert_eq!(unless_excluded(&[(0, A), (1, X), (2, B), (3, A), (4, B)]), Some(vec![3, 4]));
    }

    #[test]
    fn an_exclusion_behind_the_window_does_nothing() {
        assert_eq!(unless_excluded(&[(0, A), (11, X)]), Some(vec![0]));
    }

    #[test]
    fn the_event_of_a_step_must_have_the_value() {
        let seen = |time, steps, value| Seen { time, steps, excludes: 0, value };
        let events = [seen(0, A, 1), seen(1, B, 2), seen(2, B, 3), seen(3, C, 4)];
        let times = |value| {
            let of_step = Some((1, value));
            let rules = Rules { order: Order::Ordered, steps: 3, window: 10, of_step };
            farthest(&events, rules).times
        };
        assert_eq!((times(2), times(3), times(4)), (vec![0, 1, 3], vec![0, 2, 3], vec![0]));
    }

    #[test]
    fn the_window_holds_its_last_moment() {
        assert_eq!(times(Order::Ordered, 10, &[(0, A), (10, B), (11, C)]), [0, 10]);
        assert_eq!(times(Order::Ordered, 11, &[(0, A), (10, B), (11, C)]), [0, 10, 11]);
        assert_eq!(times(Order::Unordered, 10, &[(0, C), (10, B), (11, A)]), [0, 10]);
    }

    #[test]
    fn every_first_step_can_be_the_beginning() {
        let events = [(0, A), (5, A), (12, B), (14, C)];
        assert_eq!(times(Order::Ordered, 10, &events), [5, 12, 14]);
        let late = [(0, A), (1, B), (9, A), (10, B), (15, C)];
        assert_eq!(times(Order::Ordered, 10, &late), [9, 10, 15]);
    }

    #[test]
    fn events_at_the_same_moment_come_in_the_best_order() {
        assert_eq!(times(Order::Ordered, 10, &[(1, C), (1, B), (1, A)]), [1, 1, 1]);
        assert_eq!(times(Order::Ordered, 10, &[(0, A), (1, C), (1, B)]), [0, 1, 1]);
    }

    #[test]
    fn an_event_is_one_step_only() {
        assert_eq!(times(Order::Ordered, 10, &[(0, A | B), (1, A | B)]), [0, 1]);
        assert_eq!(times(Order::Ordered, 10, &[(0, A | B)]), [0]);
        assert_eq!(times(Order::Ordered, 10, &[(0, A | B), (0, C)]), [0]);
        assert_eq!(times(Order::Unordered, 10, &[(0, A | B)]), [0]);
        assert_eq!(times(Order::Unordered, 10, &[(0, A | B), (1, A | B)]), [0, 1]);
    }

    #[test]
    fn strict_allows_nothing_between_but_the_same_again() {
        assert_eq!(times(Order::Strict, 10, &[(0, A), (1, 0), (2, B)]), [0]);
        assert_eq!(times(Order::Strict, 10, &[(0, A), (1, B), (2, C)]), [0, 1, 2]);
        assert_eq!(times(Order::Strict, 10, &[(0, A), (1, A), (2, B), (3, B), (4, C)]), [1, 2, 4]);
        assert_eq!(times(Order::Ordered, 10, &[(0, A), (1, 0), (2, B)]), [0, 2]);
    }

    #[test]
    fn steps_before_their_turn_do_not_count() {
        assert_eq!(times(Order::Ordered, 10, &[(0, B), (1, A), (2, C)]), [1]);
        assert_eq!(times(Order::Ordered, 10, &[(0, B), (1, C)]), Vec::<i64>::new());
    }
}
