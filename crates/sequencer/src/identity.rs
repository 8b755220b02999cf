//! Whose row it is.
//!
//! Today a person is a pure function of the project and the distinct id, so callers compute it in
//! their own task, before the queue. Merging persons makes it depend on the order of events: the
//! step then stands in the sequencer's thread, between deduplication and append, on the overlay of
//! the group, and only rows whose person it changes are encoded again.

use event::{Event, PersonId, TeamId};

/// The person of an event, by its first distinct id.
pub(crate) fn person_of(event: &Event, team: TeamId) -> PersonId {
    PersonId::of_first_distinct_id(team, &event.token, &event.distinct_id)
}
