//! Agents read before: a site's visitors share few.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::Agent;

/// How many are kept: enough for a large site, and a few megabytes at most.
const KEPT: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// Longer ones are nobody's browser, and cut here: a stranger must not fill the memory.
const LONGEST_BYTES: usize = 1_024;

/// Reads user agents, each once while it is in use.
#[derive(Debug)]
pub(crate) struct Agents {
    read: Mutex<LruCache<Box<str>, Arc<Agent>>>,
}

impl Default for Agents {
    fn default() -> Self {
        Self { read: Mutex::new(LruCache::new(KEPT)) }
    }
}

impl Agents {
    /// What a user agent says.
    pub(crate) fn read(&self, user_agent: &str) -> Arc<Agent> {
        let user_agent = shortened(user_agent);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = read.get(user_agent) {
            return Arc::clone(agent);
        }
        drop(read);
        let agent = Arc::new(Agent::of(user_agent));
        read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.put(user_agent.into(), Arc::clone(&agent));
        agent
    }
}

fn shortened(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_BYTES)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_read_once_while_it_is_kept() {
        let agents = Agents::default();
        let first = agents.read("curl/8.1");
        assert!(Arc::ptr_eq(&first, &agents.read("curl/8.1")));
        for number in 0..KEPT.get() {
            agents.read(&format!("agent {number}"));
        }
        assert!(!Arc::ptr_eq(&first, &agents.read("curl/8.1")));
        assert_eq!(agents.read.lock().unwrap().len(), KEPT.get());
    }

    #[test]
    fn an_endless_agent_is_cut() {
        let long = format!("Mozilla/5.0 {}é Firefox/1.0", "x".repeat(LONGEST_BYTES - 13));
        let agent = Agents::default().read(&long).browser.after("{}");
        assert!(!agent.contains("Firefox") && agent.contains("$raw_user_agent"));
    }
}
