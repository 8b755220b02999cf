//! The token of a project where it stands in a path, a query or a small form.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use event::Token;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::answer::Failure;
use crate::{EdgeState, answer, body};

/// PostHog's limit for a token in a path.
const TOKEN_CHARS: usize = 200;
/// Far more than a token in a form takes.
const FORM_BYTES: usize = 64 << 10;

/// Why a request has no token.
#[derive(Debug)]
pub(crate) enum Fault {
    /// There is none.
    Missing,
    /// What is there cannot be one.
    Malformed,
    /// The body could not be read.
    Unread(Failure),
}

/// A token in a path. Its characters cannot end a string of the script that it is put into.
pub(crate) fn of_path(token: &str) -> Result<Token, Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match token {
        "" => Err(Fault::Missing),
        token if token.len() <= TOKEN_CHARS && token.chars().all(allowed) => Ok(Token::new(token)),
        _ => Err(Fault::Malformed),
    }
}

/// A token in the query, in the body of a POST, or else the configured one.
pub(crate) async fn of_request(state: &EdgeState, request: Request) -> Result<Token, Fault> {
    let mut sent = of_form(request.uri().query().unwrap_or_default().as_bytes());
    if sent.is_none() && *request.method() == Method::POST {
        let mut reservation = state.budget.reservation();
        let body = body::read(request.into_body(), FORM_BYTES, &mut reservation).await;
        let body = body.map_err(Fault::Unread)?;
        sent = of_json(&body).or_else(|| of_form(&body));
    }
    match (sent, &state.capture.default_token) {
        (Some(sent), _) => of_path(&sent),
        (None, Some(token)) => Ok(token.clone()),
        (None, None) => Err(Fault::Missing),
    }
}

fn of_form(form: &[u8]) -> Option<String> {
    let mut pairs = form_urlencoded::parse(form);
    let (_, token) = pairs.find(|(name, value)| is_name(name) && !value.trim().is_empty())?;
    Some(token.trim().to_owned())
}

fn of_json(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut members = body.as_object()?.iter().filter(|(name, _)| is_name(name));
    members.find_map(|(_, token)| token.as_str()).map(str::to_owned)
}

fn is_name(name: &str) -> bool {
    name == "token" || name == "api_key"
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, code, detail) = match self {
            Self::Missing => (
                StatusCode::UNAUTHORIZED,
                "missing_api_key",
                "send the project API key as `token` in the query",
            ),
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "invalid_api_key",
                "a project API key has letters, digits, - and _ only",
            ),
            Self::Unread(failure) => return failure.into_response(),
        };
        let body = json!({ "type": "authentication_error", "code": code, "detail": detail });
        answer::json(status, body.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_cannot_write_script() {
        assert!(of_path("phc_Abc-123").is_ok());
        assert!(of_path("x'];alert(1);//").is_err());
        assert!(matches!(of_path(""), Err(Fault::Missing)));
        assert!(of_path(&"x".repeat(201)).is_err());
    }

    #[test]
    fn either_name_and_either_form_will_do() {
        assert_eq!(of_form(b"_=1&token=phc%5Fa").unwrap(), "phc_a");
        assert_eq!(of_form(b"token=&api_key=phc_b").unwrap(), "phc_b");
        assert_eq!(of_json(br#"{"api_key":"phc_c"}"#).unwrap(), "phc_c");
        assert_eq!(of_form(b"tokens=phc_d"), None);
        assert_eq!(of_json(b"[]"), None);
    }
}
