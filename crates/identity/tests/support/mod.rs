//! What the tests share: events, a plain model of the rules, and random histories.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used)]

pub(crate) mod history;
pub(crate) mod model;
pub(crate) mod postgres;
pub(crate) mod round_trips;
pub(crate) mod state;

use event::{DistinctId, ErasureKind, Event, Table, TeamId, Timestamp, Token, UuidOrigin};
use hogflare_identity::{
    Base, ErasureRequest, Error, Forgotten, Group, GroupKey, GroupTypes, Id, IdKey, Layer,
    NotErased, Override, Person, PersonKey, Target,
};
use std::sync::Arc;
use uuid::Uuid;

/// The project that most tests are about.
pub(crate) const TEAM: TeamId = TeamId(2);

/// The time of the first event: not on the hour.
pub(crate) const START: i64 = 1_751_367_540_000_000;

/// An event with these properties, so many seconds after the first.
pub(crate) fn event(name: &str, distinct_id: &str, seconds: i64, properties: &str) -> Event {
    let timestamp = Timestamp::from_micros(START + seconds * 1_000_000);
    let value: serde_json::Value = serde_json::from_str(properties).unwrap();
    let object =
        |name: &str| value.get(name).filter(|set| set.is_object()).map(ToString::to_string);
    Event {
        uuid: Uuid::from_u128(seconds.cast_unsigned().into()),
        uuid_origin: UuidOrigin::Client,
        token: Token::new("phc_test"),
        event: name.to_owned(),
        distinct_id: DistinctId::new(distinct_id),
        timestamp,
        created_at: timestamp,
        sent_at: None,
        properties: properties.to_owned(),
        set: object("$set"),
        set_once: object("$set_once"),
        group_set: object("$group_set"),
        elements_chain: String::new(),
        session_id: None,
        window_id: None,
        process_person_profile: value.get("$process_person_profile") != Some(&false.into()),
        cookieless: false,
        has_place: false,
        keeps_persons: false,
        context: None,
        extra: None,
        table: Table::Events,
        reason: None,
    }
}

/// Nothing was known before.
pub(crate) struct Nothing;

impl Base for Nothing {
    fn id(&mut self, _: &IdKey) -> Result<Option<Id>, Error> {
        Ok(None)
    }

    fn person(&mut self, _: PersonKey) -> Result<Option<Arc<Person>>, Error> {
        Ok(None)
    }

    fn ids_of(&mut self, _: PersonKey, _: usize) -> Result<Vec<Arc<str>>, Error> {
        Ok(Vec::new())
    }

    fn override_of(&mut self, _: PersonKey) -> Result<Option<Override>, Error> {
        Ok(None)
    }

    fn former_of(&mut self, _: PersonKey) -> Result<Vec<event::PersonId>, Error> {
        Ok(Vec::new())
    }

    fn group(&mut self, _: &GroupKey) -> Result<Option<Arc<Group>>, Error> {
        Ok(None)
    }

    fn group_types(&mut self, _: TeamId) -> Result<Arc<GroupTypes>, Error> {
        Ok(Arc::default())
    }
}

/// In a history, an event of this name stands for an erasure.
pub(crate) const ERASE: &str = "erase";

/// Whom an event of that name erases.
pub(crate) fn target(event: &Event) -> Target {
    Target::DistinctId(event.distinct_id.as_str().into())
}

/// What became of a step of a history.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    Settled(hogflare_identity::Settled),
    Erased(Forgotten),
}

impl Step {
    pub(crate) fn changes(&self) -> &[event::Change] {
        match self {
            Self::Settled(settled) => &settled.changes,
            Self::Erased(forgotten) => &forgotten.changes,
        }
    }
}

/// Persons in memory alone, all in one group.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) settings: hogflare_identity::Settings,
    pub(crate) layer: Layer,
}

/// What asks for somebody to be forgotten.
pub(crate) fn erasure(team: TeamId, target: &Target) -> ErasureRequest {
    ErasureRequest {
        id: Uuid::now_v7(),
        team,
        target: target.clone(),
        kind: ErasureKind::Delete,
        requested_at: Timestamp::from_micros(5),
    }
}

impl Memory {
    pub(crate) fn settle(&mut self, event: &Event, team: TeamId) -> hogflare_identity::Settled {
        let claim = hogflare_identity::Claim::new(event, team);
        hogflare_identity::settle(&claim, &self.settings, &mut self.layer, &mut Nothing).unwrap()
    }

    /// Settles events of the project that most tests are about.
    pub(crate) fn settle_all(&mut self, events: &[Event]) -> Vec<hogflare_identity::Settled> {
        events.iter().map(|event| self.settle(event, TEAM)).collect()
    }

    /// Settles an event, or forgets whose distinct id it names.
    pub(crate) fn step(&mut self, event: &Event, team: TeamId) -> Step {
        match event.event == ERASE {
            true => Step::Erased(self.erase(&target(event), team).unwrap()),
            false => Step::Settled(self.settle(event, team)),
        }
    }

    pub(crate) fn erase(&mut self, target: &Target, team: TeamId) -> Result<Forgotten, NotErased> {
        hogflare_identity::erase(team, target, &mut self.layer, &mut Nothing).unwrap()
    }

    pub(crate) fn person_of(&self, distinct_id: &str) -> Option<Arc<Person>> {
        let id = self.layer.ids().get(&IdKey::new(TEAM, distinct_id))?;
        self.layer.persons().get(&(TEAM, id.person?)).map(Arc::clone)
    }
}
