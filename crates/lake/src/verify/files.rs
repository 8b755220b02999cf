//! Data files: what the catalog says of one against what it has.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::Table;
use crate::catalog::Listing;
use crate::compaction::reader;
use crate::day::Day;
use crate::file::FileMetrics;
use crate::order::Keys;
use crate::version::DataFile;

/// Says what is wrong with a file.
pub(super) fn check(listing: &Listing, reads_rows: bool) -> Result<(), String> {
    let file = &listing.file;
    let found = std::fs::metadata(&file.path).map_err(|error| error.to_string())?;
    same("bytes", file.bytes, found.len())?;
    let builder = reader(file).map_err(|error| error.to_string())?;
    let footer = builder.metadata();
    let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or_default();
    same("rows", file.rows, rows)?;
    let metrics = FileMetrics::of(file.table, footer);
    check_metrics(file.table, &listing.metrics, &metrics)?;
    check_times(file, &metrics)?;
    match reads_rows {
        true => check_rows(file),
        false => Ok(()),
    }
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, said: T, found: T) -> Result<(), String> {
    match said == found {
        true => Ok(()),
        false => Err(format!("it should have {said} {what}, and has {found}")),
    }
}

/// What the catalog knows of columns must be so; it need not know all.
fn check_metrics(table: &Table, said: &FileMetrics, found: &FileMetrics) -> Result<(), String> {
    let differs = |column: &i32| {
        let name = table.columns().iter().find(|known| known.id == *column);
        let name = name.map_or_else(|| column.to_string(), |known| known.name.to_owned());
        format!("the catalog has other statistics of column {name}")
    };
    let wrong = difference(&said.bytes, &found.bytes)
        .or_else(|| difference(&said.nulls, &found.nulls))
        .or_else(|| difference(&said.lower, &found.lower))
        .or_else(|| difference(&said.upper, &found.upper));
    match wrong {
        Some(column) => Err(differs(column)),
        None if said.row_groups != found.row_groups => {
            Err("its row groups begin elsewhere than the catalog says".to_owned())
        }
        None => Ok(()),
    }
}

/// A column of which something else was said.
fn difference<'a, T: PartialEq>(
    said: &'a BTreeMap<i32, T>,
    found: &BTreeMap<i32, T>,
) -> Option<&'a i32> {
    said.iter().find(|(column, value)| found.get(column) != Some(value)).map(|(column, _)| column)
}

fn check_times(file: &DataFile, metrics: &FileMetrics) -> Result<(), String> {
    let said = (file.min_timestamp.as_micros(), file.max_timestamp.as_micros());
    if metrics.range(file.table.time().id).is_some_and(|found| found != said) {
        return Err("the catalog has other times of its first and last row".to_owned());
    }
    let is_elsewhere =
        |day| Day::of(file.min_timestamp) != day || Day::of(file.max_timestamp) != day;
    match file.day {
        Some(day) if is_elsewhere(day) => Err(format!("it has rows of other days than {day}")),
        _ => Ok(()),
    }
}

/// Reads all rows, which must be as many as was said, and in order.
fn check_rows(file: &DataFile) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let reader = reader(file).map_err(|error| text(&error))?;
    let is_sorted = file.table.is_sorted_in(file.partition());
    let (mut count, mut before): (u64, Option<(Keys, usize)>) = (0, None);
    for rows in reader.build().map_err(|error| text(&error))? {
        let rows = rows.map_err(|error| text(&error))?;
        let rows = file.table.align(rows).map_err(|error| text(&error))?;
        count += rows.num_rows() as u64;
        if !is_sorted || rows.num_rows() == 0 {
            continue;
        }
        let keys = Keys::of(file.table, &rows);
        let follows = |row: usize| keys.compare(row - 1, &keys, row) != Ordering::Greater;
        let is_behind = before
            .take()
            .is_none_or(|(last, row)| last.compare(row, &keys, 0) != Ordering::Greater);
        if !is_behind || !(1..rows.num_rows()).all(follows) {
            return Err("its rows are not in order".to_owned());
        }
        before = Some((keys, rows.num_rows() - 1));
    }
    same("rows", file.rows, count)
}
