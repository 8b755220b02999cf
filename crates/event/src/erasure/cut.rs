//! Up to where an erasure erases.

use uuid::Uuid;

use crate::Timestamp;

/// Up to where an erasure erases.
///
/// Its own journal is told by offsets. A row of another journal was stored before it or after it;
/// there is no order between the two but the time at which the server received them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The journal.
    pub journal_id: Uuid,
    /// The offset after the last row that is erased: of events, that of the erasure itself.
    pub offset: u64,
    /// When it was asked for, for rows of other journals.
    pub at: Timestamp,
}

impl Cut {
    /// Whether a row is before it.
    pub fn covers(&self, journal_id: Uuid, offset: u64, received_at: Timestamp) -> bool {
        match journal_id == self.journal_id {
            true => offset < self.offset,
            false => received_at <= self.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_behind_it_are_somebody_elses() {
        let journal = Uuid::from_u128(1);
        let cut = Cut { journal_id: journal, offset: 5, at: Timestamp::from_micros(100) };
        let (early, late) = (Timestamp::from_micros(100), Timestamp::from_micros(101));
        assert!(cut.covers(journal, 4, late));
        assert!(!cut.covers(journal, 5, early));
        let other = Uuid::from_u128(2);
        assert!(cut.covers(other, 9, early));
        assert!(!cut.covers(other, 1, late));
    }
}
