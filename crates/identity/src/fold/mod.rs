//! One event after the other: whose is it, and what does it change?
//!
//! The rules are PostHog's. They read what was known before the group through [`Base`], write into
//! the group's overlay, and know nothing of how either is kept. There is no clock in them, and no
//! order that is not the journal's, so that the same events always make the same persons.

mod erase;
mod groups;
mod merge;
mod update;
mod view;

use std::sync::Arc;

use event::PersonMode;

pub use self::erase::{ErasureRequest, Forgotten, Target, erase};
use self::merge::Merged;
use self::view::View;
use crate::claim::{Claim, Full, Part};
use crate::{Base, Error, Id, IdKey, Layer, Person, Settings, Settled, Warning};

/// How much later than its person an event that asks for none must be to have it all the same. Less
/// is an event that was on its way when the person came to be.
const UPGRADE_MICROS: i64 = 60_000_000;

/// Settles an event; the overlay then holds what it changed.
///
/// # Errors
/// When what was known before cannot be read. The overlay may then hold a part of what the event
/// changes, so the group must be discarded.
pub fn settle<B: Base>(
    claim: &Claim,
    settings: &Settings,
    overlay: &mut Layer,
    base: &mut B,
) -> Result<Settled, Error> {
    let view = View { overlay, base, changes: Vec::new() };
    Fold { settings, view, warnings: Vec::new() }.settle(claim)
}

/// The settling of one event.
struct Fold<'a, B> {
    settings: &'a Settings,
    view: View<'a, B>,
    warnings: Vec<Warning>,
}

/// Whom an event is about, and what is still to be done.
enum Subject {
    /// As it is stored: the event may change it.
    Stored(Arc<Person>),
    /// Changed already, to be stored in any case; the event may change it further.
    Draft(Person),
    /// Made of the event.
    Created(Person),
}

impl Subject {
    fn person(&self) -> &Person {
        match self {
            Self::Stored(person) => person,
            Self::Draft(person) | Self::Created(person) => person,
        }
    }
}

