//! What each lane makes of requests.

#![allow(clippy::unwrap_used)]

mod ai;
mod common;
mod events;
mod flags;
mod otlp;
mod otlp_ai;
mod persons;
mod recordings;
mod v1;
mod vectors;
