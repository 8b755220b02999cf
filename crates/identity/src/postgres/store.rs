//! Settles groups on what PostgreSQL knows.

use std::collections::HashMap;
use std::sync::Arc;

use event::{Change, TeamId};
use tracing::debug;

use super::group::Reading;
use super::known::Known;
use super::server::{Failure, Server};
use super::wanted::Wanted;
use super::{Address, Node, Options, commit};
use crate::cache::Cache;
use crate::{
    Claim, ErasureRequest, Error, Forgotten, GroupTypes, Keeper, Layer, NotErased, Settings,
    Settled, Target,
};

/// How often a group is settled with all others waiting for it: others that wait cannot change
/// anything, so only what is broken fails twice.
const EXCLUSIVE_ATTEMPTS: usize = 2;

/// How many events are settled at once where each gets all properties of its person, which may be
/// hundreds of kilobytes.
const PROPERTIES_AT_ONCE: usize = 64;

const READ: &str = "read";
const WRITE: &str = "write";

/// Keeps persons in PostgreSQL.
///
/// What a group changed is written by [`Keeper::settle`], and is there for all nodes, whatever becomes
/// of the group's events. [`Settled::changes`] are empty: they reach the tables of the lake through
/// the [`Outbox`](super::Outbox).
#[derive(Debug)]
pub struct Store {
    server: Server,
    settings: Settings,
    cache: Cache,
    group_types: HashMap<TeamId, Arc<GroupTypes>>,
}

/// Whether other nodes may write while a group is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Optimistic,
    Exclusive,
}

