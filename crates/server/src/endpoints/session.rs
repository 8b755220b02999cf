//! `/api/session`: logging in, and out.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use serde::Deserialize;
use serde_json::json;
use state::{Password, Refusal, Secret, User};

use crate::access::{
    self, Access, Denied, Principal, comes_from_here, csrf_token, read_json, session_cookie,
};
use crate::client::Client;
use crate::{EdgeState, answer};

/// `{"email": "jane@example.com", "password": "…"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    email: String,
    password: String,
}

/// `{"present": "…", "password": "…"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Passwords {
    present: String,
    password: String,
}

/// `POST /api/session`.
pub(crate) async fn begin(
    State(state): State<EdgeState>,
    request: Request,
) -> Result<Response, Denied> {
    let (parts, body) = request.into_parts();
    let access = &state.access;
    // Nobody else's page may log its visitors in as somebody of its choice.
    if !comes_from_here(&parts.headers, access.public_url.as_ref()) {
        return Err(Denied::Foreign);
    }
    let Credentials { email, password } = read_json(&state, body).await?;
    let client = Client::of(&state, &parts);
    let by = access::by("", &client);
    let (asked, terms) = (by.clone(), access.terms);
    let account = email.clone();
    let log_in = move |store: &state::Store| store.log_in(&email, &password, terms, &asked);
    let (session, user) = access.ask_with_password(&account, &by, log_in).await?;
    Ok(begun(access, &client, &session, &user))
}

/// `GET /api/session`.
pub(crate) async fn show(
    State(state): State<EdgeState>,
    principal: Principal,
) -> Result<Response, Denied> {
    let (user, session) = principal.session()?;
    Ok(told(&state.access, session, user))
}

/// `DELETE /api/session`.
pub(crate) async fn end(
    State(state): State<EdgeState>,
    principal: Principal,
) -> Result<Response, Denied> {
    let (_, session) = principal.session()?;
    let (session, by) = (session.clone(), principal.by());
    state.access.ask(move |store| store.end_session(&session, &by)).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let forget = session_cookie("", 0, state.access.way_of(principal.client()));
    response.headers_mut().insert(SET_COOKIE, forget);
    Ok(response)
}

/// `PUT /api/session/password`.
pub(crate) async fn change_password(
    State(state): State<EdgeState>,
    principal: Principal,
    request: Request,
) -> Result<Response, Denied> {
    let (user, session) = principal.session()?;
    let Passwords { present, password } = read_json(&state, request.into_body()).await?;
    let password = Password::new(password)?;
    let by = principal.by();
    let (id, session, asked) = (user.id, session.clone(), by.clone());
    let change = move |store: &state::Store| {
        store.change_password(id, &present, &password, &session, &asked)
    };
    match state.access.ask_with_password(user.email.as_str(), &by, change).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        // The session is a valid one, which 401 would deny.
        Err(Denied::Refused(Refusal::NotRecognized)) => {
            Err(Denied::Wrong("present: another password".to_owned()))
        }
        Err(denied) => Err(denied),
    }
}

/// The answer to whoever got in, with the cookie.
pub(super) fn begun(access: &Access, client: &Client, session: &Secret, user: &User) -> Response {
    let mut response = told(access, session, user);
    let seconds = access.terms.lifetime.as_secs();
    let cookie = session_cookie(session.reveal(), seconds, access.way_of(client));
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}

fn told(access: &Access, session: &Secret, user: &User) -> Response {
    let permissions = state::Permission::ALL.into_iter().filter(|one| user.role.may(*one));
    let body = json!({
        "user": user,
        "permissions": permissions.collect::<Vec<_>>(),
        "csrf": csrf_token(session).reveal(),
        "public_url": access.public_url.as_ref().map(ToString::to_string),
    });
    answer::json(StatusCode::OK, body.to_string())
}
