//! What Iceberg's manifests say of a file's columns.

use std::collections::BTreeMap;

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::statistics::Statistics;
use serde::{Deserialize, Serialize};

use crate::Table;

/// A value below or above all of a column's. Text may be cut, so it need not occur.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Bound {
    /// Of integers and timestamps.
    Number(i64),
    /// Of text.
    Text(String),
}

/// Sums over a file's row groups, by field id. `catalog.db` keeps them as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileMetrics {
    /// Bytes on disk.
    pub(crate) bytes: BTreeMap<i32, u64>,
    /// NULLs.
    pub(crate) nulls: BTreeMap<i32, u64>,
    pub(crate) lower: BTreeMap<i32, Bound>,
    pub(crate) upper: BTreeMap<i32, Bound>,
    /// Where row groups begin, so that engines can split the file.
    pub(crate) row_groups: Vec<i64>,
}

impl FileMetrics {
    /// Reads them from the footer of a file that was just written.
    pub(crate) fn of(table: &Table, footer: &ParquetMetaData) -> Self {
        let mut metrics = Self::default();
        for group in footer.row_groups() {
            for column in group.columns() {
                metrics.add(table, column);
            }
            metrics.row_groups.extend(group.columns().first().map(first_page));
        }
        metrics
    }

    fn add(&mut self, table: &Table, column: &ColumnChunkMetaData) {
        let info = column.column_descr().self_type().get_basic_info();
        if !info.has_id() {
            return;
        }
        let id = info.id();
        let bytes = u64::try_from(column.compressed_size()).unwrap_or_default();
        *self.bytes.entry(id).or_default() += bytes;
        let Some(statistics) = column.statistics() else {
            return;
        };
        *self.nulls.entry(id).or_default() += statistics.null_count_opt().unwrap_or_default();
        if !table.is_ranged(info.name()) {
            return;
        }
        if let Some((lower, upper)) = bounds(statistics) {
            let least = self.lower.entry(id).or_insert_with(|| lower.clone());
            *least = lower.min(least.clone());
            let greatest = self.upper.entry(id).or_insert_with(|| upper.clone());
            *greatest = upper.max(greatest.clone());
        }
    }

    /// The range of an integer column, by its id.
    pub(crate) fn range(&self, id: i32) -> Option<(i64, i64)> {
        match (self.lower.get(&id), self.upper.get(&id)) {
            (Some(Bound::Number(lower)), Some(Bound::Number(upper))) => Some((*lower, *upper)),
            _ => None,
        }
    }
}

/// Text compares by its bytes in Parquet, Iceberg and here.
fn bounds(statistics: &Statistics) -> Option<(Bound, Bound)> {
    let text = |bytes: &[u8]| Some(Bound::Text(std::str::from_utf8(bytes).ok()?.to_owned()));
    match statistics {
        Statistics::Int64(values) => {
            Some((Bound::Number(*values.min_opt()?), Bound::Number(*values.max_opt()?)))
        }
        Statistics::ByteArray(_) => {
            Some((text(statistics.min_bytes_opt()?)?, text(statistics.max_bytes_opt()?)?))
        }
        _ => None,
    }
}

fn first_page(column: &ColumnChunkMetaData) -> i64 {
    column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset())
}