impl Store {
    /// Connects, makes the tables where there are none, and says that there is a node that will have
    /// rows of what is settled.
    ///
    /// Where PostgreSQL cannot be reached, that is tried again whenever something is to be settled.
    ///
    /// # Errors
    /// When the database is of a newer format, is not one that can have persons, or refuses.
    pub fn open(
        address: Address,
        node: Option<Node>,
        settings: Settings,
        options: Options,
    ) -> Result<Self, Error> {
        let cache = Cache::new(options.cache_bytes);
        let mut server = Server::new(address, node, options)?;
        match server.connect() {
            Ok(_) | Err(Error::Unreachable(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(Self { server, settings, cache, group_types: HashMap::new() })
    }

    fn attempt(&mut self, claims: &[Claim], attempt: Attempt) -> Result<Vec<Settled>, Failure> {
        self.connect()?;
        let wanted = Wanted::of(claims, &self.settings, &self.group_types);
        let cache = &mut self.cache;
        let known = match attempt {
            Attempt::Optimistic => {
                self.server.ask(READ, async |link| Known::read(link, &wanted, cache).await)?
            }
            Attempt::Exclusive => self.server.ask(READ, async |link| {
                commit::begin_alone(link).await?;
                Known::read_within(link, &wanted, cache).await
            })?,
        };
        let mut reading = Reading::new(&self.server, known);
        let mut changed = Layer::default();
        let settle = |claim| crate::settle(claim, &self.settings, &mut changed, &mut reading);
        let settled: Result<Vec<Settled>, Error> = claims.iter().map(settle).collect();
        let Reading { known, is_late, failure, .. } = reading;
        let settled = settled.map_err(|error| failure.unwrap_or(Failure::Final(error)))?;
        match attempt {
            Attempt::Exclusive => {
                self.server.ask(WRITE, async |link| commit::end_alone(link, &changed).await)?;
            }
            Attempt::Optimistic if !changed.is_empty() => {
                let write = async |link| commit::write_checked(link, &known, &changed).await;
                self.server.ask(WRITE, write)?;
            }
            Attempt::Optimistic if is_late => {
                self.server.ask(READ, async |link| commit::check_alone(link, &known).await)?;
            }
            Attempt::Optimistic => {}
        }
        self.remember(&known, &changed);
        Ok(settled)
    }

    fn connect(&mut self) -> Result<(), Failure> {
        if self.server.connect().map_err(Failure::Final)? {
            // Another server may have taken over, which has not all that this one had.
            self.cache = Cache::new(self.server.options.cache_bytes);
        }
        Ok(())
    }

    fn remember(&mut self, known: &Known, changed: &Layer) {
        for (id, found) in &known.ids {
            self.cache.ids.put(id.clone(), *found);
        }
        for (key, person) in &known.persons {
            self.cache.persons.put(*key, person.clone());
        }
        self.cache.absorb(changed);
        for (team, types) in known.group_types.iter().chain(changed.group_types()) {
            self.group_types.insert(*team, Arc::clone(types));
        }
    }

    /// Forgets somebody while all others wait.
    fn attempt_erasure(
        &mut self,
        request: &ErasureRequest,
    ) -> Result<Result<Forgotten, NotErased>, Failure> {
        self.connect()?;
        let id = request.id;
        let carried_out = self.server.ask(WRITE, async |link| {
            commit::begin_alone(link).await?;
            commit::carried_out(link, id).await
        })?;
        if let Some(forgotten) = carried_out {
            // The first attempt was lost after everything was written.
            let nothing = Layer::default();
            self.server.ask(WRITE, async |link| commit::end_alone(link, &nothing).await)?;
            return Ok(Ok(forgotten));
        }
        let mut reading = Reading::new(&self.server, Known::default());
        let mut changed = Layer::default();
        let erased = crate::erase(request.team, &request.target, &mut changed, &mut reading);
        let Reading { known, failure, .. } = reading;
        let erased = erased.map_err(|error| failure.unwrap_or(Failure::Final(error)))?;
        self.server.ask(WRITE, async |link| match &erased {
            Ok(forgotten) => commit::end_erasure(link, &changed, request, forgotten).await,
            Err(_) => commit::end_alone(link, &changed).await,
        })?;
        self.remember(&known, &changed);
        Ok(erased)
    }

    fn settle_group(&mut self, claims: &[Claim]) -> Result<Vec<Settled>, Error> {
        let optimistic = self.server.options.optimistic_attempts;
        self.persist(optimistic, |store, attempt| store.attempt(claims, attempt))
    }

    /// Tries until nobody got ahead, the first times while others may write.
    fn persist<T>(
        &mut self,
        optimistic: usize,
        mut attempt_it: impl FnMut(&mut Self, Attempt) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let mut was_lost = false;
        let mut attempts = 0;
        loop {
            let attempt = match attempts < optimistic {
                true => Attempt::Optimistic,
                false => Attempt::Exclusive,
            };
            match attempt_it(self, attempt) {
                Ok(done) => return Ok(done),
                Err(Failure::Conflict) if attempts < optimistic + EXCLUSIVE_ATTEMPTS => {
                    debug!(attempts, "other nodes changed the same persons, settling again");
                    attempts += 1;
                    if attempt == Attempt::Exclusive {
                        self.server.disconnect();
                    }
                }
                Err(Failure::Lost(cause)) if !was_lost => {
                    debug!(cause, "the connection to PostgreSQL ended, settling again");
                    was_lost = true;
                    self.server.disconnect();
                }
                Err(failure) => {
                    self.server.disconnect();
                    return Err(failure.into_error());
                }
            }
        }
    }
}

impl Keeper for Store {
    fn settle(&mut self, claims: &[Claim]) -> Result<Vec<Settled>, Error> {
        if claims.iter().all(|claim| claim.distinct_ids().next().is_none()) {
            return Ok(claims.iter().map(Claim::alone).collect());
        }
        let mut settled = self.settle_group(claims)?;
        settled.iter_mut().for_each(|settled| settled.changes.clear());
        Ok(settled)
    }

    /// Other nodes learn of it through the [`Inbox`](super::Inbox).
    fn erase(&mut self, request: &ErasureRequest) -> Result<Result<Forgotten, NotErased>, Error> {
        if let Target::Forgotten(forgotten) = &request.target {
            return Ok(Ok(forgotten.clone()));
        }
        let mut erased = self.persist(0, |store, _| store.attempt_erasure(request))?;
        if let Ok(forgotten) = &mut erased {
            forgotten.changes.clear();
        }
        Ok(erased)
    }

    fn claims_at_once(&self) -> usize {
        match self.settings.person_properties_on_events {
            true => PROPERTIES_AT_ONCE,
            false => usize::MAX,
        }
    }

    fn publish(&mut self, _end: u64) {}

    /// Nothing is undone: the same events, sent again, change nothing more.
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
