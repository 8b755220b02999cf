//! Names of this sink's metrics.

/// Commits to a table of the catalog, by `table` and `outcome`.
pub(super) const COMMITS_TOTAL: &str = "hogflare_catalog_commits_total";
/// Rows that a catalog has, by `table`.
pub(super) const ROWS_TOTAL: &str = "hogflare_catalog_rows_total";
/// Bytes of their files, by `table`.
pub(super) const BYTES_TOTAL: &str = "hogflare_catalog_bytes_total";
/// Seconds that a commit took, from the first file to the last answer.
pub(super) const COMMIT_SECONDS: &str = "hogflare_catalog_commit_seconds";
/// Memory of rows that wait to be committed.
pub(super) const WAITING_BYTES: &str = "hogflare_catalog_waiting_bytes";
/// Snapshots dropped because they were old.
pub(super) const EXPIRED_TOTAL: &str = "hogflare_catalog_expired_snapshots_total";
