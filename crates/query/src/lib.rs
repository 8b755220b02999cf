//! Questions to the lake: SQL over its files and its tail.
//!
//! [`Engine::query`] plans and runs one read-only statement over one version of the lake, so that
//! an answer is consistent in itself and includes rows that were acknowledged moments ago.
//! Statements that write, change settings or reach for files are refused (see [`Error::Refused`]).

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod archive;
mod as_meant;
mod catalog;
mod compact_views;
mod engine;
mod erased_rows;
mod error;
mod format;
mod functions;
mod guard;
pub mod insights;
mod interval;
mod kept;
mod lake_table;
mod later_columns;
mod latest_rows;
mod latest_table;
mod merged_person;
mod overrides;
mod planned;
mod project_scope;
mod remote_files;
mod source;
mod text_views;
mod threads;
mod views;
mod written;

#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use archive::event_records;
pub use catalog::{CatalogTables, Freshness};
pub use engine::{Engine, Limits};
pub use error::Error;
pub use format::Format;
pub use guard::check_chains;
pub use interval::{Interval, WeekStart};
pub use planned::{Pieces, Planned};
pub use source::Source;
pub use written::Written;
