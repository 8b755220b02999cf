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

    /// Whether the day's events are not spent; the request that reaches the limit still passes.
    pub(crate) fn has_events(&self, whose: Whose<'_>, now: Timestamp, limit: u64) -> bool {
        self.with(whose, now, |used| used.events < limit)
    }

    /// Whether the day's bytes of recordings are not spent.
    pub(crate) fn has_recordings(&self, whose: Whose<'_>, now: Timestamp, limit: u64) -> bool {
        self.with(whose, now, |used| used.recording_bytes < limit)
    }

    /// Counts events that were stored.
    pub(crate) fn charge_events(&self, whose: Whose<'_>, now: Timestamp, events: u64) {
        self.with(whose, now, |used| used.events = used.events.saturating_add(events));
    }

    /// Counts bytes of recordings that were stored.
    pub(crate) fn charge_recordings(&self, whose: Whose<'_>, now: Timestamp, bytes: u64) {
        self.with(whose, now, |used| {
            used.recording_bytes = used.recording_bytes.saturating_add(bytes);
        });
    }

    fn with<T>(&self, whose: Whose<'_>, now: Timestamp, look: impl FnOnce(&mut Used) -> T) -> T {
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        if today.day != now.day() {
            *today = Today { day: now.day(), used: HashMap::new() };
        }
        let key = match whose {
            Whose::Project(token) => token.as_str(),
            Whose::Stranger(token) => {
                let is_listed =
                    today.used.len() < TOKENS || today.used.contains_key(token.as_str());
                if is_listed { token.as_str() } else { "" }
            }
        };
        look(today.used.entry(key.to_owned()).or_default())
    }
}

/// Who is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose<'a> {
    /// A project, which always has a count of its own.
    Project(&'a Token),
    /// A token that no project has, and that may be made up.
    Stranger(&'a Token),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_room(quotas: &Quotas, token: &str, now: Timestamp) -> bool {
        quotas.has_events(Whose::Project(&Token::new(token)), now, 10)
    }

    #[test]
    fn a_day_is_spent_and_another_begins() {
        let quotas = Quotas::default();
        let token = Token::new("phc_a");
        let whose = Whose::Project(&token);
        let today: Timestamp = "2026-11-22T23:59:59Z".parse().unwrap();
        let tomorrow: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        quotas.charge_events(whose, today, 8);
        assert!(has_room(&quotas, "phc_a", today), "the last one passes whole");
        quotas.charge_events(whose, today, 8);
        assert!(!has_room(&quotas, "phc_a", today));
        assert!(quotas.has_recordings(whose, today, 10), "counted apart");
        assert!(has_room(&quotas, "phc_b", today));
        let again = Quotas::from_json(&quotas.to_json());
        assert!(!has_room(&again, "phc_a", today), "a restart forgives nothing");
        assert!(has_room(&again, "phc_a", tomorrow));
        assert!(has_room(&Quotas::from_json("rubbish"), "phc_a", today));
    }

    #[test]
    fn made_up_tokens_cannot_take_a_projects_count() {
        let quotas = Quotas::default();
        let today: Timestamp = "2026-11-22T23:59:59Z".parse().unwrap();
        for number in 0..TOKENS + 20 {
            let token = Token::new(format!("phc_{number}"));
            quotas.charge_events(Whose::Stranger(&token), today, 1);
        }
        let late = Token::new("phc_late");
        assert!(!quotas.has_events(Whose::Stranger(&late), today, 10), "strangers share one");
        assert!(quotas.has_events(Whose::Project(&late), today, 10));
    }
}
