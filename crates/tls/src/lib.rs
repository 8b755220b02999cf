//! Certificates, and what connections are encrypted with.
//!
//! ```text
//! two PEM files, read again when they change ─▶ Files ─┐
//! an authority that speaks ACME, and a folder ─▶ Acme ─┴─▶ acceptor ─▶ a listener's connections
//! ```
//!
//! A connection is encrypted with the certificate that there is when it begins; those that are open
//! stay as they are when another comes.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod acceptor;
mod acme;
mod authority;
mod client;
mod files;
mod folder;
mod metrics;
mod pair;

pub use acceptor::acceptor;
pub use acme::{Acme, PROTOCOL as ACME_PROTOCOL};
pub use authority::Authority;
pub use client::connect_to_this_machine;
pub use files::{Files, Paths};
pub use pair::{Unusable, Validity};
