//! Who may send, how much, and what becomes of it: projects, limits, drop rules, privacy.
//!
//! A [`Policy`] never changes; when the configuration file does, a new one takes its place as a
//! whole ([`CurrentPolicy`]), and requests under way finish with the one that they began with.

mod current;
mod drop_rule;
mod file;
mod limits;
mod project;
mod quota;
mod rate;
mod source;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use enrich::IpPolicy;
use event::{Event, Recording, TeamId, Token};

use crate::SdkSettings;

pub use current::CurrentPolicy;
pub use drop_rule::DropRule;
pub use file::{InsightsEntry, PolicyFile, PrivacyEntry, ProjectEntry};
pub use limits::{ClientLimits, Limits};
pub use project::{ConfiguredProjects, Project};
pub use quota::Quotas;
pub(crate) use quota::Whose;
pub use source::PolicySource;

use rate::{ByKey, Gate};

/// Who stands for clients beyond those that are told apart.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What is done with tokens that no project has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownTokens {
    /// They are taken, with project 0.
    #[default]
    Accept,
    /// They are refused, 401.
    Refuse,
}

/// What is configured outside the policy's file.
#[derive(Clone, Debug, Default)]
pub struct Base {
    /// Numbers of projects by their tokens.
    pub projects: ConfiguredProjects,
    /// What is done with other tokens.
    pub unknown_tokens: UnknownTokens,
    /// How much of clients' addresses is stored, unless a table says otherwise.
    pub ip: IpPolicy,
}

/// What people settled while the server runs.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// Projects.
    pub projects: Vec<state::Project>,
    /// Tokens whose events are dropped.
    pub blocked: Vec<String>,
}

/// See the module.
#[derive(Debug)]
pub struct Policy {
    projects: HashMap<Token, Arc<Project>>,
    /// What holds for tokens that no project has.
    unknown: Arc<Project>,
    unknown_tokens: UnknownTokens,
    drop_rules: Vec<DropRule>,
    gates: HashMap<Token, Gate>,
    unknown_gate: ByKey<Token>,
    client_gate: ByKey<IpAddr>,
}

impl Policy {
    /// The policy of a file, on top of what is configured elsewhere.
    ///
    /// # Errors
    /// When the two contradict each other, or a rule would fit everything.
    pub fn new(base: &Base, file: PolicyFile) -> Result<Self, String> {
        Self::with_made(base, file, &Made::default())
    }

    /// Likewise, with what people settled; what is configured comes first.
    ///
    /// # Errors
    /// See [`Policy::new`].
    pub fn with_made(base: &Base, file: PolicyFile, made: &Made) -> Result<Self, String> {
        let everyones = file.clone();
        let PolicyFile { sdk, privacy, limits, insights, clients, .. } = file;
        let (entries, mut drop_rules) = (file.projects, file.drop);
        if let Some(rule) = drop_rules.iter().find(|rule| rule.fits_everything()) {
            return Err(format!("a [[drop]] names token, distinct_id or event: {rule:?}"));
        }
        let enrichment = privacy.policy(base.ip, None)?;
        let insights = insights.project(TeamId::UNCLAIMED, None)?;
        let limits_of_unknown = limits.clone();
        let unknown =
            Project { sdk, enrichment, insights, limits: limits_of_unknown, ..Project::default() };
        let project = |(token, team): (&Token, &TeamId)| {
            let insights = query::insights::Project { team: team.0, ..unknown.insights.clone() };
            (token.clone(), Arc::new(Project { team: *team, insights, ..unknown.clone() }))
        };
        let mut projects: HashMap<_, _> = base.projects.iter().map(project).collect();
        let mut named = HashSet::new();
        for entry in entries {
            let (token, project) = entry.resolve(&base.projects, base.ip)?;
            if !named.insert(token.clone()) {
                return Err(format!("project {token} is there twice"));
            }
            projects.insert(token, Arc::new(project));
        }
        for one in &made.projects {
            let token = Token::new(one.token.as_str());
            if let Entry::Vacant(free) = projects.entry(token) {
                free.insert(Arc::new(everyones.project_of(one, base.ip)?));
            }
        }
        let blocked = made.blocked.iter().map(|token| DropRule::of_token(token));
        drop_rules.extend(blocked);
        let gate = |(token, project): (&Token, &Arc<Project>)| {
            Some((token.clone(), Gate::new(&project.limits)?))
        };
        Ok(Self {
            gates: projects.iter().filter_map(gate).collect(),
            unknown_gate: ByKey::new(Token::new(""), limits.events_per_second, limits.burst),
            client_gate: ByKey::new(NOBODY, clients.events_per_second, clients.burst),
            projects,
            unknown: Arc::new(unknown),
            unknown_tokens: base.unknown_tokens,
            drop_rules,
        })
    }

