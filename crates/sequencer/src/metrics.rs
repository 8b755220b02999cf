//! The names of this crate's metrics.
//!
//! The label `journal` is `events` or `recordings`.

/// Gauge, by `journal`: submissions that wait.
pub const QUEUE_SUBMISSIONS: &str = "hogflare_sequencer_queue_submissions";
/// Gauge, by `journal`: bytes that wait.
pub const QUEUE_BYTES: &str = "hogflare_sequencer_queue_bytes";
/// Histogram, by `journal`: submissions in a group.
pub const GROUP_SUBMISSIONS: &str = "hogflare_sequencer_group_submissions";
/// Histogram, by `journal`: rows in a group.
pub const GROUP_ROWS: &str = "hogflare_sequencer_group_rows";
/// Histogram, by `journal`: how long a commit took, its sync included.
pub const COMMIT_SECONDS: &str = "hogflare_sequencer_commit_seconds";
/// Counter, by `journal`: rows that were stored.
pub const APPENDED_TOTAL: &str = "hogflare_sequencer_appended_rows_total";
/// Counter, by `journal` and `reason`: submissions of which nothing was stored.
pub const REJECTED_TOTAL: &str = "hogflare_sequencer_rejected_submissions_total";
/// Gauge, by `journal`: 1 while the thread runs.
pub const RUNNING: &str = "hogflare_sequencer_running";
/// Counter: events that were duplicates of stored rows.
pub const DUPLICATES_TOTAL: &str = "hogflare_dedup_duplicates_total";
/// Counter: rows that say what changed of persons and groups.
pub const PERSON_CHANGES_TOTAL: &str = "hogflare_person_changes_total";
/// Counter, by `kind`, `delete` or `anonymize`: persons that were erased.
pub const ERASURES_TOTAL: &str = "hogflare_erasures_total";
/// Counter, by `reason`: what events asked of persons and did not get.
pub const PERSON_WARNINGS_TOTAL: &str = "hogflare_person_warnings_total";
/// Gauge: how far back duplicates are recognized without a gap.
pub const WINDOW_SECONDS: &str = "hogflare_dedup_window_seconds";
/// Gauge: keys that are remembered.
pub const WINDOW_KEYS: &str = "hogflare_dedup_window_keys";
/// Gauge: memory that remembering takes.
pub const MEMORY_BYTES: &str = "hogflare_dedup_memory_bytes";
/// Counter, by `reason`: keys forgotten before their time.
pub const LOST_KEYS_TOTAL: &str = "hogflare_dedup_lost_keys_total";
/// Counter: key files that could not be used at a start and shortened the window.
pub const UNUSABLE_FILES_TOTAL: &str = "hogflare_dedup_unusable_files_total";
/// Counter: attempts to write or merge key files that failed.
pub const WRITE_FAILURES_TOTAL: &str = "hogflare_dedup_write_failures_total";

/// The label that tells journals apart.
pub(crate) const JOURNAL: &str = "journal";
/// The label that tells erasures apart.
pub(crate) const KIND: &str = "kind";
/// The label that says why.
pub(crate) const REASON: &str = "reason";
