//! Names of properties, some with a `*` at the end.

use std::collections::HashSet;

/// A set of names and of beginnings of names.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns {
    names: HashSet<String>,
    /// What stands before the `*`.
    beginnings: Vec<String>,
}

impl Patterns {
    /// Of names as they are configured, which [`is_valid`] holds for.
    pub(super) fn of(names: &[String]) -> Self {
        let mut patterns = Self::default();
        for name in names {
            match name.strip_suffix('*') {
                Some(beginning) => patterns.beginnings.push(beginning.to_owned()),
                None => drop(patterns.names.insert(name.clone())),
            }
        }
        patterns
    }

    /// The names as they were configured, in order.
    pub(super) fn told(&self) -> Vec<String> {
        let beginnings = self.beginnings.iter().map(|beginning| format!("{beginning}*"));
        let mut told: Vec<String> = self.names.iter().cloned().chain(beginnings).collect();
        told.sort_unstable();
        told
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.beginnings.is_empty()
    }

    /// Whether a name is among them, or the name whose first value it keeps of a person.
    pub(super) fn has(&self, name: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        self.has_itself(name)
            || name.strip_prefix("$initial_").is_some_and(|later| {
                self.has_itself(later) || self.has_itself(&format!("${later}"))
            })
    }

    fn has_itself(&self, name: &str) -> bool {
        self.names.contains(name)
            || self.beginnings.iter().any(|beginning| name.starts_with(beginning.as_str()))
    }
}

/// Whether a name says something, and has `*` at its end if at all.
pub(super) fn is_valid(name: &str) -> bool {
    !name.is_empty() && !name.strip_suffix('*').unwrap_or(name).contains('*')
}
