//! The order of rows: by day, then as files are sorted, then as they came.

use std::cmp::Ordering;
use std::collections::HashMap;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use event::{Kind, Timestamp};

use crate::Table;
use crate::day::Day;

/// The most columns by which a table is sorted.
const MOST_COLUMNS: usize = 4;

/// The day of all rows of a table that is not by days.
const NO_DAY: Day = Day(0);

/// A row of one of several batches.
///
/// Fields are in the order by which rows are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) day: Day,
    /// Numbers and times as they are, texts by their rank among all.
    columns: [i64; MOST_COLUMNS],
    pub(crate) batch: u32,
    pub(crate) row: u32,
}

/// Sorts the rows of all batches.
pub(crate) fn sort(table: &Table, batches: &[&RecordBatch]) -> Vec<Place> {
    let keys: Vec<Keys> = batches.iter().map(|batch| Keys::of(table, batch)).collect();
    let mut places = Vec::with_capacity(batches.iter().map(|batch| batch.num_rows()).sum());
    for ((number, batch), keys) in (0..).zip(batches).zip(&keys) {
        let place = |row: usize| Place {
            day: keys.day(row),
            columns: [0; MOST_COLUMNS],
            batch: number,
            row: u32::try_from(row).unwrap_or(u32::MAX),
        };
        places.extend((0..batch.num_rows()).map(place));
    }
    for column in 0..table.order_positions().len() {
        let columns = || keys.iter().map(|keys| &keys.columns[column]);
        let ranks = ranks(columns().filter_map(Column::as_text));
        let columns: Vec<&Column> = columns().collect();
        for place in &mut places {
            let row = place.row as usize;
            place.columns[column] = match columns[place.batch as usize] {
                Column::Text(texts) => ranks[texts.value(row)],
                Column::Number(numbers) => numbers[row],
            };
        }
    }
    places.sort_unstable();
    places
}

/// The rank of each text of a column.
fn ranks<'a>(columns: impl Iterator<Item = &'a StringArray>) -> HashMap<&'a str, i64> {
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
    columns: Vec<Column>,
    /// The times of a table that is by days.
    times: Option<ScalarBuffer<i64>>,
}

/// A column of the order, which has no NULL.
#[derive(Debug)]
enum Column {
    Text(StringArray),
    Number(ScalarBuffer<i64>),
}

impl Keys {
    pub(crate) fn of(table: &Table, rows: &RecordBatch) -> Self {
        let positions = table.order_positions().iter();
        let columns = positions.zip(table.order()).map(|(&position, column)| {
            let values = rows.column(position);
            match column.kind {
                Kind::Text | Kind::Json => Column::Text(values.as_string().clone()),
                Kind::Integer => {
                    Column::Number(values.as_primitive::<Int64Type>().values().clone())
                }
                Kind::Timestamp => {
                    let times = values.as_primitive::<TimestampMicrosecondType>();
                    Column::Number(times.values().clone())
                }
            }
        });
        let times = table.is_by_day().then(|| table.times(rows).clone());
        Self { columns: columns.collect(), times }
    }

    pub(crate) fn day(&self, row: usize) -> Day {
        let day = |times: &ScalarBuffer<i64>| Day::of(Timestamp::from_micros(times[row]));
        self.times.as_ref().map_or(NO_DAY, day)
    }

    /// Compares a row with one of other keys.
    pub(crate) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let days = self.day(row).cmp(&other.day(other_row));
        days.then_with(|| compare(&self.columns, row, &other.columns, other_row))
    }

    /// Whether two rows of a table that keeps the latest are versions of one thing.
    pub(crate) fn is_same(&self, row: usize, other: &Self, other_row: usize) -> bool {
        let last = self.columns.len().saturating_sub(1);
        compare(&self.columns[..last], row, &other.columns[..last], other_row).is_eq()
    }
}

fn compare(left: &[Column], row: usize, right: &[Column], other_row: usize) -> Ordering {
    let columns = left.iter().zip(right).map(|columns| match columns {
        (Column::Text(left), Column::Text(right)) => left.value(row).cmp(right.value(other_row)),
        (Column::Number(left), Column::Number(right)) => left[row].cmp(&right[other_row]),
        (Column::Text(_), Column::Number(_)) => Ordering::Greater,
        (Column::Number(_), Column::Text(_)) => Ordering::Less,
    });
    columns.fold(Ordering::Equal, Ordering::then)
}

impl Column {
    const fn as_text(&self) -> Option<&StringArray> {
        match self {
            Self::Text(texts) => Some(texts),
            Self::Number(_) => None,
        }
    }
}
