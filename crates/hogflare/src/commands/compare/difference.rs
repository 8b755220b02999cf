//! What differs, and why it may.

use std::collections::{BTreeMap, BTreeSet};

use super::Tolerance;

/// Events by day and name.
pub(super) type Counts = BTreeMap<(String, String), u64>;

/// A day and an event on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) day: String,
    pub(super) event: String,
    pub(super) ours: u64,
    pub(super) theirs: u64,
    pub(super) is_equal: bool,
}

impl Line {
    /// How many more there are here.
    pub(super) fn difference(&self) -> i128 {
        i128::from(self.ours) - i128::from(self.theirs)
    }
}

/// Both sides, line by line.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) lines: Vec<Line>,
    pub(super) total: Line,
    /// Why events that differ may do so.
    pub(super) reasons: Vec<&'static str>,
}

impl Comparison {
    /// Puts counts beside each other.
    pub(super) fn of(ours: &Counts, theirs: &Counts, tolerance: Tolerance) -> Self {
        let line = |day: &str, event: &str, ours: u64, theirs: u64| Line {
            day: day.to_owned(),
            event: event.to_owned(),
            ours,
            theirs,
            is_equal: tolerance.allows(ours, theirs),
        };
        let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        let count = |counts: &Counts, key| counts.get(key).copied().unwrap_or_default();
        let lines = keys.into_iter();
        let lines: Vec<Line> =
            lines.map(|key| line(&key.0, &key.1, count(ours, key), count(theirs, key))).collect();
        let total = line("total", "", ours.values().sum(), theirs.values().sum());
        let reasons = reasons(&lines);
        Self { lines, total, reasons }
    }

    /// Whether every day has as many of every event on both sides, as far as is tolerated.
    pub(super) fn is_equal(&self) -> bool {
        self.lines.iter().all(|line| line.is_equal)
    }

    /// The lines that differ.
    pub(super) fn differing(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| !line.is_equal)
    }
}

/// What is known to make such lines differ.
fn reasons(lines: &[Line]) -> Vec<&'static str> {
    let differing: Vec<&Line> = lines.iter().filter(|line| !line.is_equal).collect();
    let mut reasons = Vec::new();
    if differing.is_empty() {
        return reasons;
    }
    for (event, reason) in OF_EVENTS {
        if differing.iter().any(|line| line.event == *event) {
            reasons.push(*reason);
        }
    }
    if differing.iter().any(|line| line.ours > line.theirs) {
        reasons.push(MORE_HERE);
    }
    if differing.iter().any(|line| line.ours < line.theirs) {
        reasons.push(MORE_THERE);
    }
    if shifts_between_days(&differing) {
        reasons.push(OTHER_DAY);
    }
    reasons
}

/// Events that one side keeps elsewhere.
const OF_EVENTS: &[(&str, &str)] = &[
    (
        "$$heatmap",
        "`$$heatmap`: kept in the table `heatmaps` here, and in none of PostHog's events",
    ),
    (
        "$$client_ingestion_warning",
        "`$$client_ingestion_warning`: kept in the table `quarantine` here, and a warning in PostHog",
    ),
    ("$csp_violation", "`$csp_violation`: PostHog makes it of /report, where Hogflare only counts"),
    ("$exception", "`$exception`: PostHog drops those of issues that are suppressed"),
];
const MORE_HERE: &str = "more here: PostHog drops what its quota, its rules or its ingestion refuse, and answers 200 all \
    the same; what it refused outright is among the dead letters (`hogflare resend --dry-run`)";
const MORE_THERE: &str = "more there: what reached PostHog by another way than this server; what the drop rules here left \
    out; and a retry within a day, which is stored once here and merged there only later";
const OTHER_DAY: &str = "on another day: PostHog corrects a client's clock by when it received `sent_at`, so events that \
    were forwarded late (an outage) are later there by as much";

/// Whether what is missing of an event on one day is there on another.
fn shifts_between_days(differing: &[&Line]) -> bool {
    let mut by_event: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for line in differing {
        let seen = by_event.entry(&line.event).or_default();
        *seen = (seen.0 || line.ours > line.theirs, seen.1 || line.ours < line.theirs);
    }
    by_event.values().any(|(more, fewer)| *more && *fewer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: &[(&str, &str, u64)]) -> Counts {
        let row = |(day, event, count): &(&str, &str, u64)| {
            (((*day).to_owned(), (*event).to_owned()), *count)
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn what_one_side_lacks_counts_as_none() {
        let ours = counts(&[("2026-11-01", "a", 3), ("2026-11-02", "a", 1)]);
        let theirs = counts(&[("2026-11-01", "a", 3), ("2026-11-01", "$$heatmap", 2)]);
        let comparison = Comparison::of(&ours, &theirs, Tolerance::default());
        assert!(!comparison.is_equal());
        assert_eq!(comparison.differing().count(), 2);
        assert_eq!((comparison.total.ours, comparison.total.theirs), (4, 5));
        assert!(comparison.reasons[0].starts_with("`$$heatmap`"));
    }

    #[test]
    fn events_that_moved_to_another_day_are_told() {
        let ours = counts(&[("2026-11-01", "a", 3)]);
        let theirs = counts(&[("2026-11-01", "a", 2), ("2026-11-02", "a", 1)]);
        let comparison = Comparison::of(&ours, &theirs, Tolerance::default());
        assert!(comparison.reasons.contains(&OTHER_DAY));
        let equal = Comparison::of(&ours, &ours, Tolerance::default());
        assert!(equal.is_equal() && equal.reasons.is_empty());
    }
}
