//! What must hold whatever bytes arrive: the bodies of the fuzz targets.
//!
//! A target is a function of bytes that panics when a promise is broken. libFuzzer calls it through
//! `fuzz_targets/`, and `tests/replay.rs` on every machine: with the seeds, with mutations of them,
//! and with whatever was found before.
//!
//! A new target is a file here, a line in [`TARGETS`], a file in `fuzz_targets/` and a `[[bin]]`;
//! [`Sent`] reads the input of whatever takes a request.

mod events;
mod flags;
mod journal_recovery;
mod json;
mod meter;
mod recording;
mod row;
pub mod seeds;
mod sent;
mod signature;
mod wrap;

pub use events::events;
pub use flags::flags;
pub use journal_recovery::journal_recovery;
pub use recording::recording;
pub use row::row;
pub use sent::Sent;
pub use signature::signature;

/// A target's name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 6] = [
    ("events", events),
    ("recording", recording),
    ("flags", flags),
    ("signature", signature),
    ("row", row),
    ("journal_recovery", journal_recovery),
];
