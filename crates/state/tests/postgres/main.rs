//! What the store promises, in PostgreSQL.

#![allow(clippy::unwrap_used)]

#[path = "../store/access.rs"]
mod access;
#[path = "../store/people.rs"]
mod people;
#[path = "../store/projects.rs"]
mod projects;
mod server;
mod support;
mod together;
