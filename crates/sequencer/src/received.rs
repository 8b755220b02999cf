//! When rows were received.

use event::Timestamp;

/// Earliest and latest receipt time of some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) oldest: Timestamp,
    pub(crate) newest: Timestamp,
}

impl Received {
    pub(crate) const fn at(moment: Timestamp) -> Self {
        Self { oldest: moment, newest: moment }
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self { oldest: self.oldest.min(other.oldest), newest: self.newest.max(other.newest) }
    }

    /// The union with what may not be there.
    pub(crate) fn union_with(self, other: Option<Self>) -> Self {
        other.map_or(self, |other| self.union(other))
    }

    /// Microseconds from the earliest to the latest.
    pub(crate) const fn span_micros(self) -> i64 {
        self.newest.micros_since(self.oldest)
    }
}
