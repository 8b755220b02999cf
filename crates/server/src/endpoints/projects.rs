//! `/api/projects`: those of the configuration, and those that people made.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use enrich::IpPolicy;
use event::Token;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use state::{NewProject, Permission};

use crate::access::{Denied, Principal, Reader, read_json};
use crate::policy::Project;
use crate::{EdgeState, answer};

/// `{"name": "Shop", "time_zone": "Europe/Berlin"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    #[serde(default = "utc")]
    time_zone: String,
    /// One that events come with already, and that no project has.
    #[serde(default)]
    token: Option<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// `GET /api/projects`.
pub(crate) async fn list(State(state): State<EdgeState>, Reader(reader): Reader) -> Response {
    let policy = state.policy.get();
    let mut projects: Vec<_> = policy
        .projects()
        .filter(|(_, project)| reader.needs_project(project.team).is_ok())
        .collect();
    projects.sort_by_key(|(token, project)| (project.team.0, *token));
    let projects: Vec<_> = projects.into_iter().map(|(token, one)| shown(token, one)).collect();
    let retention = state.retention.map(|retention| retention.to_string());
    let told = json!({ "projects": projects, "retention": retention });
    answer::json(StatusCode::OK, told.to_string())
}

/// `POST /api/projects`.
pub(crate) async fn make(
    State(state): State<EdgeState>,
    principal: Principal,
    request: Request,
) -> Result<Response, Denied> {
    principal.needs(Permission::Projects)?;
    principal.needs_all_projects()?;
    let by = principal.by();
    let Wanted { name, time_zone, token } = read_json(&state, request.into_body()).await?;
    check_time_zone(&time_zone)?;
    if let Some(token) = &token
        && state.policy.get().is_project(&Token::new(token.as_str()))
    {
        return Err(Denied::Refused(state::Refusal::Taken("project")));
    }
    let wanted = NewProject { name, time_zone, token };
    let made = state.access.ask(move |store| store.create_project(&wanted, &by)).await?;
    refresh(&state).await?;
    tell(&state, &made.token, StatusCode::CREATED)
}

/// `PUT /api/projects/:id`.
pub(crate) async fn change(
    State(state): State<EdgeState>,
    principal: Principal,
    id: Result<Path<i64>, PathRejection>,
    request: Request,
) -> Result<Response, Denied> {
    principal.needs(Permission::Projects)?;
    let Path(team) = id.map_err(|_| Denied::Absent("project"))?;
    principal.needs_project(event::TeamId(team))?;
    let by = principal.by();
    let Wanted { name, time_zone, token } = read_json(&state, request.into_body()).await?;
    check_time_zone(&time_zone)?;
    if token.is_some() {
        return Err(Denied::Wrong("token: it stays as it is".to_owned()));
    }
    let is_configured = state
        .policy
        .get()
        .projects()
        .any(|(_, project)| project.team.0 == team && !project.is_made);
    if is_configured {
        return Err(Denied::Refused(state::Refusal::Taken("project of the configuration")));
    }
    let change = move |store: &state::Store| store.change_project(team, &name, &time_zone, &by);
    let changed = state.access.ask(change).await?;
    refresh(&state).await?;
    tell(&state, &changed.token, StatusCode::OK)
}

/// Has what was changed hold from now on.
pub(super) async fn refresh(state: &EdgeState) -> Result<(), Denied> {
    let edge = state.clone();
    let refreshed = tokio::task::spawn_blocking(move || edge.policies.refresh()).await;
    match refreshed {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            tracing::error!(%error, "projects cannot be read again");
            Err(Denied::Unavailable)
        }
        Err(_) => Err(Denied::Unavailable),
    }
}

fn check_time_zone(name: &str) -> Result<(), Denied> {
    let checked = query::insights::Project::new(1).in_time_zone(name);
    checked.map(drop).map_err(|error| Denied::Wrong(format!("time_zone: {error}")))
}

fn tell(state: &EdgeState, token: &str, status: StatusCode) -> Result<Response, Denied> {
    let token = Token::new(token);
    let policy = state.policy.get();
    Ok(answer::json(status, shown(&token, policy.project(&token)).to_string()))
}

fn shown(token: &Token, project: &Project) -> Value {
    let privacy = &project.enrichment.privacy;
    json!({
        "id": project.team.0,
        "token": token.as_str(),
        "name": project.name,
        "time_zone": project.insights.time_zone.iana_name().unwrap_or("UTC"),
        "is_configured": !project.is_made,
        "privacy": {
            "ip": match project.enrichment.ip {
                IpPolicy::Keep => "keep",
                IpPolicy::Truncate => "truncate",
                IpPolicy::Drop => "drop",
            },
            "allow": privacy.allowed_names(),
            "block": privacy.blocked_names(),
            "hash": privacy.hashed_names(),
            "masks_url_queries": privacy.masks_url_queries(),
        },
    })
}
