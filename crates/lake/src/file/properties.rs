//! How Parquet is written.
//!
//! The figures are chosen by measurement (`bench/results`): what compresses is seeing the same text
//! again, so pages of JSON are large, and ids have one dictionary for many rows.

use event::Kind;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::Table;
use crate::day::Partition;

/// Rows of a row group: few enough that a day's are read side by side, enough to compress well.
const ROW_GROUP_ROWS: usize = 256 * 1_024;
/// Bytes of a row group, which the writer holds in memory.
const ROW_GROUP_BYTES: usize = 64 << 20;
/// Rows of a page. A merge holds a page of every column of every file that it reads.
const PAGE_ROWS: usize = 8 * 1_024;
/// Bytes of a page, of which only JSON has as many: what repeats in it is seen within a page alone.
const PAGE_BYTES: usize = 4 << 20;
/// Bytes of a dictionary: room for the persons of a row group.
const DICTIONARY_BYTES: usize = 4 << 20;
/// Ids that somebody looks for, and that few row groups have.
const LOOKED_FOR: [&str; 4] = ["uuid", "distinct_id", "person_id", "session_id"];
/// Of row groups without an id, the part that bloom filters do not rule out. Filters are folded to the
/// least size that keeps it.
const FALSE_POSITIVES: f64 = 0.03;
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
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
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
        } else if column.name == "uuid" {
            // No value comes twice, and all are as long.
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_LENGTH_BYTE_ARRAY);
        } else if column.kind == Kind::Json {
            // Hardly a value comes twice.
            properties = properties.set_column_dictionary_enabled(path, false);
        }
        if effort == Effort::Compaction && LOOKED_FOR.contains(&column.name) {
            let path = ColumnPath::from(column.name);
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_ndv(path.clone(), ROW_GROUP_ROWS as u64)
                .set_column_bloom_filter_fpp(path, FALSE_POSITIVES);
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
