//! Whose project an OpenTelemetry request is for.

use event::Token;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::query::Query;
use crate::token::{of_headers, validate};
use crate::{Error, Settings};

/// Finds the token: `Authorization: Bearer` first, as in PostHog, then our own header, then the
/// query where the endpoint reads one, then the configured one.
///
/// Exporters have no other place for a token than `Authorization`, so what stands there is the token,
/// and a personal key an error.
pub(super) fn resolve(
    headers: &HeaderMap,
    query: Option<&Query<'_>>,
    settings: &Settings,
) -> Result<Token, Error> {
    if let Some(token) = bearer(headers) {
        return validate(token);
    }
    let of_query = || query.and_then(|query| query.token.clone());
    match (of_headers(headers).or_else(of_query), &settings.default_token) {
        (Some(token), _) => validate(&token),
        (None, Some(token)) => Ok(token.clone()),
        (None, None) => Err(Error::MissingToken),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenFault;

    fn resolved(header: Option<&str>, query: &str) -> Result<String, Error> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        let settings = Settings::default();
        let query = Query::parse(Some(query));
        resolve(&headers, Some(&query), &settings).map(|token| token.to_string())
    }

    #[test]
    fn the_header_wins_over_the_query() {
        assert_eq!(resolved(Some("Bearer phc_h"), "token=phc_q").unwrap(), "phc_h");
        assert_eq!(resolved(Some("Bearer "), "token=phc_q").unwrap(), "phc_q");
        assert_eq!(resolved(None, "api_key=phc_q").unwrap(), "phc_q");
        assert_eq!(resolved(None, "token="), Err(Error::MissingToken));
    }

    #[test]
    fn a_personal_key_is_refused_rather_than_passed_over() {
        let error = Error::InvalidToken { fault: TokenFault::PersonalApiKey };
        assert_eq!(resolved(Some("Bearer phx_secret"), "token=phc_q"), Err(error));
    }
}
