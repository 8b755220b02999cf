//! `/api/setup`: the first owner, and whoever follows a link to choose a password.

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::HOST;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};
use state::{Email, Password, Secret};

use super::session::begun;
use crate::access::{self, Denied, Way, comes_from_here, is_loopback, read_json};
use crate::client::Client;
use crate::{EdgeState, answer};

/// `{"token": "hfl_…", "email": "jane@example.com", "password": "…"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    token: String,
    #[serde(default)]
    email: Option<String>,
    password: String,
}

/// `GET /api/setup`: whether there is an owner, and whether a password would go over the wire for all
/// to read; for the page where people log in.
pub(crate) async fn show(
    State(state): State<EdgeState>,
    request: Request,
) -> Result<Response, Denied> {
    let is_done = state.access.ask(|store| store.is_set_up()).await?;
    let (parts, _) = request.into_parts();
    let body = json!({ "is_done": is_done, "insecure": insecure(&state, &parts) });
    Ok(answer::json(StatusCode::OK, body.to_string()))
}

/// `POST /api/setup`.
pub(crate) async fn follow(
    State(state): State<EdgeState>,
    request: Request,
) -> Result<Response, Denied> {
    let (parts, body) = request.into_parts();
    let access = &state.access;
    if !comes_from_here(&parts.headers, access.public_url.as_ref()) {
        return Err(Denied::Foreign);
    }
    let Wanted { token, email, password } = read_json(&state, body).await?;
    let (link, password) = (Secret::shown(token), Password::new(password)?);
    let email = email.map(|email| email.parse::<Email>()).transpose();
    let email = email.map_err(Denied::Refused)?;
    let client = Client::of(&state, &parts);
    let by = access::by("a link", &client);
    let (asked, terms) = (by.clone(), access.terms);
    let follow = move |store: &state::Store| {
        let user = store.follow(&link, email.as_ref(), &password, &asked)?;
        let by = state::By { who: user.email.to_string(), ..asked };
        Ok((store.begin_session(user.id, terms, &by)?, user))
    };
    // All links are one account: whoever guesses is told apart by address.
    let (session, user) = access.ask_with_password(&account_of(&by), &by, follow).await?;
    Ok(begun(access, &client, &session, &user))
}

fn account_of(by: &state::By) -> String {
    format!("a link from {:?}", by.address)
}

/// Over plain http from elsewhere anybody between here and there could read along: says so, and how
/// not to.
fn insecure(state: &EdgeState, parts: &Parts) -> Option<Value> {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_https = state.access.way_of(&Client::of(state, parts)) == Way::Https;
    if is_https || is_loopback(host) {
        return None;
    }
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => (name, port),
        _ => (host, "80"),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-.[]:".contains(c);
    let name = if name.chars().all(is_plain) && !name.is_empty() { name } else { "your-server" };
    let local = if port == "80" { "8080" } else { port };
    Some(json!({
        "reason": "this page came over http, so that anybody on the way can read the password",
        "https": "set HOGFLARE_TLS_DOMAIN, or put a proxy with a certificate in front and set \
                  HOGFLARE_PUBLIC_URL=https://…",
        "tunnel": format!("ssh -N -L {local}:127.0.0.1:{port} {name}"),
        "then": format!("http://localhost:{local}"),
    }))
}
