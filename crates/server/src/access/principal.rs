//! Who asks.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use event::TeamId;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method};
use state::{By, KnownKey, Permission, Secret, User};
use subtle::ConstantTimeEq;

use super::{Access, Denied, by, comes_from_here, session_of};
use crate::EdgeState;
use crate::client::Client;

/// The header with a session's CSRF token.
const CSRF: &str = "x-hogflare-csrf";

/// Who asks for something that changes something.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    who: Who,
    client: Client,
}

/// Who asks, and may read.
#[derive(Clone, Debug)]
pub(crate) struct Reader(pub(crate) Principal);

#[derive(Clone, Debug)]
enum Who {
    /// Whoever holds the read key.
    ReadKey,
    /// Whoever holds the administrator's.
    AdminKey,
    /// Whoever holds a key that somebody made.
    Key(Box<KnownKey>),
    /// Somebody who is logged in.
    User { user: User, session: Secret },
}

impl Principal {
    /// Whether a permission comes with what was shown.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        match &self.who {
            Who::ReadKey => permission == Permission::Read,
            Who::AdminKey => permission == Permission::Erase,
            Who::Key(known) => known.may(permission),
            Who::User { user, .. } => user.role.may(permission),
        }
    }

    /// Likewise, as an error.
    pub(crate) fn needs(&self, permission: Permission) -> Result<(), Denied> {
        match self.may(permission) {
            true => Ok(()),
            false => Err(Denied::Lacks(permission)),
        }
    }

    /// Whether it may bring events of the past: whoever looks after projects, and the administrator.
    pub(crate) fn needs_import(&self) -> Result<(), Denied> {
        match &self.who {
            Who::AdminKey => Ok(()),
            _ => self.needs(Permission::Projects),
        }
    }

    /// The projects that it is limited to, where it is.
    pub(crate) fn projects(&self) -> Option<&[i64]> {
        match &self.who {
            Who::Key(known) => Some(&known.key.projects[..]).filter(|some| !some.is_empty()),
            _ => None,
        }
    }

    /// Whether it may ask for a project.
    pub(crate) fn needs_project(&self, team: TeamId) -> Result<(), Denied> {
        match self.projects().is_none_or(|projects| projects.contains(&team.0)) {
            true => Ok(()),
            false => Err(Denied::OtherProject(team.0)),
        }
    }

    /// Whose rows it gets that asks for this project, or for none in particular; `None` is everyone's.
    pub(crate) fn teams(&self, project: Option<TeamId>) -> Result<Option<Vec<i64>>, Denied> {
        match project {
            Some(team) => {
                self.needs_project(team)?;
                Ok(Some(vec![team.0]))
            }
            None => Ok(self.projects().map(<[i64]>::to_vec)),
        }
    }

    /// Whether it may ask for what is of no project.
    pub(crate) fn needs_all_projects(&self) -> Result<(), Denied> {
        match self.projects().and_then(|projects| projects.first()) {
            Some(_) => Err(Denied::OtherProjects),
            None => Ok(()),
        }
    }

    /// The user that asks, or whose key does.
    pub(crate) fn user(&self) -> Option<&User> {
        match &self.who {
            Who::User { user, .. } => Some(user),
            Who::Key(known) => known.user.as_ref(),
            Who::ReadKey | Who::AdminKey => None,
        }
    }

    /// Somebody who is logged in, and the session.
    pub(crate) fn session(&self) -> Result<(&User, &Secret), Denied> {
        match &self.who {
            Who::User { user, session } => Ok((user, session)),
            _ => Err(Denied::NeedsSession),
        }
    }

    /// The other end.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// For the audit log.
    pub(crate) fn by(&self) -> By {
        let who = match &self.who {
            Who::ReadKey => "the read key".to_owned(),
            Who::AdminKey => "the administrator's key".to_owned(),
            Who::User { user, .. } => user.email.to_string(),
            Who::Key(known) => {
                let maker = known.user.as_ref().map_or("", |user| user.email.as_str());
                let key = format!("{maker} by key {} …{}", known.key.label, known.key.hint);
                key.trim().to_owned()
            }
        };
        by(who, &self.client)
    }
}

