//! What each token has sent today.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use event::{Timestamp, Token};
use serde::{Deserialize, Serialize};

/// Tokens beyond so many share one count, or strangers could fill the memory with made-up ones.
const TOKENS: usize = 100_000;

/// Counts of one day, of tokens that have a quota.
#[derive(Debug, Default)]
pub struct Quotas {
    today: Mutex<Today>,
}

/// Days since the epoch in UTC, and what was sent on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Today {
    day: i32,
    used: HashMap<String, Used>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Used {
    events: u64,
    recording_bytes: u64,
}

impl Quotas {
    /// What was counted before a restart; text that is none of [`Self::to_json`]'s counts nothing.
    pub fn from_json(text: &str) -> Self {
        Self { today: Mutex::new(serde_json::from_str(text).unwrap_or_default()) }
    }

    /// The counts, to be kept over a restart.
    pub fn to_json(&self) -> String {
        let today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_string(&*today).unwrap_or_default()
    }

    /// Whether nothing has been counted, ever.
    pub fn is_untouched(&self) -> bool {
        *self.today.lock().unwrap_or_else(PoisonError::into_inner) == Today::default()
    }

    /// Counts events unless the day's are spent; the request that reaches the limit still passes.
    pub(crate) fn take_events(&self, token: &Token, now: Timestamp, n: u64, limit: u64) -> bool {
        self.take(token, now, limit, n, |used| &mut used.events)
    }

    /// Likewise bytes of recordings.
    pub(crate) fn take_recording(&self, token: &Token, now: Timestamp, n: u64, limit: u64) -> bool {
        self.take(token, now, limit, n, |used| &mut used.recording_bytes)
    }

    fn take(
        &self,
        token: &Token,
        now: Timestamp,
        limit: u64,
        n: u64,
        of: fn(&mut Used) -> &mut u64,
    ) -> bool {
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        if today.day != now.day() {
            *today = Today { day: now.day(), used: HashMap::new() };
        }
        let is_listed = today.used.len() < TOKENS || today.used.contains_key(token.as_str());
        let key = if is_listed { token.as_str() } else { "" };
        let used = of(today.used.entry(key.to_owned()).or_default());
        let has_room = *used < limit;
        if has_room {
            *used = used.saturating_add(n);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_spent_and_another_begins() {
        let quotas = Quotas::default();
        let token = Token::new("phc_a");
        let today: Timestamp = "2026-11-22T23:59:59Z".parse().unwrap();
        let tomorrow: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        assert!(quotas.take_events(&token, today, 8, 10));
        assert!(quotas.take_events(&token, today, 8, 10), "the last one passes whole");
        assert!(!quotas.take_events(&token, today, 1, 10));
        assert!(quotas.take_recording(&token, today, 1, 10), "counted apart");
        assert!(quotas.take_events(&Token::new("phc_b"), today, 1, 10));
        let again = Quotas::from_json(&quotas.to_json());
        assert!(!again.take_events(&token, today, 1, 10), "a restart forgives nothing");
        assert!(again.take_events(&token, tomorrow, 1, 10));
        assert!(Quotas::from_json("rubbish").take_events(&token, today, 1, 10));
    }
}
