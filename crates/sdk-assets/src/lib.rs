//! The scripts of posthog-js, embedded: what a browser loads before it can send an event.
//!
//! Pages get them from the host that they send to, so that nothing is asked of anyone else, and the
//! script always speaks the protocol that this version of Hogflare was tested with. `build.rs` takes
//! them from npm.
//!
//! Only the gzip form is kept: 1.2 MB instead of 3.9 MB. A client that takes no gzip gets it inflated.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod asset;
#[cfg(test)]
mod tests;

pub use asset::Asset;

mod table {
    //! What `build.rs` wrote.

    use crate::Asset;

    include!(concat!(env!("OUT_DIR"), "/assets.rs"));
}

/// The version of posthog-js, empty where none is embedded.
pub fn version() -> &'static str {
    table::VERSION
}

/// The script of a kind, such as `array` or `lazy-recorder`.
pub fn get(kind: &str) -> Option<&'static Asset> {
    table::SCRIPTS.iter().find(|(name, _)| *name == kind).map(|(_, asset)| asset)
}

/// The kinds that there are.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    table::SCRIPTS.iter().map(|(kind, _)| *kind)
}

/// The licences of posthog-js and of what is compiled into its scripts.
pub fn license() -> Option<&'static Asset> {
    table::LICENSE.as_ref()
}
