//! A queue with two bounds, drained in groups, that can be closed from either side.
//!
//! One lock, held for a few instructions: callers push, the sequencer's thread takes all that is
//! there, up to the limits of a group.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::options::QueueOptions;

/// What an item weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
}

/// Why an item was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

/// A bounded queue between many callers and one thread.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    options: QueueOptions,
    state: Mutex<State<T>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<(T, Weight)>,
    bytes: usize,
    is_closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(options: QueueOptions) -> Self {
        let state = State { items: VecDeque::new(), bytes: 0, is_closed: false };
        Self { options, state: Mutex::new(state), arrived: Condvar::new() }
    }

    /// Adds an item, or says why not; never waits.
    pub(crate) fn push(&self, item: T, weight: Weight) -> Result<(), Refused> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Refused::Closed);
        }
        let bytes = state.bytes.saturating_add(weight.bytes);
        let has_room = state.items.len() < self.options.waiting_submissions
            && bytes <= self.options.waiting_bytes;
        if !has_room && !state.items.is_empty() {
            return Err(Refused::Full);
        }
        state.bytes = bytes;
        state.items.push_back((item, weight));
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for items and moves a group of them into `group`; `None` once closed and drained.
    pub(crate) fn take_group(&self, group: &mut Vec<T>) -> Option<Weight> {
        let mut state = self
            .arrived
            .wait_while(self.state(), |state| state.items.is_empty() && !state.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        let mut total = Weight::default();
        while group.len() < self.options.group_submissions.max(1) {
            let fits = |(_, weight): &mut (T, Weight)| {
                total.bytes == 0 || total.bytes + weight.bytes <= self.options.group_bytes
            };
            let Some((item, weight)) = state.items.pop_front_if(fits) else { break };
            total.rows += weight.rows;
            total.bytes += weight.bytes;
            group.push(item);
        }
        state.bytes -= total.bytes;
        (!group.is_empty()).then_some(total)
    }

    /// Refuses further items; those inside can still be taken.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.arrived.notify_all();
    }

    /// Refuses further items and drops those inside.
    pub(crate) fn close_and_clear(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.bytes = 0;
        let items = std::mem::take(&mut state.items);
        drop(state);
        // Dropped outside the lock: each item wakes whoever waits for it.
        drop(items);
    }

    /// How many items wait, and their bytes.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let state = self.state();
        (state.items.len(), state.bytes)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue<u32> {
        Queue::new(QueueOptions {
            waiting_submissions: 3,
            waiting_bytes: 100,
            group_submissions: 2,
            group_bytes: 50,
        })
    }

    fn bytes(bytes: usize) -> Weight {
        Weight { rows: 1, bytes }
    }

    #[test]
    fn both_bounds_refuse() {
        let queue = queue();
        (0..3).for_each(|item| queue.push(item, bytes(1)).unwrap());
        assert_eq!(queue.push(3, bytes(1)), Err(Refused::Full));
        let queue = self::queue();
        queue.push(0, bytes(60)).unwrap();
        assert_eq!(queue.push(1, bytes(60)), Err(Refused::Full));
    }

    #[test]
    fn an_item_larger_than_everything_passes_alone() {
        let queue = queue();
        queue.push(0, bytes(1000)).unwrap();
        let mut group = Vec::new();
        assert_eq!(queue.take_group(&mut group), Some(bytes(1000)));
        assert_eq!((group, queue.depth()), (vec![0], (0, 0)));
    }

    #[test]
    fn groups_end_at_their_limits() {
        let queue = queue();
        for (item, size) in [(0, 30), (1, 30), (2, 1)] {
            queue.push(item, bytes(size)).unwrap();
        }
        let mut group = Vec::new();
        queue.take_group(&mut group);
        assert_eq!(std::mem::take(&mut group), [0]);
        queue.take_group(&mut group);
        assert_eq!(group, [1, 2]);
    }

    #[test]
    fn a_closed_queue_is_drained_first() {
        let queue = queue();
        queue.push(0, bytes(1)).unwrap();
        queue.close();
        assert_eq!(queue.push(1, bytes(1)), Err(Refused::Closed));
        let mut group = Vec::new();
        assert!(queue.take_group(&mut group).is_some());
        assert!(queue.take_group(&mut Vec::new()).is_none());
    }
}
