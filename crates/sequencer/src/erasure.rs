//! What is asked of the sequencer to erase somebody, and its record.

use event::erasure::RecordingsEnd;
use event::{Erasure, Placed, encode_row};
use identity::{ErasureRequest, Forgotten};
use journal::{Batch, Offset};
use uuid::Uuid;

use crate::queue::Weight;

/// Whom to erase, and how.
#[derive(Clone, Debug)]
pub struct Erase {
    /// What is asked for.
    pub request: ErasureRequest,
    /// The project's tokens.
    pub tokens: Vec<String>,
    /// How far recordings are erased.
    pub recordings_end: Option<RecordingsEnd>,
}

impl Erase {
    pub(crate) fn weight(&self) -> Weight {
        Weight { rows: 1, bytes: 0 }
    }
}

/// The record of an erasure that is to be at `first`: the erasure, and what it changed of persons
/// right behind it. They are durable together or not at all.
pub(crate) fn record(
    erase: Erase,
    forgotten: Forgotten,
    journal_id: Uuid,
    first: Offset,
) -> (Batch, Placed) {
    let Erase { request, tokens, recordings_end } = erase;
    let ErasureRequest { id, team, kind, requested_at, .. } = request;
    let distinct_ids = forgotten.distinct_ids.iter().map(|id| id.as_ref().to_owned()).collect();
    let person_ids = forgotten.person_ids;
    let erasure =
        Erasure { id, team, tokens, kind, distinct_ids, person_ids, requested_at, recordings_end };
    let mut payload = Vec::new();
    encode_row(&erasure.clone().into_row(), &mut payload);
    let rows = 1 + forgotten.changes.len();
    for change in forgotten.changes {
        encode_row(&change.into_row(requested_at), &mut payload);
    }
    let batch = Batch { rows: u32::try_from(rows).unwrap_or(u32::MAX), payload: payload.into() };
    (batch, Placed { erasure, journal_id, offset: first.get() })
}

#[cfg(test)]
mod tests {
    use event::limits::{DISTINCT_ID_CHARS, RECORD_BYTES};
    use event::{Change, ErasureKind, PersonId, Pseudonym, TeamId, Timestamp};
    use identity::{ERASED_DISTINCT_ID_BYTES, ERASED_DISTINCT_IDS, Target};

    use super::*;

    /// As many distinct ids as there may be, all of their overrides changed, and the longest texts.
    #[test]
    fn the_largest_erasure_fits_into_a_record() {
        let (team, person) = (TeamId(i64::MAX), PersonId(Uuid::from_u128(u128::MAX)));
        let length = ERASED_DISTINCT_ID_BYTES / ERASED_DISTINCT_IDS;
        let distinct_ids = vec!["x".repeat(length).into(); ERASED_DISTINCT_IDS];
        let person_ids = vec![person; 40_000];
        let version = i64::MAX;
        let taken = Change::DistinctId {
            team,
            distinct_id: "x".repeat(length),
            person_id: person,
            version,
            is_deleted: true,
        };
        let ended = Change::Override { team, old_person_id: person, person_id: person, version };
        let mut changes = vec![taken; ERASED_DISTINCT_IDS];
        changes.extend(vec![ended; person_ids.len()]);
        let request = ErasureRequest {
            id: Uuid::from_u128(u128::MAX),
            team,
            target: Target::Person(person),
            kind: ErasureKind::Anonymize(Pseudonym::of(Uuid::max(), Uuid::max())),
            requested_at: Timestamp::from_micros(i64::MAX),
        };
        let tokens = vec!["x".repeat(DISTINCT_ID_CHARS); 20];
        let erase = Erase { request, tokens, recordings_end: None };
        let forgotten = Forgotten { distinct_ids, person_ids, changes };
        let (batch, _) = record(erase, forgotten, Uuid::max(), Offset::ZERO);
        assert!(batch.payload.len() <= RECORD_BYTES, "{}", batch.payload.len());
    }
}
