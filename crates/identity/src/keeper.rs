//! Who keeps persons, group by group.

use std::fmt;

use event::{Change, TeamId};

use crate::{Claim, ErasureRequest, Error, Forgotten, NotErased, Settled};

/// Keeps persons, with an overlay for the group that is not stored yet.
///
/// A group is settled, in one call or several, each of which may be a way to a database and back; then
/// it is published once its events are stored, or discarded if they are not. A keeper that has the
/// truth to itself tells nobody what is not published. One that shares it has written it by then, and
/// discards nothing: the same events, sent again, find done what they ask for.
pub trait Keeper: fmt::Debug + Send {
    /// Settles events in their order, on top of those settled since the last group ended.
    ///
    /// # Errors
    /// When persons cannot be read, or what changed cannot be kept for now. The group must then be
    /// discarded.
    fn settle(&mut self, claims: &[Claim]) -> Result<Vec<Settled>, Error>;

    /// Forgets a person, on top of what was settled since the last group ended.
    ///
    /// # Errors
    /// As [`Keeper::settle`]. A refusal is none: the group goes on.
    fn erase(&mut self, request: &ErasureRequest) -> Result<Result<Forgotten, NotErased>, Error>;

    /// How many events are best settled in one call. Few, where a call costs nothing: what they change
    /// need not be held in memory all at once.
    fn claims_at_once(&self) -> usize {
        1
    }

    /// Keeps what the group changed. Its events are stored, and end at this offset.
    fn publish(&mut self, end: u64);

    /// Forgets what the group changed: none of its events is stored.
    fn discard(&mut self);

    /// Takes over a change of the journal, as it was settled once.
    ///
    /// It is published like a group. That may be done after any record, and should be done often:
    /// what is not published is held in memory.
    ///
    /// # Errors
    /// When persons cannot be read.
    fn apply(&mut self, change: &Change) -> Result<(), Error>;

    /// Takes over from a row of the journal that its distinct id was used without a person.
    ///
    /// # Errors
    /// When persons cannot be read.
    fn note_personless(&mut self, team: TeamId, distinct_id: &str) -> Result<(), Error>;

    /// The first row of the journal that would be needed again after a start.
    fn needed_from(&self) -> u64;

    /// Ends in order. Without it, the next start reads more of the journal.
    ///
    /// # Errors
    /// When not everything could be kept; the journal has what is missing.
    fn close(self: Box<Self>) -> Result<(), Error>;
}
