//! The sink `posthog`, the tee: every request that was accepted goes on to a PostHog as it came.
//!
//! It has a journal of its own, whose rows are requests and not events: [`RawRequest`]. What arrives
//! there has the method, path, query and body of what came, byte for byte, and the headers that
//! capture reads.
//!
//! At least once: after an answer that did not come a request is sent again. PostHog merges events of
//! one uuid.

mod config;
mod forwarded;
mod probe;
mod request;
mod resend;
mod sink;
mod stored;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use forwarded::{FORWARDED_HEADER, forwarded_headers};
pub use probe::probe;
pub use resend::resend;
pub use sink::{NAME, PosthogSink};
pub use stored::{RawHeader, RawRequest};
