//! What the fold makes of an event.

use event::{Belonging, Change, PersonId, PersonMode, Timestamp};

/// Whose an event is, and what it changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The person.
    pub person_id: PersonId,
    /// How the person was treated. Only of a [`PersonMode::Full`] event does the row keep `$set`
    /// and `$set_once`.
    pub mode: PersonMode,
    /// When the person came to be; `None` where there is none.
    pub person_created_at: Option<Timestamp>,
    /// JSON object of the person's properties after the event, where they are asked for.
    pub person_properties: Option<String>,
    /// Keys of the event's groups by the index of their type, up to the last one there.
    pub groups: Vec<String>,
    /// What changed, to be stored in the same record as the event.
    pub changes: Vec<Change>,
    /// What the event asked for and did not get.
    pub warnings: Vec<Warning>,
}

impl Settled {
    /// Somebody of whom nothing is known.
    pub(crate) const fn alone(person_id: PersonId, mode: PersonMode) -> Self {
        Self {
            person_id,
            mode,
            person_created_at: None,
            person_properties: None,
            groups: Vec::new(),
            changes: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// What the event's row has of it.
    pub fn belonging(&mut self) -> Belonging {
        let mut belonging = Belonging::to(self.person_id, self.mode, self.person_created_at);
        belonging.person_properties = self.person_properties.take();
        belonging.groups = std::mem::take(&mut self.groups);
        belonging
    }
}

/// What an event asked for and did not get; PostHog's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A distinct id that careless code sends for everyone merges nobody.
    IllegalDistinctId,
    /// Whoever is identified is not merged into another without danger.
    AlreadyIdentified,
    /// The person has more distinct ids than one merge moves, or longer ones.
    TooManyDistinctIds,
    /// The person's properties would become too large.
    PropertiesTooLarge,
    /// The group's properties would become too large; PostHog has no name for it.
    GroupPropertiesTooLarge,
}

impl Warning {
    /// The value of the label `reason` in metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::IllegalDistinctId => "cannot_merge_with_illegal_distinct_id",
            Self::AlreadyIdentified => "cannot_merge_already_identified",
            Self::TooManyDistinctIds => "person_merge_move_limit_hit",
            Self::PropertiesTooLarge => "person_properties_size_violation",
            Self::GroupPropertiesTooLarge => "group_properties_size_violation",
        }
    }
}
