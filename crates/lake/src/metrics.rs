//! Names of this crate's metrics.

/// Rows that became durable in the lake.
pub(crate) const COMMITTED_ROWS_TOTAL: &str = "hogflare_lake_committed_rows_total";
/// Bytes of Parquet that commits wrote.
pub(crate) const COMMITTED_BYTES_TOTAL: &str = "hogflare_lake_committed_bytes_total";
/// Seconds that a commit took.
pub(crate) const COMMIT_SECONDS: &str = "hogflare_lake_commit_seconds";
/// Commits made before their time because the tail was full.
pub(crate) const EARLY_COMMITS_TOTAL: &str = "hogflare_lake_early_commits_total";
/// Promoted properties that were there and did not fit their column, which is NULL.
pub(crate) const MISFITS_TOTAL: &str = "hogflare_lake_misfit_properties_total";
/// Rows that are visible and not committed yet.
pub(crate) const TAIL_ROWS: &str = "hogflare_lake_tail_rows";
/// Memory of those rows.
pub(crate) const TAIL_BYTES: &str = "hogflare_lake_tail_bytes";
/// Data files in the table.
pub(crate) const FILES: &str = "hogflare_lake_files";
/// Bytes of the data files in the table.
pub(crate) const FILE_BYTES: &str = "hogflare_lake_file_bytes";
/// Rows in the data files.
pub(crate) const ROWS: &str = "hogflare_lake_rows";
/// Small files that were merged.
pub(crate) const COMPACTED_FILES_TOTAL: &str = "hogflare_lake_compacted_files_total";
/// Bytes that merging wrote.
pub(crate) const COMPACTED_BYTES_TOTAL: &str = "hogflare_lake_compacted_bytes_total";
/// Seconds that a merge took.
pub(crate) const COMPACTION_SECONDS: &str = "hogflare_lake_compaction_seconds";
/// Rows of files that went, or lost whose they are, since somebody was erased, by `table`.
pub(crate) const ERASED_ROWS_TOTAL: &str = "hogflare_lake_erased_rows_total";
/// Rows that went because they were too old, by `table`.
pub(crate) const AGED_ROWS_TOTAL: &str = "hogflare_lake_aged_rows_total";
/// Seconds that writing Iceberg metadata took.
pub(crate) const PROJECTION_SECONDS: &str = "hogflare_lake_projection_seconds";
/// Files removed after they were replaced.
pub(crate) const REMOVED_FILES_TOTAL: &str = "hogflare_lake_removed_files_total";
/// Files put aside at the start because no table knows them.
pub(crate) const ORPHAN_FILES_TOTAL: &str = "hogflare_lake_orphan_files_total";
/// Failures of background work, by `work`.
pub(crate) const MAINTENANCE_FAILURES_TOTAL: &str = "hogflare_lake_maintenance_failures_total";
