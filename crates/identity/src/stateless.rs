//! Persons without memory: a distinct id is a person, for ever.

use std::sync::Arc;

use event::{Change, PersonId, TeamId};

use crate::{Claim, ErasureRequest, Error, Forgotten, Keeper, NotErased, Settled, Target};

/// Keeps nothing: each distinct id is a person of its own, the same on every node.
///
/// For a node whose disk does not last and that shares no database: what it learned of persons would
/// be forgotten, and contradict what others learned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stateless;

impl Keeper for Stateless {
    fn settle(&mut self, claims: &[Claim]) -> Result<Vec<Settled>, Error> {
        Ok(claims.iter().map(Claim::alone).collect())
    }

    fn erase(&mut self, request: &ErasureRequest) -> Result<Result<Forgotten, NotErased>, Error> {
        Ok(match &request.target {
            Target::Person(_) => Err(NotErased::NoSuchPerson),
            Target::Forgotten(forgotten) => Ok(forgotten.clone()),
            Target::DistinctId(id) => Ok(Forgotten {
                distinct_ids: vec![Arc::clone(id)],
                person_ids: vec![PersonId::in_project(request.team, id)],
                changes: Vec::new(),
            }),
        })
    }

    fn publish(&mut self, _end: u64) {}

    fn discard(&mut self) {}

    fn apply(&mut self, _change: &Change) -> Result<(), Error> {
        Ok(())
    }

    fn note_personless(&mut self, _team: TeamId, _distinct_id: &str) -> Result<(), Error> {
        Ok(())
    }

    fn needed_from(&self) -> u64 {
        u64::MAX
    }

    fn close(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}
