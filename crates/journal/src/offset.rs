//! Where a row is: its offset, the journal that it is in, and both together as a cursor.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Counts the rows of a journal from its beginning; the offset of a row never changes.
///
/// As a position between rows it means "everything below". Some offsets were never given to a row
/// (see the crate's documentation on gaps).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(u64);

impl Offset {
    /// The offset of the first row of a new journal.
    pub const ZERO: Self = Self(0);

    /// Makes an offset from the number of rows before it.
    pub const fn new(rows: u64) -> Self {
        Self(rows)
    }

    /// Returns the number of rows before this offset.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the offset that lies `rows` further.
    pub const fn advanced(self, rows: u64) -> Self {
        Self(self.0.saturating_add(rows))
    }

    /// Returns how many offsets lie between `earlier` and this one, 0 where it is not earlier.
    pub const fn rows_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Identifies one journal for ever, so that a cursor of another one is never mistaken for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalId(Uuid);

impl JournalId {
    /// Draws the id of a new journal.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Wraps an id that was stored as a UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Returns the id as a UUID.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for JournalId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// How far somebody has come in a journal: every row below `offset` is dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The journal that the offset belongs to.
    pub journal_id: JournalId,
    /// The first row that is still to come.
    pub offset: Offset,
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.journal_id, self.offset)
    }
}
