//! Identifiers that must not be mistaken for one another.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

/// PostHog's namespace for person ids; with it a person has the same id here and there.
const PERSON_NAMESPACE: Uuid = Uuid::from_u128(0x932979b4_65c3_4424_8467_0b66ec27bc22);

/// A project API key (`phc_…`) as the SDK sent it. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(Arc<str>);

impl Token {
    /// Wraps a token that has already been validated.
    pub fn new(token: impl Into<Arc<str>>) -> Self {
        Self(token.into())
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id by which an application knows a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DistinctId(String);

impl DistinctId {
    /// Wraps a distinct id that has already been normalized.
    pub fn new(distinct_id: impl Into<String>) -> Self {
        Self(distinct_id.into())
    }

    /// The distinct id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the text back.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The number of a project; 0 stands for a token that no project has claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TeamId(pub i64);

impl TeamId {
    /// The team of tokens that no project has claimed.
    pub const UNCLAIMED: Self = Self(0);
}

/// The id of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub Uuid);

impl PersonId {
    /// The id of the person whose first distinct id this is.
    ///
    /// UUIDv5 in PostHog's namespace over `"{team_id}:{distinct_id}"`, or over
    /// `"{token}:{distinct_id}"` for a token that no project has claimed, so that every node and
    /// every rebuild arrives at the same id.
    pub fn of_first_distinct_id(team: TeamId, token: &Token, distinct_id: &DistinctId) -> Self {
        match team {
            TeamId::UNCLAIMED => Self::named(&format!("{token}:{}", distinct_id.as_str())),
            team => Self::in_project(team, distinct_id.as_str()),
        }
    }

    /// The same, for a project's distinct id, of which no token need be known.
    pub fn in_project(team: TeamId, distinct_id: &str) -> Self {
        Self::named(&format!("{}:{distinct_id}", team.0))
    }

    fn named(name: &str) -> Self {
        Self(Uuid::new_v5(&PERSON_NAMESPACE, name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn person_id_is_posthogs_uuid_v5() {
        let person = PersonId::of_first_distinct_id(
            TeamId(2),
            &Token::new("phc_any"),
            &DistinctId::new("user-1"),
        );
        let expected = Uuid::new_v5(&PERSON_NAMESPACE, b"2:user-1");
        assert_eq!(person.0, expected);
        assert_eq!(person.0.get_version_num(), 5);
    }

    #[test]
    fn strangers_tokens_never_share_a_person() {
        let id = DistinctId::new("user-1");
        let of = |token| PersonId::of_first_distinct_id(TeamId::UNCLAIMED, &Token::new(token), &id);
        assert_ne!(of("phc_a"), of("phc_b"));
    }
}
