//! What people configure: users and their sessions, keys, projects, what they saved, and who did what.
//!
//! It is kept in a file of its own, `settings.db`: `state.db` can be made again from the lake and the
//! journal, and this cannot.
//!
//! Whatever opens something (a password, a session, a key, a link) is kept as a hash alone. Whatever
//! changes something notes who did it in the audit log, in the same transaction.
//!
//! All statements are written once, for any SQL database behind `database`; they wait for a disk, so
//! they are not for async threads.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod attempts;
mod audit;
mod by;
mod database;
mod email;
mod error;
mod keys;
mod links;
mod migrations;
mod password;
mod projects;
mod role;
mod saved;
mod secret;
mod sessions;
mod store;
mod text;
mod tokens;
mod users;

pub use attempts::{Attempts, TooMany};
pub use audit::{Entry, Page};
pub use by::By;
pub use database::{Connect, Connecting};
pub use email::Email;
pub use error::{Error, Refusal};
pub use keys::{ApiKey, KeyKind, KnownKey, NewKey};
pub use links::Link;
pub use migrations::NEWEST_FORMAT;
pub use password::{LONGEST_PASSWORD, Password, SHORTEST_PASSWORD};
pub use projects::{NewProject, Project};
pub use role::{Permission, Role};
pub use saved::{Saved, SavedKind, Wanted};
pub use secret::Secret;
pub use sessions::{Session, SessionTerms};
pub use store::Store;
pub use tokens::BlockedToken;
pub use users::User;
