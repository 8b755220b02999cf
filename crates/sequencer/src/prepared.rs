//! Submissions made ready in the caller's task, so that the sequencer's thread only decides.
//!
//! A row's body is encoded, and what the event says of its person is read, before the queue. The
//! thread puts behind the body whose it is.

use bytes::Bytes;
use event::limits::ROW_BYTES;
use event::{Change, DedupKey, DedupSeed, Timestamp, encode_row, encode_row_body};
use identity::Claim;
use journal::Offset;

use crate::dedup::Key;
use crate::error::Rejected;
use crate::handle::Submitted;
use crate::queue::Weight;
use crate::received::Received;

/// Room for what a row holds besides its properties; the buffer grows where that is too little.
const TYPICAL_ROW_BYTES_BESIDES_PROPERTIES: usize = 384;

/// A row's person, how it was treated, and the length in front.
const TYPICAL_BELONGING_BYTES: usize = 40;

/// The encoded bodies of a submission's rows, and what the thread needs to know of each.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) bodies: Bytes,
    pub(crate) rows: Vec<PreparedRow>,
    /// What each row's event says of its person.
    pub(crate) claims: Vec<Claim>,
    /// Rows of changes that no event of this submission made.
    pub(crate) changes: Vec<Vec<u8>>,
    pub(crate) received: Received,
    /// Every key was looked up among those of the rows below this offset.
    pub(crate) looked_up_to: Offset,
}

/// One row, of which all but the person is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PreparedRow {
    /// Where its body ends; it begins where the one before ends.
    pub(crate) end: usize,
    /// When its event was received.
    pub(crate) created_at: Timestamp,
    /// `None` where the client did not identify it.
    pub(crate) key: Option<Key>,
    /// The stored row that it is a duplicate of, as far as it was looked up.
    pub(crate) original: Option<Offset>,
}

impl Prepared {
    /// Encodes rows and hashes keys; `None` where there is nothing to store.
    pub(crate) fn new(events: Vec<Submitted>, seed: DedupSeed) -> Result<Option<Self>, Rejected> {
        let Some(received) = received(&events) else { return Ok(None) };
        let mut bodies = Vec::with_capacity(estimated_bytes(&events));
        let mut rows = Vec::with_capacity(events.len());
        let mut claims = Vec::with_capacity(events.len());
        for Submitted { event, team } in events {
            let key = DedupKey::of(&event, seed).map(Key::from);
            let created_at = event.created_at;
            claims.push(Claim::new(&event, team));
            let start = bodies.len();
            encode_row_body(event, team, &mut bodies);
            check_row_bytes(bodies.len() - start)?;
            rows.push(PreparedRow { end: bodies.len(), created_at, key, original: None });
        }
        let looked_up_to = Offset::ZERO;
        let changes = Vec::new();
        Ok(Some(Self { bodies: bodies.into(), rows, claims, changes, received, looked_up_to }))
    }

    /// Encodes changes that were settled elsewhere.
    pub(crate) fn of_changes(changes: Vec<Change>, received_at: Timestamp) -> Self {
        let encode = |change: Change| {
            let mut row = Vec::new();
            encode_row(&change.into_row(received_at), &mut row);
            row
        };
        Self {
            bodies: Bytes::new(),
            rows: Vec::new(),
            claims: Vec::new(),
            changes: changes.into_iter().map(encode).collect(),
            received: Received::at(received_at),
            looked_up_to: Offset::ZERO,
        }
    }

    /// About how many bytes its rows will have.
    pub(crate) fn expected_bytes(&self) -> usize {
        self.bodies.len() + self.rows.len() * TYPICAL_BELONGING_BYTES + self.changes_bytes()
    }

    pub(crate) fn weight(&self) -> Weight {
        let claims: usize = self.claims.iter().map(Claim::bytes).sum();
        let bytes = self.bodies.len() + claims + self.changes_bytes();
        Weight { rows: self.rows.len() + self.changes.len(), bytes }
    }

    fn changes_bytes(&self) -> usize {
        self.changes.iter().map(Vec::len).sum()
    }
}

/// Refuses a row that no record can hold.
pub(crate) fn check_row_bytes(bytes: usize) -> Result<(), Rejected> {
    match bytes > ROW_BYTES {
        true => Err(Rejected::RowTooLarge { bytes, limit_bytes: ROW_BYTES }),
        false => Ok(()),
    }
}

fn received(events: &[Submitted]) -> Option<Received> {
    let times = events.iter().map(|submitted| Received::at(submitted.event.created_at));
    times.reduce(Received::union)
}

/// About what the encoded rows take.
pub(crate) fn estimated_bytes(events: &[Submitted]) -> usize {
    let of = |submitted: &Submitted| {
        submitted.event.properties.len() + TYPICAL_ROW_BYTES_BESIDES_PROPERTIES
    };
    events.iter().map(of).sum()
}
