//! What must hold whatever bytes arrive: the bodies of the fuzz targets.
//!
//! A target is a function of bytes that panics when a promise is broken. libFuzzer calls it through
//! `fuzz_targets/`, and `tests/replay.rs` on every machine: with the seeds, with mutations of them,
//! and with whatever was found before.
//!
//! A new target is a file here, a line in [`TARGETS`], a file in `fuzz_targets/` and a `[[bin]]`;
//! [`Sent`] reads the input of whatever takes a request.

mod ai;
mod enrich;
mod events;
mod flags;
mod journal_recovery;
mod json;
mod meter;
mod opinion;
mod otlp;
mod recording;
mod row;
pub mod seeds;
mod sent;
mod signature;
mod stored;
mod v1;
mod wrap;

pub use ai::ai;
pub use enrich::enrich;
pub use events::events;
pub use flags::flags;
pub use journal_recovery::journal_recovery;
pub use otlp::{otlp, otlp_ai};
pub use recording::recording;
pub use row::row;
pub use sent::Sent;
pub use signature::signature;
pub use v1::v1;

/// A target's name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 11] = [
    ("events", events),
    ("v1", v1),
    ("ai", ai),
    ("otlp", otlp),
    ("otlp_ai", otlp_ai),
    ("enrich", enrich),
    ("recording", recording),
    ("flags", flags),
    ("signature", signature),
    ("row", row),
    ("journal_recovery", journal_recovery),
];
