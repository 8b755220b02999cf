//! Submissions made ready in the caller's task, so that the sequencer's thread only decides.
//!
//! A submission's rows are encoded into one buffer. Where all of them are new and fit a record, that
//! buffer is the record's payload as it stands.

use bytes::Bytes;
use event::limits::RECORD_BYTES;
use event::{DedupKey, DedupSeed, Row, encode_row};
use journal::{Batch, Offset};

use crate::dedup::Key;
use crate::error::Rejected;
use crate::handle::Submitted;
use crate::identity::person_of;
use crate::queue::Weight;
use crate::received::Received;

/// Room for what a row holds besides its properties; the buffer grows where that is too little.
const TYPICAL_ROW_BYTES_BESIDES_PROPERTIES: usize = 384;

/// The encoded rows of a submission, and what the thread needs to know of each.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) payload: Bytes,
    pub(crate) rows: Vec<PreparedRow>,
    pub(crate) received: Received,
    /// Every key was looked up among those of the rows below this offset.
    pub(crate) looked_up_to: Offset,
}

/// One encoded row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PreparedRow {
    /// Where it ends in the payload; it begins where the one before ends.
    pub(crate) end: usize,
    /// `None` where the client did not identify it.
    pub(crate) key: Option<Key>,
    /// The stored row that it is a duplicate of, as far as it was looked up.
    pub(crate) original: Option<Offset>,
}

impl Prepared {
    /// Encodes rows and hashes keys; `None` where there is nothing to store.
    pub(crate) fn new(events: Vec<Submitted>, seed: DedupSeed) -> Result<Option<Self>, Rejected> {
        let Some(received) = received(&events) else { return Ok(None) };
        let mut payload = Vec::with_capacity(estimated_bytes(&events));
        let mut rows = Vec::with_capacity(events.len());
        for Submitted { event, team } in events {
            let key = DedupKey::of(&event, seed).map(Key::from);
            let person = person_of(&event, team);
            let start = payload.len();
            encode_row(&Row::new(event, team, person), &mut payload);
            check_row_bytes(payload.len() - start)?;
            rows.push(PreparedRow { end: payload.len(), key, original: None });
        }
        let looked_up_to = Offset::ZERO;
        Ok(Some(Self { payload: payload.into(), rows, received, looked_up_to }))
    }

    pub(crate) fn weight(&self) -> Weight {
        Weight { rows: self.rows.len(), bytes: self.payload.len() }
    }
}

/// Refuses a row that no record can hold.
pub(crate) fn check_row_bytes(bytes: usize) -> Result<(), Rejected> {
    match bytes > RECORD_BYTES {
        true => Err(Rejected::RowTooLarge { bytes, limit_bytes: RECORD_BYTES }),
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

/// Gathers rows of one encoded buffer into records, copying only where rows were left out.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    encoded: &'a Bytes,
    limit_bytes: usize,
    batches: &'a mut Vec<Batch>,
    /// Rows of the record so far that lie before a gap.
    copied: Vec<u8>,
    /// The rows of the record so far that lie together at its end.
    start: usize,
    end: usize,
    rows: u32,
}

impl<'a> Records<'a> {
    pub(crate) fn new(encoded: &'a Bytes, batches: &'a mut Vec<Batch>) -> Self {
        Self::with_limit(encoded, batches, RECORD_BYTES)
    }

    fn with_limit(encoded: &'a Bytes, batches: &'a mut Vec<Batch>, limit_bytes: usize) -> Self {
        let (start, end, rows) = (0, 0, 0);
        Self { encoded, limit_bytes, batches, copied: Vec::new(), start, end, rows }
    }

    /// Adds the row at `start..end`.
    pub(crate) fn keep(&mut self, start: usize, end: usize) {
        let bytes = self.copied.len() + (self.end - self.start) + (end - start);
        if self.rows > 0 && bytes > self.limit_bytes {
            self.finish_record();
        }
        if self.rows == 0 {
            self.start = start;
        } else if start != self.end {
            self.copied.extend_from_slice(&self.encoded[self.start..self.end]);
            self.start = start;
        }
        self.end = end;
        self.rows += 1;
    }

    /// Closes the last record.
    pub(crate) fn finish(mut self) {
        self.finish_record();
    }

    fn finish_record(&mut self) {
        if self.rows == 0 {
            return;
        }
        let payload = if self.copied.is_empty() {
            self.encoded.slice(self.start..self.end)
        } else {
            self.copied.extend_from_slice(&self.encoded[self.start..self.end]);
            std::mem::take(&mut self.copied).into()
        };
        self.batches.push(Batch { rows: self.rows, payload });
        (self.start, self.end, self.rows) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ten bytes a row, each with the row's number.
    fn encoded(rows: u8) -> Bytes {
        (0..rows).flat_map(|row| [row; 10]).collect::<Vec<_>>().into()
    }

    #[test]
    fn a_submission_without_duplicates_is_stored_from_the_callers_buffer() {
        let encoded = encoded(3);
        let mut batches = Vec::new();
        let mut records = Records::with_limit(&encoded, &mut batches, 30);
        (0..3).for_each(|row| records.keep(row * 10, row * 10 + 10));
        records.finish();
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].payload.as_ptr(), encoded.as_ptr());
    }

    proptest! {
        #[test]
        fn records_hold_the_kept_rows_in_order(
            kept in prop::collection::vec(any::<bool>(), 0..40),
            limit in 10_usize..60,
        ) {
            let encoded = encoded(kept.len() as u8);
            let mut batches = Vec::new();
            let mut records = Records::with_limit(&encoded, &mut batches, limit);
            let numbers = (0..kept.len()).filter(|&row| kept[row]);
            numbers.clone().for_each(|row| records.keep(row * 10, row * 10 + 10));
            records.finish();
            let stored: Vec<u8> = batches.iter().flat_map(|batch| batch.payload.to_vec()).collect();
            let expected: Vec<u8> = numbers.flat_map(|row| [row as u8; 10]).collect();
            prop_assert_eq!(stored, expected);
            for batch in &batches {
                prop_assert!(batch.payload.len() <= limit);
                prop_assert_eq!(batch.payload.len(), batch.rows as usize * 10);
            }
        }
    }
}
