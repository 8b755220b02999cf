//! The answer to a stored submission.

use std::ops::Range;

use journal::Offset;

/// Every event of the submission is durable: appended now, or the duplicate of a durable row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// How many rows were appended.
    pub appended: u32,
    /// How many events were duplicates of stored rows.
    pub duplicates: u32,
    /// The rows that hold the submission's events.
    pub resolve_by: Offsets,
}

/// The offsets of a submission's rows: one range for those appended, and its duplicates' originals.
///
/// Whoever waits until a sink has dealt with the submission waits for all of them, so for
/// [`Offsets::end`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    /// The first appended row, and the one after the last; the journal may leave offsets between
    /// groups unused, never within one.
    pub(crate) appended: Range<u64>,
    /// Originals of duplicates, in the order of the submission.
    pub(crate) originals: Vec<u64>,
}

impl Offsets {
    /// The rows that were appended.
    pub fn appended(&self) -> Range<Offset> {
        Offset::new(self.appended.start)..Offset::new(self.appended.end)
    }

    /// The rows whose duplicates were not appended; may name a row twice.
    pub fn originals(&self) -> impl Iterator<Item = Offset> {
        self.originals.iter().copied().map(Offset::new)
    }

    /// All rows that hold the submission's events.
    pub fn iter(&self) -> impl Iterator<Item = Offset> {
        self.appended.clone().map(Offset::new).chain(self.originals())
    }

    /// The cursor position at which all rows are dealt with; `None` for an empty submission.
    pub fn end(&self) -> Option<Offset> {
        let appended = self.appended.clone().next_back();
        let original = self.originals.iter().max().copied();
        appended.max(original).map(|last| Offset::new(last).advanced(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_lies_after_appended_rows_and_originals() {
        let mut offsets = Offsets::default();
        assert_eq!(offsets.end(), None);
        offsets.originals.push(9);
        assert_eq!(offsets.end(), Some(Offset::new(10)));
        offsets.appended = 12..14;
        assert_eq!(offsets.end(), Some(Offset::new(14)));
        assert_eq!(offsets.iter().map(Offset::get).collect::<Vec<_>>(), [12, 13, 9]);
    }
}
