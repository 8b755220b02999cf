//! A project: what its token stands for.

use std::collections::HashMap;
use std::str::FromStr;

use event::{TeamId, Token};

use super::Limits;
use crate::SdkSettings;

/// What holds for the events of one token.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its number.
    pub team: TeamId,
    /// What people call it.
    pub name: Option<String>,
    /// Whether people made it, and may change it.
    pub is_made: bool,
    /// How much may come.
    pub limits: Limits,
    /// What its SDKs are told to do.
    pub sdk: SdkSettings,
    /// Its time zone, and what it does not want stored.
    pub enrichment: enrich::Policy,
    /// Likewise for its insights.
    pub insights: query::insights::Project,
}

impl Default for Project {
    /// What holds for a token that no project has.
    fn default() -> Self {
        Self {
            team: TeamId::UNCLAIMED,
            name: None,
            is_made: false,
            limits: Limits::default(),
            sdk: SdkSettings::default(),
            enrichment: enrich::Policy::default(),
            insights: query::insights::Project::new(TeamId::UNCLAIMED.0),
        }
    }
}

/// `HOGFLARE_PROJECTS` and `POSTHOG_API_KEY`: numbers of projects by their tokens. A request never
/// makes one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfiguredProjects(HashMap<Token, TeamId>);

impl ConfiguredProjects {
    /// Gives `POSTHOG_API_KEY` project 1, unless it has been given another.
    pub fn with_default(mut self, token: Token) -> Self {
        self.0.entry(token).or_insert(TeamId(1));
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, token: &Token) -> Option<TeamId> {
        self.0.get(token).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Token, &TeamId)> {
        self.0.iter()
    }
}

impl FromStr for ConfiguredProjects {
    type Err = String;

    /// Parses `phc_a=1,phc_b=2`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let parse = |entry: &str| {
            let (token, team) = entry.split_once('=').ok_or("token=number")?;
            let team: i64 = team.trim().parse().map_err(|_| format!("{team} is not a number"))?;
            match team > 0 {
                true => Ok((Token::new(token.trim()), TeamId(team))),
                false => Err(format!("project numbers start at 1, not {team}")),
            }
        };
        entries.map(parse).collect::<Result<_, String>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_project_that_was_configured() {
        let projects: ConfiguredProjects = "phc_a=7, phc_b=2".parse().unwrap();
        let projects = projects.with_default(Token::new("phc_a")).with_default(Token::new("phc_c"));
        let team = |token: &str| projects.get(&Token::new(token)).map(|team| team.0);
        assert_eq!(
            ["phc_a", "phc_b", "phc_c", "phc_d"].map(team),
            [Some(7), Some(2), Some(1), None]
        );
        assert!("phc_a".parse::<ConfiguredProjects>().is_err());
        assert!("phc_a=0".parse::<ConfiguredProjects>().is_err());
    }
}
