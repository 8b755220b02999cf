//! The HTTP edge: what SDKs, people and tools talk to.
//!
//! ```text
//! connection ─▶ router ─▶ body (wire cap, byte budget) ─▶ signature ─▶ decode
//!            ─▶ admission (token, rate, quota) ─▶ drop rules ─▶ enrichment ─▶ sequencer ─▶ ack
//! ```
//!
//! A handler is short: it names its lane and leaves the rest to the pieces above. Whatever fails
//! becomes an answer in one place, `answer`, in the shape that SDKs expect.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod ack;
mod admission;
mod answer;
pub mod backup;
mod body;
mod budget;
mod cached;
mod client;
mod client_ip;
mod cors;
pub mod dead_letters;
mod edge_headers;
mod endpoints;
pub mod erasure;
mod https;
mod intake;
mod key;
mod listener;
mod metrics;
mod openapi;
pub mod policy;
mod private;
mod project_token;
mod reading;
mod remote_config;
mod router;
pub mod sdk_settings;
mod state;
mod store;
mod tee;

pub use self::state::{Edge, EdgeState, News, Questions};
pub use access::{Access, PublicUrl};
pub use ack::Ack;
pub use budget::Budget;
pub use client_ip::TrustedProxies;
pub use https::Beside;
pub use key::Key;
pub use listener::{HTTPS_PROTOCOL, Listener, ListenerOptions, Places};
pub use reading::NotRead;
pub use router::{local_router, plain_router, router};
pub use sdk_settings::SdkSettings;
pub use tee::Tee;
