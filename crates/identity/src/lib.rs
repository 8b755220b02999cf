//! Persons and groups: who an event belongs to, and what is known of them.
//!
//! ```text
//! task of a request                 the sequencer's thread                    a store
//! event ─▶ Claim ─────────────────▶ Keeper::settle ─▶ Settled + Change ─▶ journal
//!                                      │   ▲                                     │
//!                                   overlay└ Base: what was known before ◀── publish
//! ```
//!
//! An event's [`Claim`] is what it says of whom it is about. The fold ([`settle`]) settles claims in the
//! order of the journal, by PostHog's rules, on an overlay of the group; what it changes is stored
//! in the record of the event that changed it. So nothing needs to be folded twice: on a start,
//! changes are taken over as they are ([`fn@apply`]).
//!
//! Changes of one event are complete and atomic with it. They are not gathered over a group, since
//! after a crash the first records of a group may be there and the last may not.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod apply;
mod base;
mod cache;
mod claim;
mod error;
mod fold;
mod illegal;
mod json;
mod keeper;
mod known;
mod layer;
mod lookup;
mod members;
mod noisy;
mod object;
pub mod postgres;
mod settings;
mod settled;
mod sqlite;
mod stateless;

pub use apply::{apply, note_personless};
pub use base::Base;
pub use claim::Claim;
pub use error::{Error, NotErased};
pub use fold::{ErasureRequest, Forgotten, Target, erase, settle};
pub use keeper::Keeper;
pub use known::{GROUP_TYPES, Group, GroupKey, GroupTypes, Id, IdKey, Override, Person, PersonKey};
pub use layer::Layer;
pub use lookup::{Found, Lookup, Page, Search};
pub use object::Object;
pub use settings::{
    ERASED_DISTINCT_ID_BYTES, ERASED_DISTINCT_IDS, MERGED_DISTINCT_ID_BYTES, MERGED_DISTINCT_IDS,
    PERSON_PROPERTIES_BYTES, Settings,
};
pub use settled::{Settled, Warning};
pub use sqlite::{Cursor, NEWEST_FORMAT, Reader, Store, StoreOptions};
pub use stateless::Stateless;
