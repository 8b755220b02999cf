//! How many rows an erasure concerned.

use std::collections::BTreeMap;

use super::Number;
use crate::Table;

/// Rows of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Rows that went.
    pub(crate) removed: u64,
    /// Rows that stayed under a pseudonym.
    pub(crate) anonymized: u64,
}

/// Rows by erasure and table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts(BTreeMap<(Number, &'static str), Count>);

impl Counts {
    pub(crate) fn of(&mut self, erasure: Number, table: &'static Table) -> &mut Count {
        self.0.entry((erasure, table.name())).or_default()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            let sum = self.0.entry(*key).or_default();
            sum.removed += count.removed;
            sum.anonymized += count.anonymized;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All rows that went.
    pub(crate) fn removed(&self) -> u64 {
        self.0.values().map(|count| count.removed).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Number, &'static str, Count)> {
        self.0.iter().map(|(&(erasure, table), &count)| (erasure, table, count))
    }
}
