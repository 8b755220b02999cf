//! The tables of the configuration file that are read again whenever it changes.
//!
//! Where a `[[project]]` has tables of its own, whoever reads the file lays them over everyone's.

use enrich::{IpPolicy, Privacy, Rules};
use event::{TeamId, Token};
use query::WeekStart;
use query::insights::Filter;
use serde::Deserialize;

use crate::SdkSettings;

use super::{ClientLimits, ConfiguredProjects, DropRule, Limits, Project};

/// `[sdk]`, `[privacy]`, `[limits]`, `[insights]`, `[clients]`, `[[project]]` and `[[drop]]` of the configuration file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyFile {
    /// What SDKs are told to do, of every project and every token without one.
    pub sdk: SdkSettings,
    /// What is not stored, or not as it is, for each of these.
    pub privacy: PrivacyEntry,
    /// How much may come, likewise.
    pub limits: Limits,
    /// What insights have in common, likewise.
    pub insights: InsightsEntry,
    /// For every client.
    pub clients: ClientLimits,
    /// Projects.
    #[serde(rename = "project")]
    pub projects: Vec<ProjectEntry>,
    /// Events to drop.
    pub drop: Vec<DropRule>,
}

impl PolicyFile {
    /// A project that people made: all but its time zone is as everyone's. A time zone that this
    /// machine does not know is UTC, since others' events must not wait for it.
    pub(super) fn project_of(
        &self,
        made: &state::Project,
        ip: IpPolicy,
    ) -> Result<Project, String> {
        let team = TeamId(made.team_id);
        let insights = self.insights.clone();
        let (insights, time_zone) = match insights.clone().project(team, Some(&made.time_zone)) {
            Ok(insights) => (insights, Some(made.time_zone.clone())),
            Err(_) => (insights.project(team, None)?, None),
        };
        Ok(Project {
            team,
            name: Some(made.name.clone()),
            is_made: true,
            limits: self.limits.clone(),
            sdk: self.sdk.clone(),
            enrichment: self.privacy.clone().policy(ip, time_zone)?,
            insights,
        })
    }
}

/// One `[[project]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectEntry {
    /// Its API key.
    pub token: String,
    /// Its number, from 1 on; may be left out where `HOGFLARE_PROJECTS` says it.
    pub team_id: Option<i64>,
    /// What people call it.
    pub name: Option<String>,
    /// IANA name of its time zone.
    pub time_zone: Option<String>,
    /// Its limits, where they differ from everyone's.
    #[serde(default)]
    pub limits: Limits,
    /// What its SDKs are told to do.
    #[serde(default)]
    pub sdk: SdkSettings,
    /// What is not stored of its events, or not as it is.
    #[serde(default)]
    pub privacy: PrivacyEntry,
    /// What its insights have in common.
    #[serde(default)]
    pub insights: InsightsEntry,
}

/// One table `[insights]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InsightsEntry {
    /// The day on which weeks begin: `sunday` or `monday`.
    pub week_start: WeekStart,
    /// What events of real users fulfil, all of it: filters as in PostHog's insights.
    pub test_account_filters: Vec<Filter>,
}

impl InsightsEntry {
    pub(super) fn project(
        self,
        team: TeamId,
        time_zone: Option<&str>,
    ) -> Result<query::insights::Project, String> {
        let Self { week_start, test_account_filters } = self;
        let project = query::insights::Project::new(team.0);
        let project = match time_zone {
            Some(name) => project.in_time_zone(name)?,
            None => project,
        };
        Ok(query::insights::Project { week_start, test_account_filters, ..project })
    }
}

/// One table `[privacy]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacyEntry {
    /// How much of clients' addresses is stored, where it is not what `HOGFLARE_IP` says.
    pub ip: Option<IpPolicy>,
    /// Properties that alone are kept.
    pub allow: Vec<String>,
    /// Properties to remove.
    pub block: Vec<String>,
    /// Properties to replace by their keyed hash.
    pub hash: Vec<String>,
    /// The key of these hashes.
    pub hash_key: Option<String>,
    /// Whether values in queries of URLs are hidden.
    pub mask_url_query: bool,
    /// Names in queries whose values stay.
    pub keep_url_query: Vec<String>,
}

impl PrivacyEntry {
    pub(super) fn policy(
        self,
        ip: IpPolicy,
        time_zone: Option<String>,
    ) -> Result<enrich::Policy, String> {
        let Self { ip: own_ip, allow, block, hash, hash_key, mask_url_query, keep_url_query } =
            self;
        let rules = Rules { allow, block, hash, hash_key, mask_url_query, keep_url_query };
        let privacy = Privacy::try_from(&rules).map_err(|error| format!("[privacy]: {error}"))?;
        Ok(enrich::Policy { ip: own_ip.unwrap_or(ip), privacy, time_zone })
    }
}

impl ProjectEntry {
    pub(super) fn resolve(
        self,
        configured: &ConfiguredProjects,
        ip: IpPolicy,
    ) -> Result<(Token, Project), String> {
        let token = Token::new(self.token.trim());
        let team = match (self.team_id.map(TeamId), configured.get(&token)) {
            (Some(team), None) => team,
            (None, Some(team)) => team,
            (Some(team), Some(other)) if team == other => team,
            (Some(team), Some(other)) => {
                return Err(format!("project {token} has number {} and {}", team.0, other.0));
            }
            (None, None) => return Err(format!("project {token} has no team_id")),
        };
        if team.0 < 1 {
            return Err(format!("project numbers start at 1, not {}", team.0));
        }
        let Self { name, time_zone, limits, sdk, privacy, insights, .. } = self;
        let insights = insights.project(team, time_zone.as_deref())?;
        let enrichment = privacy.policy(ip, time_zone)?;
        Ok((token, Project { team, name, is_made: false, limits, sdk, enrichment, insights }))
    }
}
