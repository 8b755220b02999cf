//! How Parquet is written.

use event::Kind;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::Table;
use crate::day::Partition;

/// Rows of a row group: few enough to skip, enough to compress well.
const ROW_GROUP_ROWS: usize = 128 * 1_024;
/// Bytes of a row group, which the writer holds in memory.
const ROW_GROUP_BYTES: usize = 64 << 20;
/// Rows of a page. A merge holds a page of every column of every file that it reads.
const PAGE_ROWS: usize = 8 * 1_024;
/// Length at which text in statistics is cut.
const STATISTICS_BYTES: usize = 64;

/// How much work goes into a small file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Little: rows wait for it, and the file is soon merged with others.
    Commit,
    /// More: the file stays.
    Compaction,
}

/// Returns the properties for a file of a partition.
pub(crate) fn properties(
    table: &Table,
    partition: Partition,
    effort: Effort,
) -> Result<WriterProperties, ParquetError> {
    let level = match effort {
        Effort::Commit => 1,
        Effort::Compaction => 3,
    };
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES))
        .set_created_by(concat!("hogflare ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_sorting_columns(sorting(table, partition));
    for column in table.order().chain([table.time()]) {
        let path = ColumnPath::from(column.name);
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
    }
    for column in table.columns() {
        let path = ColumnPath::from(column.name);
        if column.kind == Kind::Timestamp || column.name == "journal_offset" {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        } else if column.kind == Kind::Json || column.name == "uuid" {
            // Hardly a value comes twice.
            properties = properties.set_column_dictionary_enabled(path, false);
        }
    }
    Ok(properties.build())
}

/// The order of rows, where the file has the table's.
fn sorting(table: &Table, partition: Partition) -> Option<Vec<SortingColumn>> {
    let column = |position: usize| SortingColumn {
        column_idx: i32::try_from(position).unwrap_or_default(),
        descending: false,
        nulls_first: true,
    };
    let is_sorted = table.is_sorted_in(partition);
    is_sorted.then(|| table.order_positions().iter().copied().map(column).collect())
}
