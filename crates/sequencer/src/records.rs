//! Rows gathered into the records of a journal.

use event::limits::RECORD_BYTES;
use journal::Batch;

/// Gathers rows into records, each as large as it may be.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    batches: &'a mut Vec<Batch>,
    limit_bytes: usize,
    payload: Vec<u8>,
    rows: u32,
}

impl<'a> Records<'a> {
    /// Adds records to `batches`; about so many bytes will come.
    pub(crate) fn new(batches: &'a mut Vec<Batch>, bytes: usize) -> Self {
        Self::with_limit(batches, bytes, RECORD_BYTES)
    }

    fn with_limit(batches: &'a mut Vec<Batch>, bytes: usize, limit_bytes: usize) -> Self {
        let payload = Vec::with_capacity(bytes.min(limit_bytes));
        Self { batches, limit_bytes, payload, rows: 0 }
    }

    /// Adds rows that must not be parted, as they are encoded.
    pub(crate) fn add(&mut self, rows: u32, encode: impl FnOnce(&mut Vec<u8>)) {
        let start = self.payload.len();
        encode(&mut self.payload);
        if self.payload.len() > self.limit_bytes && start > 0 {
            let added = self.payload.split_off(start);
            self.finish_record();
            self.payload = added;
        }
        self.rows += rows;
    }

    /// Whether so many bytes fit a record.
    pub(crate) const fn can_hold(&self, bytes: usize) -> bool {
        bytes <= self.limit_bytes
    }

    /// Closes the last record.
    pub(crate) fn finish(mut self) {
        self.finish_record();
    }

    fn finish_record(&mut self) {
        if self.rows > 0 {
            let payload = std::mem::take(&mut self.payload).into();
            self.batches.push(Batch { rows: self.rows, payload });
            self.rows = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_hold_all_rows_in_order_and_part_none_that_belong_together(
            units in prop::collection::vec(1_u8..5, 0..40),
            limit in 50_usize..90,
        ) {
            let mut batches = Vec::new();
            let mut records = Records::with_limit(&mut batches, 0, limit);
            for (number, rows) in units.iter().enumerate() {
                let bytes = usize::from(*rows) * 10;
                records.add(u32::from(*rows), |payload| {
                    payload.extend(std::iter::repeat_n(number as u8, bytes));
                });
            }
            records.finish();
            let stored: Vec<u8> = batches.iter().flat_map(|batch| batch.payload.to_vec()).collect();
            let numbered = units.iter().enumerate();
            let expected: Vec<u8> = numbered
                .flat_map(|(number, rows)| vec![number as u8; usize::from(*rows) * 10])
                .collect();
            prop_assert_eq!(stored, expected);
            for batch in &batches {
                prop_assert!(batch.payload.len() <= limit);
                prop_assert_eq!(batch.payload.len(), batch.rows as usize * 10);
            }
            for pair in batches.windows(2) {
                prop_assert_ne!(pair[0].payload.last(), pair[1].payload.first());
            }
        }
    }

    #[test]
    fn what_is_larger_than_a_record_is_one_by_itself() {
        let mut batches = Vec::new();
        let mut records = Records::with_limit(&mut batches, 0, 10);
        for bytes in [5, 20, 5] {
            records.add(1, |payload| payload.resize(payload.len() + bytes, 0));
        }
        records.finish();
        let lengths: Vec<usize> = batches.iter().map(|batch| batch.payload.len()).collect();
        assert_eq!(lengths, [5, 20, 5]);
    }
}