    /// The project of a token, or what holds for those without one; `None` where such are refused.
    pub fn admit(&self, token: &Token) -> Option<&Arc<Project>> {
        match (self.projects.get(token), self.unknown_tokens) {
            (Some(project), _) => Some(project),
            (None, UnknownTokens::Accept) => Some(&self.unknown),
            (None, UnknownTokens::Refuse) => None,
        }
    }

    /// The project of a token, or what holds for those without one.
    pub fn project(&self, token: &Token) -> &Arc<Project> {
        self.projects.get(token).unwrap_or(&self.unknown)
    }

    /// What insights of a project have in common; of a number that no project has, what everyone's
    /// have.
    pub(crate) fn insights(&self, team: TeamId) -> query::insights::Project {
        let found = self.projects.values().find(|project| project.team == team);
        let found = found.unwrap_or(&self.unknown);
        query::insights::Project { team: team.0, ..found.insights.clone() }
    }

    /// What SDKs are told that show this token, or none.
    pub(crate) fn sdk_settings(&self, token: Option<&Token>) -> &SdkSettings {
        &token.map_or(&self.unknown, |token| self.project(token)).sdk
    }

    /// Whether a client may send so many events now; asked before anything that others share.
    pub(crate) fn client_has_room(&self, client: Option<IpAddr>, events: usize) -> bool {
        client.is_none_or(|ip| self.client_gate.has_room(&network(ip), events))
    }

    /// Whether so many events of a token may come now.
    pub(crate) fn token_has_room(&self, token: &Token, events: usize) -> bool {
        match (self.gates.get(token), self.is_project(token)) {
            (Some(gate), _) => gate.has_room(events),
            (None, true) => true,
            (None, false) => self.unknown_gate.has_room(token, events),
        }
    }

    /// Whether a project has the token.
    pub fn is_project(&self, token: &Token) -> bool {
        self.projects.contains_key(token)
    }

    /// All projects, by their tokens.
    pub(crate) fn projects(&self) -> impl Iterator<Item = (&Token, &Arc<Project>)> {
        self.projects.iter()
    }

    /// The highest number of those that are configured.
    fn highest_configured_team(&self) -> i64 {
        let configured = self.projects.values().filter(|project| !project.is_made);
        configured.map(|project| project.team.0).max().unwrap_or_default()
    }

    /// The tokens of a project, in their order.
    pub fn tokens_of(&self, team: TeamId) -> Vec<Token> {
        let ours = self.projects.iter().filter(|(_, project)| project.team == team);
        let mut tokens: Vec<Token> = ours.map(|(token, _)| token.clone()).collect();
        tokens.sort_unstable();
        tokens
    }

    /// Whose count a token's is.
    pub(crate) fn whose<'a>(&self, token: &'a Token) -> Whose<'a> {
        match self.is_project(token) {
            true => Whose::Project(token),
            false => Whose::Stranger(token),
        }
    }

    /// Whether a rule says that the event is to be dropped.
    pub(crate) fn drops(&self, event: &Event) -> bool {
        let (token, distinct_id) = (event.token.as_str(), event.distinct_id.as_str());
        self.drop_rules.iter().any(|rule| rule.fits(token, distinct_id, &event.event))
    }

    /// Likewise a recording, whose event is `$snapshot`.
    pub(crate) fn drops_recording(&self, recording: &Recording) -> bool {
        let Recording { token, distinct_id, .. } = recording;
        self.drop_rules.iter().any(|rule| rule.fits(token, distinct_id, "$snapshot"))
    }
}

