//! Reading by another way than HTTP: the same keys read the same rows.

use std::net::IpAddr;
use std::time::Duration;

use event::TeamId;
use query::Engine;

use crate::EdgeState;
use crate::access::{Denied, Principal, Reader};

/// Why a key reads nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRead {
    /// It is no key, or is over.
    Unknown,
    /// It is not for reading; with why.
    Forbidden(String),
    /// It is not for this project, or there is none of this name.
    NoProject(String),
    /// There were too many wrong keys from there.
    TooMany(Duration),
    /// Nobody can say now.
    Unavailable,
}

impl From<Denied> for NotRead {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unknown => Self::Unknown,
            Denied::TooMany(wait) => Self::TooMany(wait),
            Denied::OtherProject(team) => Self::NoProject(team.to_string()),
            Denied::Lacks(_) | Denied::NeedsSession => Self::Forbidden(denied.message()),
            _ => Self::Unavailable,
        }
    }
}

impl EdgeState {
    /// Whether a key that was just shown from there may read a project, given by number, name or token,
    /// or without one anything; wrong keys are counted.
    ///
    /// # Errors
    /// See [`NotRead`].
    pub async fn try_key(
        &self,
        shown: &str,
        project: Option<&str>,
        from: IpAddr,
    ) -> Result<(), NotRead> {
        let Reader(reader) = self.access.try_key(shown, from).await?;
        self.teams_of(&reader, project).map(drop)
    }

    /// The engine over the rows that a key may read now, of a project or of all.
    ///
    /// # Errors
    /// See [`NotRead`].
    pub async fn engine_for_key(
        &self,
        shown: &str,
        project: Option<&str>,
        from: IpAddr,
    ) -> Result<Engine, NotRead> {
        let Reader(reader) = Reader::of_key(&self.access, shown, from).await?;
        let teams = self.teams_of(&reader, project)?;
        let questions = self.questions.as_ref().ok_or(NotRead::Unavailable)?;
        Ok(questions.over(teams).await)
    }

    fn teams_of(
        &self,
        reader: &Principal,
        project: Option<&str>,
    ) -> Result<Option<Vec<i64>>, NotRead> {
        let team = match project {
            Some(name) => Some(self.project_for(reader, name)?),
            None => None,
        };
        Ok(reader.teams(team)?)
    }

    /// The project of this number, name or token. Of projects that are not the key's nothing is said, not
    /// even whether there are any.
    fn project_for(&self, reader: &Principal, name: &str) -> Result<TeamId, NotRead> {
        let policy = self.policy.get();
        let is_ours = |team: TeamId| reader.needs_project(team).is_ok();
        let mut found: Vec<TeamId> = policy
            .projects()
            .filter(|(token, project)| {
                let is_named = project.name.as_deref() == Some(name);
                is_named || token.as_str() == name || project.team.0.to_string() == name
            })
            .map(|(_, project)| project.team)
            .filter(|team| is_ours(*team))
            .collect();
        found.sort_unstable();
        found.dedup();
        // Rows of tokens that no project has are under a number as well.
        let unclaimed = name == TeamId::UNCLAIMED.0.to_string() && is_ours(TeamId::UNCLAIMED);
        match found.as_slice() {
            [team] => Ok(*team),
            [] if unclaimed => Ok(TeamId::UNCLAIMED),
            _ => Err(NotRead::NoProject(name.to_owned())),
        }
    }
}