impl<B: Base> Fold<'_, B> {
    fn settle(mut self, claim: &Claim) -> Result<Settled, Error> {
        match &claim.part {
            Part::Stranger(mode) => Ok(self.without_person(claim, *mode)),
            Part::Bystander(mode) => self.bystander(claim, *mode),
            Part::Personless => self.personless(claim),
            Part::Full(full) if self.is_declined(claim, full)? => self.personless(claim),
            Part::Full(full) => {
                let person = self.full(claim, full)?;
                let groups = self.groups(claim.id.team, full, claim.timestamp)?;
                let all = self.settings.person_properties_on_events;
                // An event has what it sets, even where that was not worth writing.
                let properties = all.then(|| person.properties.overlaid(&full.set));
                Ok(Settled {
                    person_properties: properties.map(|all| all.as_str().to_owned()),
                    groups,
                    ..self.settled(&person, PersonMode::Full)
                })
            }
        }
    }

    /// A flag call makes no person where there is none.
    fn is_declined(&mut self, claim: &Claim, full: &Full) -> Result<bool, Error> {
        let may_decline = full.is_flag_call && !self.settings.persons_of_flag_calls;
        Ok(may_decline && self.view.person_of(&claim.id)?.is_none())
    }

    fn bystander(mut self, claim: &Claim, mode: PersonMode) -> Result<Settled, Error> {
        Ok(match self.view.person_of(&claim.id)? {
            Some(person) => self.settled(&person, mode),
            None => self.without_person(claim, mode),
        })
    }

    fn personless(mut self, claim: &Claim) -> Result<Settled, Error> {
        let Some(person) = self.view.person_of(&claim.id)? else {
            if self.view.id(&claim.id)?.is_none() {
                self.view.overlay.put_id(claim.id.clone(), Id::PERSONLESS);
            }
            return Ok(self.without_person(claim, PersonMode::Propertyless));
        };
        let later = claim.timestamp.micros_since(person.created_at);
        if later <= UPGRADE_MICROS {
            return Ok(self.settled_blank(&person, PersonMode::Propertyless));
        }
        // It sets nothing: what it would set is not kept of an event that asks for no person.
        let full = Full::default();
        let person = self.update(claim, &full, Subject::Stored(person), false);
        Ok(self.settled_blank(&person, PersonMode::ForceUpgrade))
    }

    fn full(&mut self, claim: &Claim, full: &Full) -> Result<Arc<Person>, Error> {
        let merged = match &full.merge {
            Some(merge) => self.merge(claim, full, merge)?,
            None => Merged { subject: None, identifies: false },
        };
        let subject = match merged.subject {
            Some(subject) => subject,
            None => match self.view.person_of(&claim.id)? {
                Some(person) => Subject::Stored(person),
                None => self.create(claim, full, &claim.id, false)?,
            },
        };
        Ok(self.update(claim, full, subject, merged.identifies))
    }

    /// Makes a person of a distinct id that has none.
    fn create(
        &mut self,
        claim: &Claim,
        full: &Full,
        first: &IdKey,
        is_identified: bool,
    ) -> Result<Subject, Error> {
        let team = first.team;
        let id = first.own_person();
        let remains = self.view.remains((team, id))?;
        let is_known = self.view.id(first)?.is_some();
        self.view.put_id(first, id)?;
        if let Some(person) = remains.as_ref().filter(|person| !person.is_deleted) {
            // Its first distinct id was taken from it, and comes back.
            return Ok(Subject::Stored(Arc::clone(person)));
        }
        // Of an id that was never seen no rows can have been given to anybody.
        let to = if is_known { self.view.override_of((team, id))? } else { None };
        if to.is_some_and(|to| to.person != id) {
            self.view.put_override((team, id), id)?;
        }
        let (properties, warning) = update::created(full, claim.uuid);
        self.warnings.extend(warning);
        Ok(Subject::Created(Person {
            id,
            version: remains.map_or(0, |person| person.version + 1),
            created_at: claim.timestamp,
            is_identified,
            last_seen_at: (!full.keeps_last_seen).then(|| update::hour(claim.timestamp)),
            properties,
            is_deleted: false,
        }))
    }

    /// Stores what an event makes of its person.
    fn update(
        &mut self,
        claim: &Claim,
        full: &Full,
        subject: Subject,
        identifies: bool,
    ) -> Arc<Person> {
        let team = claim.id.team;
        let updated = match &subject {
            Subject::Created(_) => None,
            Subject::Stored(person) => {
                let (updated, warning) = update::update(person, full, claim.timestamp, identifies);
                self.warnings.extend(warning);
                updated.map(|updated| Person { version: person.version + 1, ..updated })
            }
            Subject::Draft(person) => {
                let (updated, warning) = update::update(person, full, claim.timestamp, identifies);
                self.warnings.extend(warning);
                updated
            }
        };
        match (updated, subject) {
            (None, Subject::Stored(person)) => person,
            (Some(person), _) | (None, Subject::Draft(person) | Subject::Created(person)) => {
                self.view.put_person(team, person)
            }
        }
    }

    fn settled(self, person: &Person, mode: PersonMode) -> Settled {
        Settled {
            person_id: person.id,
            mode,
            person_created_at: Some(person.created_at),
            person_properties: None,
            groups: Vec::new(),
            changes: self.view.changes,
            warnings: self.warnings,
        }
    }

    /// A person whose properties are not the event's.
    fn settled_blank(self, person: &Person, mode: PersonMode) -> Settled {
        let person_properties = self.settings.person_properties_on_events.then(|| "{}".to_owned());
        Settled { person_properties, ..self.settled(person, mode) }
    }

    fn without_person(self, claim: &Claim, mode: PersonMode) -> Settled {
        let (changes, warnings) = (self.view.changes, self.warnings);
        Settled { changes, warnings, ..Settled::alone(claim.own, mode) }
    }
}
