//! Whose project a request is for. All events of a request have one token.

use event::Token;
use event::limits::TOKEN_BYTES;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::document::Document;
use crate::query::Query;
use crate::{Error, Settings, TokenFault, json};

/// The original Hogflare's header.
const API_KEY_HEADER: &str = "x-posthog-api-key";
/// Personal keys are secrets for reading; in `Authorization` they are not meant for capture.
const PERSONAL_PREFIX: &str = "phx_";

/// Finds the token of a request: beside `batch`, else in its events, else in header or query, else
/// the configured one.
pub(crate) fn resolve(
    document: &Document<'_>,
    headers: &HeaderMap,
    query: &Query<'_>,
    settings: &Settings,
) -> Result<Token, Error> {
    let mut blank = false;
    if let Some(token) = of_envelope(document) {
        match is_blank(&token) {
            false => return validate(&token),
            true => blank = true,
        }
    }
    let outside = || of_headers(headers).or_else(|| query.token.clone());
    if let Some(token) = of_events(document, &mut blank)? {
        return validate(&token);
    }
    if let Some(token) = outside() {
        return validate(&token);
    }
    match (&settings.default_token, blank) {
        (Some(token), _) => Ok(token.clone()),
        (None, true) => Err(invalid(TokenFault::Empty)),
        (None, false) => Err(Error::MissingToken),
    }
}

/// The first of a request's tokens outside its events, for requests that have none.
pub(crate) fn of_headers(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = || {
        let (scheme, token) = header(AUTHORIZATION.as_str())?.split_once(' ')?;
        let is_ours = scheme.eq_ignore_ascii_case("bearer");
        let token = token.trim();
        (is_ours && !token.starts_with(PERSONAL_PREFIX)).then_some(token)
    };
    header(API_KEY_HEADER)
        .filter(|token| !is_blank(token))
        .or_else(|| bearer().filter(|token| !is_blank(token)))
        .map(str::to_owned)
}

/// Checks the shape of a token, as PostHog does and in its order.
pub(crate) fn validate(token: &str) -> Result<Token, Error> {
    let token = token.trim();
    let fault = if token.is_empty() {
        TokenFault::Empty
    } else if token.len() > TOKEN_BYTES {
        TokenFault::TooLong
    } else if !token.is_ascii() {
        TokenFault::NotAscii
    } else if token.starts_with(PERSONAL_PREFIX) {
        TokenFault::PersonalApiKey
    } else if token.contains('\0') {
        TokenFault::NullByte
    } else {
        return Ok(Token::new(token));
    };
    Err(invalid(fault))
}

fn invalid(fault: TokenFault) -> Error {
    Error::InvalidToken { fault }
}

fn is_blank(token: &str) -> bool {
    token.trim().is_empty()
}

fn of_envelope(document: &Document<'_>) -> Option<String> {
    let raw = document.envelope.as_ref()?.token?;
    json::string(raw).map(|token| token.into_owned())
}

/// The one token of the events: their own, else their property `token` (posthog-js), else their
/// property `api_key`, which is more likely to be something else.
fn of_events(document: &Document<'_>, blank: &mut bool) -> Result<Option<String>, Error> {
    for property in ["token", "api_key"] {
        let mut only: Option<String> = None;
        for item in &document.items {
            let sent = item.token.filter(|_| property == "token");
            let raw = sent.filter(|raw| !json::is_empty(raw));
            let raw = raw.or_else(|| document.property(item, property));
            let Some(token) = raw.or(sent).and_then(json::string) else {
                continue;
            };
            match &only {
                _ if is_blank(&token) => *blank |= property == "token",
                None => only = Some(token.into_owned()),
                Some(other) if *other == token => {}
                Some(_) => return Err(Error::InconsistentTokens),
            }
        }
        if only.is_some() {
            return Ok(only);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_in_posthogs_order() {
        let fault = |token: &str| match validate(token) {
            Err(Error::InvalidToken { fault }) => Some(fault),
            _ => None,
        };
        assert_eq!(fault(" \n"), Some(TokenFault::Empty));
        assert_eq!(fault(&"é".repeat(40)), Some(TokenFault::TooLong));
        assert_eq!(fault("🦀"), Some(TokenFault::NotAscii));
        assert_eq!(fault("phx_a\0"), Some(TokenFault::PersonalApiKey));
        assert_eq!(fault("a\0"), Some(TokenFault::NullByte));
        assert_eq!(fault(&"x".repeat(64)), None);
        assert_eq!(validate(" phc_a\n").unwrap().as_str(), "phc_a");
    }

    #[test]
    fn a_personal_key_in_authorization_is_not_the_token() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer phx_secret".parse().unwrap());
        assert_eq!(of_headers(&headers), None);
        headers.insert(AUTHORIZATION, "bearer phc_public".parse().unwrap());
        assert_eq!(of_headers(&headers).as_deref(), Some("phc_public"));
        headers.insert(API_KEY_HEADER, "phc_other".parse().unwrap());
        assert_eq!(of_headers(&headers).as_deref(), Some("phc_other"));
    }
}
