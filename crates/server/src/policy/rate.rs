//! Rates, each a bucket that fills up again.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, RateLimiter};

use super::limits::{Limits, quota};

/// Full buckets are forgotten after so many questions, or strangers could fill the memory with keys.
const CLEANING_INTERVAL: u32 = 8_192;
/// Keys that are told apart; further ones share a bucket.
const KEYS: usize = 100_000;

/// The bucket of one project.
#[derive(Debug)]
pub(super) struct Gate {
    limiter: DefaultDirectRateLimiter,
    burst: NonZeroU32,
}

impl Gate {
    /// `None` where there is no limit.
    pub(super) fn new(limits: &Limits) -> Option<Self> {
        let quota = quota(limits.events_per_second?, limits.burst);
        Some(Self { limiter: RateLimiter::direct(quota), burst: quota.burst_size() })
    }

    pub(super) fn has_room(&self, events: usize) -> bool {
        matches!(self.limiter.check_n(cells(events, self.burst)), Ok(Ok(())))
    }
}

/// A bucket for each key.
#[derive(Debug)]
pub(super) struct ByKey<K: Clone + Eq + Hash> {
    limiter: Option<(DefaultKeyedRateLimiter<K>, NonZeroU32)>,
    /// The key of those that share a bucket.
    others: K,
    questions: AtomicU32,
    /// Whether no further key gets a bucket of its own.
    is_full: AtomicBool,
}

impl<K: Clone + Eq + Hash> ByKey<K> {
    pub(super) fn new(others: K, events_per_second: Option<u32>, burst: Option<u32>) -> Self {
        let limiter = events_per_second.map(|rate| {
            let quota = quota(rate, burst);
            (RateLimiter::keyed(quota), quota.burst_size())
        });
        Self { limiter, others, questions: AtomicU32::new(0), is_full: AtomicBool::new(false) }
    }

    pub(super) fn has_room(&self, key: &K, events: usize) -> bool {
        let Some((limiter, burst)) = &self.limiter else { return true };
        if self.questions.fetch_add(1, Ordering::Relaxed) % CLEANING_INTERVAL
            == CLEANING_INTERVAL - 1
        {
            limiter.retain_recent();
            self.is_full.store(limiter.len() > KEYS, Ordering::Relaxed);
        }
        let key = if self.is_full.load(Ordering::Relaxed) { &self.others } else { key };
        matches!(limiter.check_key_n(key, cells(events, *burst)), Ok(Ok(())))
    }
}

/// What a request takes from a bucket: never more than it holds, or a large batch could never be sent.
fn cells(events: usize, burst: NonZeroU32) -> NonZeroU32 {
    let events = u32::try_from(events).unwrap_or(u32::MAX);
    NonZeroU32::new(events).unwrap_or(NonZeroU32::MIN).min(burst)
}
