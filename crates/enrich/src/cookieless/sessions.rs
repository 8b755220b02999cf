//! Sessions of visitors who keep none themselves.

use std::collections::HashMap;

use event::{DistinctId, Timestamp, Token};
use uuid::Uuid;

use super::Salt;

/// A session ends after this long without an event.
const IDLE_MICROS: i64 = 30 * 60 * 1_000_000;

/// How many visitors a generation holds; two generations are about 20 MB.
const GENERATION: usize = 50_000;

/// The sessions that are going on.
///
/// They are in memory only: after a restart a visitor has a new one. There are two generations, and
/// when the younger is full the elder is forgotten, so that the memory is bounded and a visitor who
/// keeps sending events is not.
#[derive(Debug)]
pub struct Sessions {
    young: HashMap<(Token, DistinctId), Session>,
    old: HashMap<(Token, DistinctId), Session>,
    generation: usize,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    id: Uuid,
    last_seen: Timestamp,
}

impl Default for Sessions {
    fn default() -> Self {
        Self::holding(GENERATION)
    }
}

impl Sessions {
    fn holding(generation: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation }
    }

    /// The session that a visitor's event belongs to.
    ///
    /// A new one gets a UUIDv7 of the event's time, as posthog-js would make it, whose other bits
    /// come from the day's salt: the same event begins the same session wherever it arrives.
    pub fn session_of(
        &mut self,
        salt: &Salt,
        token: &Token,
        visitor: &DistinctId,
        at: Timestamp,
    ) -> Uuid {
        let key = (token.clone(), visitor.clone());
        let known = self.young.get(&key).or_else(|| self.old.get(&key)).copied();
        let session = match known {
            Some(known) if at.micros_since(known.last_seen) <= IDLE_MICROS => {
                Session { last_seen: known.last_seen.max(at), ..known }
            }
            _ => Session { id: new_id(salt, visitor, at), last_seen: at },
        };
        self.remember(key, session);
        session.id
    }

    fn remember(&mut self, key: (Token, DistinctId), session: Session) {
        if self.young.len() >= self.generation && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, session);
    }
}

fn new_id(salt: &Salt, visitor: &DistinctId, at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    let hash = salt.hash("session", &[visitor.as_str().as_bytes(), &millis.to_le_bytes()]);
    let (random, _) = hash.split_first_chunk::<10>().expect("16 bytes have 10");
    uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::NOON;

    const SALT: Salt = Salt::new([1; 32]);

    fn session(sessions: &mut Sessions, visitor: &str, after_minutes: i64) -> Uuid {
        let at = NOON.plus_micros(after_minutes * 60_000_000);
        sessions.session_of(&SALT, &Token::new("phc_a"), &DistinctId::new(visitor), at)
    }

    #[test]
    fn half_an_hour_without_an_event_ends_a_session() {
        let mut sessions = Sessions::default();
        let first = session(&mut sessions, "a", 0);
        assert_eq!(first.get_version_num(), 7);
        assert_ne!(session(&mut sessions, "b", 0), first);
        assert_eq!(session(&mut sessions, "a", 30), first);
        assert_eq!(session(&mut sessions, "a", 5), first, "one that comes late");
        assert_eq!(session(&mut sessions, "a", 60), first);
        assert_ne!(session(&mut sessions, "a", 91), first);
    }

    #[test]
    fn the_same_event_begins_the_same_session_anywhere() {
        let first = session(&mut Sessions::default(), "a", 0);
        assert_eq!(session(&mut Sessions::default(), "a", 0), first);
        let (seconds, _) = first.get_timestamp().unwrap().to_unix();
        assert_eq!(i64::try_from(seconds).unwrap() * 1_000, NOON.as_millis());
    }

    #[test]
    fn memory_is_bounded_and_the_active_are_not_forgotten() {
        let mut sessions = Sessions::holding(10);
        let active = session(&mut sessions, "active", 0);
        for number in 0..1_000 {
            session(&mut sessions, &number.to_string(), 0);
            if number % 5 == 0 {
                assert_eq!(session(&mut sessions, "active", 0), active);
            }
        }
        assert!(sessions.young.len() + sessions.old.len() <= 20);
    }
}
