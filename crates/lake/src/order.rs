//! The order of rows: by day, then as files are sorted, then as they came.

use std::cmp::Ordering;
use std::collections::HashMap;

use arrow::array::{RecordBatch, StringArray};
use event::Timestamp;

use crate::Table;
use crate::day::Day;

/// A row of one of several batches.
///
/// Fields are in the order by which rows are sorted: texts by their rank among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) day: Day,
    texts: [u32; 2],
    time: i64,
    pub(crate) batch: u32,
    pub(crate) row: u32,
}

/// Sorts the rows of all batches.
pub(crate) fn sort(table: &Table, batches: &[&RecordBatch]) -> Vec<Place> {
    let columns: Vec<_> = batches.iter().map(|batch| table.texts(batch)).collect();
    let [major, minor] = [0, 1].map(|at| ranks(columns.iter().map(|texts| texts[at])));
    let mut places = Vec::with_capacity(batches.iter().map(|batch| batch.num_rows()).sum());
    for ((number, batch), [majors, minors]) in (0..).zip(batches).zip(&columns) {
        for (row, &time) in (0_u32..).zip(table.times(batch)) {
            let at = row as usize;
            places.push(Place {
                day: Day::of(Timestamp::from_micros(time)),
                texts: [major[majors.value(at)], minor[minors.value(at)]],
                time,
                batch: number,
                row,
            });
        }
    }
    places.sort_unstable();
    places
}

/// The rank of each text of a column.
fn ranks<'a>(columns: impl Iterator<Item = &'a StringArray>) -> HashMap<&'a str, u32> {
    let mut ranks = HashMap::new();
    for text in columns.flat_map(|column| column.iter().flatten()) {
        ranks.entry(text).or_insert(0);
    }
    let mut texts: Vec<&str> = ranks.keys().copied().collect();
    texts.sort_unstable();
    ranks.extend(texts.into_iter().zip(0..));
    ranks
}

/// What the rows of one batch are compared by with those of another.
#[derive(Debug)]
pub(crate) struct Keys {
    texts: [StringArray; 2],
    times: Vec<i64>,
}

impl Keys {
    pub(crate) fn of(table: &Table, rows: &RecordBatch) -> Self {
        Self { texts: table.texts(rows).map(Clone::clone), times: table.times(rows).to_vec() }
    }

    pub(crate) fn day(&self, row: usize) -> Day {
        Day::of(Timestamp::from_micros(self.times[row]))
    }

    /// Compares a row with one of other keys.
    pub(crate) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let [major, minor] = &self.texts;
        let [other_major, other_minor] = &other.texts;
        self.day(row)
            .cmp(&other.day(other_row))
            .then_with(|| major.value(row).cmp(other_major.value(other_row)))
            .then_with(|| minor.value(row).cmp(other_minor.value(other_row)))
            .then_with(|| self.times[row].cmp(&other.times[other_row]))
    }
}
