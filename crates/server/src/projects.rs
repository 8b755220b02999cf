//! Which project a token belongs to, and what the project wants its SDKs to do.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use event::{TeamId, Token};

use crate::SdkSettings;

/// Configured projects; a request never makes one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projects {
    teams: HashMap<Token, TeamId>,
    sdk: Arc<SdkSettings>,
}

impl Projects {
    /// The project of a token, or none's.
    pub fn team_of(&self, token: &Token) -> TeamId {
        self.teams.get(token).copied().unwrap_or(TeamId::UNCLAIMED)
    }

    /// Gives `POSTHOG_API_KEY` project 1, unless it has been given another.
    pub fn with_default(mut self, token: Token) -> Self {
        self.teams.entry(token).or_insert(TeamId(1));
        self
    }

    /// Tells the SDKs of every project to do this.
    pub fn with_sdk_settings(mut self, settings: SdkSettings) -> Self {
        self.sdk = Arc::new(settings);
        self
    }

    /// What the SDKs of a token are told to do.
    pub fn sdk_settings(&self, _token: &Token) -> Arc<SdkSettings> {
        self.default_sdk_settings()
    }

    /// What those are told that show no token.
    pub fn default_sdk_settings(&self) -> Arc<SdkSettings> {
        self.sdk.clone()
    }
}

impl FromStr for Projects {
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
        let teams = entries.map(parse).collect::<Result<_, String>>()?;
        Ok(Self { teams, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_project_that_was_configured() {
        let projects: Projects = "phc_a=7, phc_b=2".parse().unwrap();
        let projects = projects.with_default(Token::new("phc_a")).with_default(Token::new("phc_c"));
        let team = |token: &str| projects.team_of(&Token::new(token)).0;
        assert_eq!([team("phc_a"), team("phc_b"), team("phc_c"), team("phc_d")], [7, 2, 1, 0]);
        assert!("phc_a".parse::<Projects>().is_err());
        assert!("phc_a=0".parse::<Projects>().is_err());
    }
}
