//! How many files the process may have open; a connection is one.

use tracing::warn;

/// Files that are not connections: segments, Parquet files of running queries, SQLite.
const OTHER_FILES: u64 = 1_024;

/// Raises the limit as far as it may be; returns how many connections fit under it.
pub(crate) fn raise_for(connections: usize) -> usize {
    let wanted = (connections as u64).saturating_add(OTHER_FILES);
    let allowed = rlimit::increase_nofile_limit(wanted).unwrap_or_else(|error| {
        warn!(%error, "cannot raise the limit of open files");
        wanted
    });
    // Where hardly any files are allowed, half of them are for connections.
    let fit = allowed.saturating_sub(OTHER_FILES).max(allowed / 2).max(1);
    let fit = usize::try_from(fit).unwrap_or(usize::MAX);
    if fit < connections {
        warn!(
            connections = fit,
            "the limit of open files allows fewer connections than configured"
        );
    }
    connections.min(fit)
}
