//! Erasures: what is to be forgotten of somebody, and up to where.
//!
//! An erasure is a row of the journal. What it names is erased from all rows before it, wherever
//! they are by then; rows after it are a new person's. So the journal says in one place what was
//! asked for, in order with the events it concerns, and whoever reads the journal or what was made
//! of it applies the same [`Cut`].
//!
//! Rows are found by project and distinct id, never by the person's id alone: that is made of the
//! first distinct id, and comes back with it.

mod anonymous;
mod cut;
mod known;

use uuid::Uuid;

pub use self::anonymous::{KEPT_PROPERTIES, anonymous_properties};
pub use self::cut::Cut;
pub use self::known::{Erased, Erasures, Fate, Place, Placed};
use crate::{PersonId, Row, Table, TeamId, Timestamp};

/// What becomes of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErasureKind {
    /// They go.
    Delete,
    /// They stay, and count, and say of nobody whose they were.
    Anonymize(Pseudonym),
}

impl ErasureKind {
    /// Its name in tables and answers.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Anonymize(_) => "anonymize",
        }
    }
}

/// Who the rows are of when they say of nobody: made up for this one erasure, and following from
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pseudonym {
    /// Their distinct id.
    pub distinct_id: String,
    /// Their person, of whom there is no row.
    pub person_id: PersonId,
}

impl Pseudonym {
    /// A pseudonym from two random numbers.
    pub fn of(distinct_id: Uuid, person_id: Uuid) -> Self {
        Self { distinct_id: format!("erased-{distinct_id}"), person_id: PersonId(person_id) }
    }
}

/// A place in the journal of recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingsEnd {
    /// The journal.
    pub journal_id: Uuid,
    /// The offset after the last recording that is erased.
    pub offset: u64,
}

/// What is to be forgotten, as its row of the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its id, a UUIDv7.
    pub id: Uuid,
    /// The project.
    pub team: TeamId,
    /// The project's tokens, by which recordings are found.
    pub tokens: Vec<String>,
    /// What becomes of the rows.
    pub kind: ErasureKind,
    /// All distinct ids that were the person's, those of persons merged into it included.
    pub distinct_ids: Vec<String>,
    /// All ids that the person's rows may have; none where there was no person.
    pub person_ids: Vec<PersonId>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How far recordings are erased; `None` where none are kept.
    pub recordings_end: Option<RecordingsEnd>,
}

/// Members that only an erasure's row has.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ErasureFields {
    /// Whether rows stay, under the pseudonym.
    #[prost(bool, tag = "1")]
    pub is_anonymize: bool,
    /// The pseudonym's distinct id.
    #[prost(string, tag = "2")]
    pub pseudonym: String,
    /// What is erased.
    #[prost(string, repeated, tag = "3")]
    pub distinct_ids: Vec<String>,
    /// Ids of persons, sixteen bytes each, one after the other.
    #[prost(bytes = "vec", tag = "4")]
    pub person_ids: Vec<u8>,
    /// The project's tokens.
    #[prost(string, repeated, tag = "5")]
    pub tokens: Vec<String>,
    /// How far recordings are erased.
    #[prost(message, optional, tag = "6")]
    pub recordings_end: Option<RecordingsEndFields>,
}

/// A [`RecordingsEnd`] in protobuf.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RecordingsEndFields {
    /// Upper half of the journal's id.
    #[prost(fixed64, tag = "1")]
    pub journal_id_high: u64,
    /// Lower half of it.
    #[prost(fixed64, tag = "2")]
    pub journal_id_low: u64,
    /// The offset after the last one erased.
    #[prost(uint64, tag = "3")]
    pub offset: u64,
}

impl ErasureFields {
    /// What a row has that is no erasure.
    pub(crate) const NONE: Self = Self {
        is_anonymize: false,
        pseudonym: String::new(),
        distinct_ids: Vec::new(),
        person_ids: Vec::new(),
        tokens: Vec::new(),
        recordings_end: None,
    };

    /// The kind's name, as [`ErasureKind::name`] has it.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.is_anonymize {
            true => "anonymize",
            false => "delete",
        }
    }
}

