//! The order of rows: by day, then as files are sorted, then as they came.

use std::cmp::Ordering;
use std::collections::HashMap;

use arrow::array::{RecordBatch, StringArray};
use event::Timestamp;

use crate::day::Day;
use crate::schema::{self, EVENT, TOKEN};

/// A row of one of several batches.
///
/// Fields are in the order by which rows are sorted: tokens and events by their rank among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) day: Day,
    token: u32,
    event: u32,
    timestamp: i64,
    pub(crate) batch: u32,
    pub(crate) row: u32,
}

/// Sorts the rows of all batches.
pub(crate) fn sort(batches: &[&RecordBatch]) -> Vec<Place> {
    let tokens = ranks(batches, TOKEN);
    let events = ranks(batches, EVENT);
    let mut places = Vec::with_capacity(batches.iter().map(|batch| batch.num_rows()).sum());
    for (number, batch) in (0..).zip(batches) {
        let (token, event) = (schema::texts(batch, TOKEN), schema::texts(batch, EVENT));
        for (row, &timestamp) in (0_u32..).zip(schema::timestamps(batch)) {
            places.push(Place {
                day: Day::of(Timestamp::from_micros(timestamp)),
                token: tokens[token.value(row as usize)],
                event: events[event.value(row as usize)],
                timestamp,
                batch: number,
                row,
            });
        }
    }
    places.sort_unstable();
    places
}

/// The rank of each text of a column.
fn ranks<'a>(batches: &[&'a RecordBatch], column: usize) -> HashMap<&'a str, u32> {
    let mut ranks = HashMap::new();
    for batch in batches {
        for text in schema::texts(batch, column).iter().flatten() {
            ranks.entry(text).or_insert(0);
        }
    }
    let mut texts: Vec<&str> = ranks.keys().copied().collect();
    texts.sort_unstable();
    ranks.extend(texts.into_iter().zip(0..));
    ranks
}

/// What the rows of one batch are compared by with those of another.
#[derive(Debug)]
pub(crate) struct Keys {
    token: StringArray,
    event: StringArray,
    timestamps: Vec<i64>,
}

impl Keys {
    pub(crate) fn of(batch: &RecordBatch) -> Self {
        Self {
            token: schema::texts(batch, TOKEN).clone(),
            event: schema::texts(batch, EVENT).clone(),
            timestamps: schema::timestamps(batch).to_vec(),
        }
    }

    pub(crate) fn day(&self, row: usize) -> Day {
        Day::of(Timestamp::from_micros(self.timestamps[row]))
    }

    /// Compares a row with one of other keys.
    pub(crate) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        self.day(row)
            .cmp(&other.day(other_row))
            .then_with(|| self.token.value(row).cmp(other.token.value(other_row)))
            .then_with(|| self.event.value(row).cmp(other.event.value(other_row)))
            .then_with(|| self.timestamps[row].cmp(&other.timestamps[other_row]))
    }
}
