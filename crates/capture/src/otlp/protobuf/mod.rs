//! Protobuf, written as OTLP's JSON straight from the wire.
//!
//! JSON by protobuf's own rules, but for what OTLP has its own way: trace and span ids are
//! hexadecimal, and enums are numbers. Fields unknown to [`schema`] are passed over, as every reader
//! of protobuf does.

mod schema;
mod transcode;
mod wire;

pub(super) use schema::{entry, resource_spans};
pub(super) use transcode::Transcoder;
pub(super) use wire::{Fields, Wire};