impl Erasure {
    /// Its row of the journal.
    pub fn into_row(self) -> Row {
        let (uuid_high, uuid_low) = self.id.as_u64_pair();
        let (pseudonym, person_id) = match self.kind {
            ErasureKind::Delete => (None, PersonId::default()),
            ErasureKind::Anonymize(Pseudonym { distinct_id, person_id }) => {
                (Some(distinct_id), person_id)
            }
        };
        let (person_id_high, person_id_low) = person_id.0.as_u64_pair();
        let fields = ErasureFields {
            is_anonymize: pseudonym.is_some(),
            pseudonym: pseudonym.unwrap_or_default(),
            distinct_ids: self.distinct_ids,
            person_ids: self.person_ids.iter().flat_map(|id| id.0.into_bytes()).collect(),
            tokens: self.tokens,
            recordings_end: self.recordings_end.map(RecordingsEnd::into_fields),
        };
        Row {
            uuid_high,
            uuid_low,
            person_id_high,
            person_id_low,
            team_id: self.team.0,
            table_number: Table::Erasures.into(),
            timestamp_micros: self.requested_at.as_micros(),
            created_at_micros: self.requested_at.as_micros(),
            erasure: Some(Box::new(fields)),
            ..Row::default()
        }
    }

    /// What a row of the journal asks for; `None` for a row of another kind.
    pub fn of_row(row: &Row) -> Option<Self> {
        let fields = row.erasure.as_deref().filter(|_| row.table() == Table::Erasures)?;
        let kind = match fields.is_anonymize {
            false => ErasureKind::Delete,
            true => ErasureKind::Anonymize(Pseudonym {
                distinct_id: fields.pseudonym.clone(),
                person_id: row.person_id(),
            }),
        };
        let person_ids = fields.person_ids.chunks_exact(size_of::<Uuid>());
        let person_id = |bytes: &[u8]| Uuid::from_slice(bytes).ok().map(PersonId);
        Some(Self {
            id: row.uuid(),
            team: TeamId(row.team_id),
            tokens: fields.tokens.clone(),
            kind,
            distinct_ids: fields.distinct_ids.clone(),
            person_ids: person_ids.filter_map(person_id).collect(),
            requested_at: row.created_at(),
            recordings_end: fields.recordings_end.as_ref().map(RecordingsEnd::of_fields),
        })
    }
}

impl RecordingsEnd {
    fn into_fields(self) -> RecordingsEndFields {
        let (journal_id_high, journal_id_low) = self.journal_id.as_u64_pair();
        RecordingsEndFields { journal_id_high, journal_id_low, offset: self.offset }
    }

    fn of_fields(fields: &RecordingsEndFields) -> Self {
        let journal_id = Uuid::from_u64_pair(fields.journal_id_high, fields.journal_id_low);
        Self { journal_id, offset: fields.offset }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::{Change, Promoted, StoredRow};

    fn erasure(kind: ErasureKind) -> Erasure {
        let person = |number| PersonId(Uuid::from_u128(number));
        Erasure {
            id: Uuid::from_u128(1 << 100 | 9),
            team: TeamId(2),
            tokens: vec!["phc_a".to_owned()],
            kind,
            distinct_ids: vec!["anon-1".to_owned(), "jane@example.com".to_owned()],
            person_ids: vec![person(5), person(1 << 90)],
            requested_at: Timestamp::from_micros(70),
            recordings_end: Some(RecordingsEnd { journal_id: Uuid::from_u128(8), offset: 3 }),
        }
    }

    fn pseudonym() -> ErasureKind {
        ErasureKind::Anonymize(Pseudonym::of(Uuid::from_u128(3), Uuid::from_u128(4)))
    }

    #[test]
    fn a_row_gives_its_erasure_back() {
        for kind in [ErasureKind::Delete, pseudonym()] {
            for recordings_end in [None, erasure(kind.clone()).recordings_end] {
                let erasure = Erasure { recordings_end, ..erasure(kind.clone()) };
                let stored = erasure.clone().into_row().encode_to_vec();
                let stored = Row::decode(stored.as_slice()).unwrap();
                assert_eq!(Erasure::of_row(&stored), Some(erasure));
                assert_eq!(Change::of_row(&stored), None);
            }
        }
        assert_eq!(Erasure::of_row(&Row::default()), None);
    }

    #[test]
    fn the_table_does_not_say_who_was_erased() {
        let row = erasure(pseudonym()).into_row();
        let promoted = Promoted::default();
        let stored = StoredRow {
            row: &row,
            promoted: &promoted,
            journal_id: Uuid::nil(),
            journal_offset: 7,
        };
        let columns = Table::Erasures.columns().iter();
        let shown: String = columns
            .map(|column| format!("{}={:?} ", column.name, (column.value)(stored)))
            .collect();
        assert!(shown.contains("kind=Text(\"anonymize\")"), "{shown}");
        assert!(shown.contains("distinct_ids=Integer(2)"), "{shown}");
        for secret in ["jane", "anon-1", "erased-", "00000004", "phc_a"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}
