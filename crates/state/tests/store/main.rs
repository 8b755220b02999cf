//! What the store promises, in a file.

#![allow(clippy::unwrap_used)]

mod access;
mod people;
mod projects;
mod support;
