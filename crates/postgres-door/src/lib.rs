//! The lake over the PostgreSQL wire: psql, drivers and BI tools ask it as they would a database.
//!
//! ```text
//! connection ─▶ TLS ─▶ login (a key as password, the project as database) ─▶ statement ─▶ engine ─▶ rows
//! ```
//!
//! A statement is answered in one of three ways: what clients send to set up their session is answered
//! here and changes nothing but what `SHOW` says; what reads goes to the engine, planned anew over the
//! newest version of the lake each time it runs; everything else is refused. Who may come in, and which
//! rows there are for them, says a [`Keeper`], which is asked for every statement.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod asking;
mod catalog;
mod connection;
mod error;
mod extended;
mod keeper;
mod listener;
mod names;
mod parameters;
mod rows;
mod session;
mod settings;
mod simple;
mod socket;
mod startup;
mod statement;

pub use keeper::{Keeper, Refusal, Shown};
pub use listener::{Door, Options};
pub use pgwire::tokio::TlsAcceptor;

/// What a client that speaks TLS at once must say that it wants.
pub const PROTOCOL: &[u8] = b"postgresql";
