//! Limits that more than one room must agree on.

/// Longest distinct id, in characters; PostHog's capture cuts there.
pub const DISTINCT_ID_CHARS: usize = 200;

/// Longest token, in bytes; PostHog rejects longer ones as `too_long`.
pub const TOKEN_BYTES: usize = 64;

/// Longest event name, in UTF-16 units; PostHog's ingestion cuts there.
pub const EVENT_NAME_UTF16_UNITS: usize = 200;

/// Deepest nesting of JSON, the recursion limit of PostHog's parser.
pub const JSON_DEPTH: usize = 128;

/// Largest journal record, in bytes; the rows of a larger request go to several.
pub const RECORD_BYTES: usize = 8 * 1024 * 1024;

/// Largest row, in bytes, before it is known whose it is: a record must hold it with its person.
pub const ROW_BYTES: usize = 7 * 1024 * 1024;

/// Earliest event time that is kept, 1971-01-01T00:00:00Z: an earlier one is a unit mistaken or a
/// clock never set, and would open a partition of its own.
pub const EARLIEST_EVENT_MICROS: i64 = 31_536_000_000_000;
