//! Names of this crate's metrics.

/// Rows that a sink has yet to keep, by `sink`.
pub(crate) const LAG_ROWS: &str = "hogflare_sink_lag_rows";
/// Bytes of journal that a sink holds, by `sink`.
pub(crate) const LAG_BYTES: &str = "hogflare_sink_lag_bytes";
/// Seconds since a sink last had everything, by `sink`.
pub(crate) const LAG_SECONDS: &str = "hogflare_sink_lag_seconds";
/// Rows that a sink is past, by `sink`; of a stream of some tokens also those that are not its own.
pub(crate) const ROWS_TOTAL: &str = "hogflare_sink_rows_total";
/// Failed writes and flushes, by `sink`.
pub(crate) const FAILURES_TOTAL: &str = "hogflare_sink_failures_total";
/// 1 while a sink waits for an operator, by `sink`.
pub(crate) const PAUSED: &str = "hogflare_sink_paused";
/// 1 while a sink is parked, by `sink`.
pub(crate) const PARKED: &str = "hogflare_sink_parked";
/// Offsets at which neither journal nor lake had a row for a sink that caught up, by `sink`.
pub(crate) const SKIPPED_TOTAL: &str = "hogflare_sink_skipped_offsets_total";
/// Rows that were not sent, or sent as nobody's, since their person is erased, by `kind`.
pub(crate) const ERASED_ROWS_TOTAL: &str = "hogflare_sink_erased_rows_total";
/// Dead letters that went with their person, by `sink`.
pub(crate) const ERASED_DEAD_LETTERS_TOTAL: &str = "hogflare_sink_erased_dead_letters_total";
/// Rows put aside because the other side refused them, by `sink`.
pub(crate) const DEAD_LETTERS_TOTAL: &str = "hogflare_sink_dead_letters_total";
/// Requests to a pipeline, by `sink` and `outcome`.
pub(crate) const PIPELINE_REQUESTS_TOTAL: &str = "hogflare_pipeline_requests_total";
/// Rows sent to a pipeline, by `sink` and `outcome`; those of outcome `success` it has acknowledged.
pub(crate) const PIPELINE_ROWS_TOTAL: &str = "hogflare_pipeline_rows_total";
/// Bytes sent to a pipeline, by `sink` and `outcome`; a stream takes so many a second.
pub(crate) const PIPELINE_BYTES_TOTAL: &str = "hogflare_pipeline_bytes_total";
/// How long a pipeline took to answer, in seconds, by `sink`.
pub(crate) const PIPELINE_REQUEST_SECONDS: &str = "hogflare_pipeline_request_seconds";
/// Requests that a pipeline may have in flight now, by `sink`.
pub(crate) const PIPELINE_CONCURRENCY: &str = "hogflare_pipeline_concurrency";
/// Largest body sent to a pipeline now, in bytes, by `sink`.
pub(crate) const PIPELINE_BATCH_BYTES: &str = "hogflare_pipeline_batch_bytes";
/// Requests sent again although the first may have arrived, by `sink`.
pub(crate) const AMBIGUOUS_RETRIES_TOTAL: &str = "hogflare_sink_ambiguous_retries_total";
/// Answers that committed another number of rows than was sent, by `sink`.
pub(crate) const COUNT_MISMATCHES_TOTAL: &str = "hogflare_sink_count_mismatches_total";
/// Requests forwarded to PostHog, by `outcome`; those of outcome `success` it has taken.
pub(crate) const TEE_REQUESTS_TOTAL: &str = "hogflare_tee_requests_total";
/// How long PostHog took to answer, in seconds.
pub(crate) const TEE_REQUEST_SECONDS: &str = "hogflare_tee_request_seconds";
