//! Persons in PostgreSQL: several nodes, one truth.
//!
//! ```text
//! group ─▶ read ─▶ fold ─▶ nothing changed: done, one round trip
//!           ▲        └───▶ changed ─▶ clock + 1, check, write ─▶ done, two
//!           └───────── again ◀─────────────┘ what was read has changed
//! ```
//!
//! The rules are the same as elsewhere; what they read is of one moment. What they change is written
//! only if nothing that they read has changed since, absent rows and lists included. The clock, a row
//! that every writer moves and holds until its end, puts all writers in one order; each row says when
//! it changed, so that the check is about what is newer than the reading. So every group is settled
//! as if it were alone: one that changed something at its time of the clock, any other at the moment
//! that it read.
//!
//! A group that others get ahead of again and again moves the clock before it reads, and has them wait.
//!
//! What a group changed is there before its events are in the journal. Where these then fail, or the
//! node dies, the sender sends them again, and the fold finds done what they ask for.

mod address;
mod availability;
mod commit;
mod group;
mod inbox;
mod known;
mod node;
mod options;
mod outbox;
mod reader;
mod schema;
mod server;
mod statements;
mod store;
mod waiting;
mod wanted;

pub use address::Address;
pub use availability::Availability;
pub use inbox::{Inbox, News};
pub use node::Node;
pub use options::Options;
pub use outbox::{Outbox, Parcel};
pub use reader::Reader;
pub use store::Store;
