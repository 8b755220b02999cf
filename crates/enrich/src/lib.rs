//! What is added to an event before it is stored. Pure: no I/O, no clock.
//!
//! Today that is where the client is, as the edge in front of the service says ([`Geography`]).

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod agent;
mod channel;
mod geography;
mod geoip;
mod ip;
mod json;
mod known;
mod object;
mod privacy;
#[cfg(test)]
mod samples;

pub use agent::Bot;
pub use geography::{Geography, Place};
pub use geoip::{GeoIp, GeoIpError};
pub use ip::IpPolicy;
pub use privacy::{Privacy, Rules, RulesError};
