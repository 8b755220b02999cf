//! What the sequencer promises, proven on a simulated disk.

#![allow(clippy::unwrap_used)]

extern crate hogflare_sequencer as sequencer;

mod concurrency;
mod erasures;
mod gate;
mod identity_of_events;
mod limits;
mod overlay;
mod persons;
mod power_loss;
mod recordings;
mod restart;
mod support;