impl Reader {
    /// Whoever shows a key by another way than HTTP.
    pub(crate) async fn of_key(access: &Access, shown: &str, from: IpAddr) -> Result<Self, Denied> {
        let client = Client::at(from);
        let at = by("", &client).at;
        let who = if access.read_key.is(shown) {
            Some(Who::ReadKey)
        } else if access.admin_key.is(shown) {
            Some(Who::AdminKey)
        } else {
            by_made_key(access, shown, at).await?
        };
        let principal = Principal { who: who.ok_or(Denied::Unknown)?, client };
        principal.needs(Permission::Read)?;
        Ok(Self(principal))
    }
}

/// What a page that was opened with a session must show with what changes something.
pub(crate) fn csrf_token(session: &Secret) -> Secret {
    session.derive("csrf")
}

impl FromRequestParts<EdgeState> for Principal {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, state: &EdgeState) -> Result<Self, Denied> {
        let principal = known(parts, state).await?;
        if let Who::User { session, .. } = &principal.who
            && is_unsafe(&parts.method)
            && !shows_token(&parts.headers, session)
        {
            return Err(Denied::Foreign);
        }
        Ok(principal)
    }
}

impl FromRequestParts<EdgeState> for Reader {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, state: &EdgeState) -> Result<Self, Denied> {
        let principal = known(parts, state).await?;
        principal.needs(Permission::Read)?;
        Ok(Self(principal))
    }
}

async fn known(parts: &Parts, state: &EdgeState) -> Result<Principal, Denied> {
    let access = &state.access;
    let client = Client::of(state, parts);
    let at = by("", &client).at;
    if parts.headers.contains_key(AUTHORIZATION) {
        let who = by_key(access, &parts.headers, at).await?;
        return who.map(|who| Principal { who, client }).ok_or(Denied::Unknown);
    }
    let session = session_of(&parts.headers).ok_or(Denied::Unknown)?;
    let (asked, terms) = (session.clone(), access.terms);
    let found = access.ask(move |store| store.session(&asked, terms, at)).await?;
    let user = found.ok_or(Denied::Unknown)?.user;
    if is_unsafe(&parts.method) && !comes_from_here(&parts.headers, access.public_url.as_ref()) {
        return Err(Denied::Foreign);
    }
    Ok(Principal { who: Who::User { user, session }, client })
}

async fn by_key(
    access: &Access,
    headers: &HeaderMap,
    at: event::Timestamp,
) -> Result<Option<Who>, Denied> {
    if access.read_key.is_shown(headers) {
        return Ok(Some(Who::ReadKey));
    }
    if access.admin_key.is_shown(headers) {
        return Ok(Some(Who::AdminKey));
    }
    match bearer(headers) {
        Some(shown) => by_made_key(access, shown, at).await,
        None => Ok(None),
    }
}

/// Whoever holds a key that somebody made.
async fn by_made_key(
    access: &Access,
    shown: &str,
    at: event::Timestamp,
) -> Result<Option<Who>, Denied> {
    if !shown.starts_with("phx_") && !shown.starts_with("phs_") {
        return Ok(None);
    }
    let shown = Secret::shown(shown);
    let known = access.ask(move |store| store.key(&shown, at)).await?;
    Ok(known.map(|known| Who::Key(Box::new(known))))
}

/// What is shown in the header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = shown.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn shows_token(headers: &HeaderMap, session: &Secret) -> bool {
    let token = csrf_token(session);
    headers
        .get(CSRF)
        .is_some_and(|shown| bool::from(shown.as_bytes().ct_eq(token.reveal().as_bytes())))
}

fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
