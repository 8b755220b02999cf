//! What is added to an event before it is stored. Pure: no I/O, no clock.
//!
//! An [`Enricher`] is shared by all requests; each has a [`Client`], who enriches its events by
//! the [`Policy`] of their project: where the client is, with which browser, whether it is a bot,
//! by which channel it came; then the identity of cookieless visitors, and what the project does
//! not want stored.
//!
//! What the SDK said stays byte for byte, unless a rule is about it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod agent;
mod channel;
pub mod cookieless;
mod deep;
mod enricher;
mod geography;
mod geoip;
mod identifying;
mod ip;
mod json;
mod known;
mod object;
mod privacy;
#[cfg(test)]
mod samples;

pub use agent::Bot;
pub use enricher::{Client, Enricher, Policy, Settings};
pub use geography::{Geography, Place};
pub use geoip::{GeoIp, GeoIpError};
pub use ip::IpPolicy;
pub use privacy::{Privacy, Rules, RulesError};