/// Whom a limit concerns: an address, and of IPv6 the /64 that one customer has.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let network = u128::from(ip) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(base: &Base, file: PolicyFile) -> Policy {
        Policy::new(base, file).unwrap()
    }

    fn base(projects: &str) -> Base {
        Base { projects: projects.parse().unwrap(), ..Base::default() }
    }

    #[test]
    fn tokens_without_a_project_are_taken_unless_they_are_not() {
        let known = Token::new("phc_a");
        let unknown = Token::new("phc_b");
        let open = policy(&base("phc_a=7"), PolicyFile::default());
        assert_eq!(open.admit(&known).unwrap().team, TeamId(7));
        assert_eq!(open.admit(&unknown).unwrap().team, TeamId::UNCLAIMED);
        let closed = Base { unknown_tokens: UnknownTokens::Refuse, ..base("phc_a=7") };
        let closed = policy(&closed, PolicyFile::default());
        assert!(closed.admit(&known).is_some() && closed.admit(&unknown).is_none());
    }

    #[test]
    fn insights_know_the_time_zone_of_their_project() {
        let entry = |time_zone: &str| ProjectEntry {
            token: "phc_a".into(),
            team_id: Some(7),
            name: None,
            time_zone: Some(time_zone.into()),
            limits: Limits::default(),
            sdk: SdkSettings::default(),
            privacy: PrivacyEntry::default(),
            insights: InsightsEntry::default(),
        };
        let of = |time_zone: &str| {
            let file = PolicyFile { projects: vec![entry(time_zone)], ..PolicyFile::default() };
            Policy::new(&Base::default(), file)
        };
        let policy = of("Europe/Berlin").unwrap();
        let names = [7, 8].map(|team| {
            let project = policy.insights(TeamId(team));
            (project.team, project.time_zone.iana_name().map(str::to_owned))
        });
        assert_eq!(names, [(7, Some("Europe/Berlin".to_owned())), (8, Some("UTC".to_owned()))]);
        assert!(of("Europe/Atlantis").unwrap_err().contains("Atlantis"));
    }

    #[test]
    fn a_rate_holds_for_each_token_by_itself() {
        let limits = Limits { events_per_second: Some(1), burst: Some(2), ..Limits::default() };
        let policy = policy(&base("phc_a=1"), PolicyFile { limits, ..PolicyFile::default() });
        for token in ["phc_a", "phc_unknown", "phc_other"].map(Token::new) {
            assert!(policy.token_has_room(&token, 2));
            assert!(!policy.token_has_room(&token, 1), "{token}");
        }
    }

    #[test]
    fn a_client_is_an_address_or_a_network() {
        let clients = ClientLimits { events_per_second: Some(1), burst: Some(3) };
        let policy = policy(&Base::default(), PolicyFile { clients, ..PolicyFile::default() });
        let has_room = |ip: &str| policy.client_has_room(Some(ip.parse().unwrap()), 1);
        assert!((0..3).all(|_| has_room("203.0.113.7")) && !has_room("203.0.113.7"));
        assert!(has_room("203.0.113.8"));
        assert!((0..3).all(|host| has_room(&format!("2001:db8::{host}"))));
        assert!(!has_room("2001:db8::ffff"), "one customer, one network");
        assert!(policy.client_has_room(None, 1_000), "the socket in the data folder");
    }

    #[test]
    fn a_batch_beyond_the_burst_passes_a_full_bucket() {
        let limits = Limits { events_per_second: Some(1), burst: Some(5), ..Limits::default() };
        let policy = policy(&base("phc_a=1"), PolicyFile { limits, ..PolicyFile::default() });
        let token = Token::new("phc_a");
        assert!(policy.token_has_room(&token, 500), "or it could never be sent");
        assert!(!policy.token_has_room(&token, 1));
    }
}
