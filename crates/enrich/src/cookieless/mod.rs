//! Visitors told apart without anything stored in their browsers.
//!
//! An SDK in cookieless mode sends every event with the same distinct id and no session. What
//! identifies the visitor for the day is a keyed hash of address, site and user agent. Its key is a
//! random salt of that day, by the visitor's own calendar; days whose salt is deleted can be
//! computed by nobody again, not even by us. Then the address and the agent are removed.
//!
//! Rules and reasons are PostHog's, in the mode that it calls stateless, but for sessions, which
//! end after half an hour without an event. PostHog drops what cannot be resolved; here it goes to
//! quarantine with PostHog's reason, and without what it could have been identified by.
//!
//! Nothing here draws random bytes or reads a clock: the caller renews and keeps the [`Salts`], and
//! an event's receipt says which days are past.

mod identity;
mod resolve;
mod salts;
mod sessions;

pub use identity::{Inputs, identify};
pub use resolve::resolve;
pub use salts::{Salt, Salts, SaltsError};
pub use sessions::Sessions;
