//! The required headers of a V1 request.

use event::{Timestamp, Token};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::Error;
use crate::token;

const SDK_INFO: HeaderName = HeaderName::from_static("posthog-sdk-info");
const ATTEMPT: HeaderName = HeaderName::from_static("posthog-attempt");
const REQUEST_ID: HeaderName = HeaderName::from_static("posthog-request-id");
const REQUEST_TIMESTAMP: HeaderName = HeaderName::from_static("posthog-request-timestamp");

/// What must be there besides `Authorization`, whose lack has an error of its own.
const REQUIRED: [(HeaderName, &str); 6] = [
    (CONTENT_TYPE, "Content-Type"),
    (USER_AGENT, "User-Agent"),
    (SDK_INFO, "PostHog-Sdk-Info"),
    (ATTEMPT, "PostHog-Attempt"),
    (REQUEST_ID, "PostHog-Request-Id"),
    (REQUEST_TIMESTAMP, "PostHog-Request-Timestamp"),
];

/// A name and version longer than this are not an SDK's.
const LONGEST_SDK_INFO: usize = 256;

/// What the headers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose events they are.
    pub token: Token,
    /// The SDK's name and version, where they can be told.
    pub sdk: Option<(String, String)>,
    /// How often the SDK has sent this, the first time being 1.
    pub attempt: u32,
    /// The same for every attempt. It identifies no event: each attempt may hold fewer.
    pub request_id: Uuid,
    /// When it was sent, by the client's clock.
    pub sent_at: Timestamp,
    pub(crate) encoding: Option<Encoding>,
}

/// What a body may be wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Reads the headers; the server may refuse by them before it reads the body.
///
/// # Errors
/// When one is missing or wrong. A missing token comes first, then whatever else is missing.
pub fn check_headers(headers: &HeaderMap) -> Result<Head, Error> {
    let authorization = headers.get(AUTHORIZATION).ok_or(Error::MissingAuthorization)?;
    let missing = REQUIRED.into_iter().filter(|(header, _)| !headers.contains_key(header));
    let names: Vec<&'static str> = missing.map(|(_, name)| name).collect();
    if !names.is_empty() {
        return Err(Error::MissingRequiredHeaders { names });
    }
    let token = bearer(authorization)?;
    if !is_json(headers) {
        return Err(Error::UnsupportedContentType);
    }
    Ok(Head {
        token: token::validate(token)?,
        encoding: encoding(headers)?,
        sdk: text(headers, &SDK_INFO).and_then(sdk),
        attempt: text(headers, &ATTEMPT)
            .and_then(|attempt| attempt.parse().ok())
            .filter(|&attempt| attempt > 0)
            .ok_or(Error::invalid("PostHog-Attempt", "an integer from 1 on"))?,
        request_id: text(headers, &REQUEST_ID)
            .and_then(|id| Uuid::try_parse(id).ok())
            .ok_or(Error::invalid("PostHog-Request-Id", "a UUID"))?,
        sent_at: text(headers, &REQUEST_TIMESTAMP)
            .and_then(|time| time.parse().ok())
            .ok_or(Error::invalid("PostHog-Request-Timestamp", "an RFC 3339 time"))?,
    })
}

/// The request's id as it was sent, to be sent back with any answer.
pub fn request_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(REQUEST_ID)
}

impl Error {
    const fn invalid(name: &'static str, expected: &'static str) -> Self {
        Self::InvalidHeaderValue { name, expected }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn bearer(authorization: &HeaderValue) -> Result<&str, Error> {
    authorization
        .to_str()
        .ok()
        .and_then(|value| value.trim().split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token)
        .ok_or(Error::invalid("Authorization", "Bearer and a token"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = text(headers, &CONTENT_TYPE).and_then(|value| value.split(';').next());
    media_type.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Error> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return match headers.contains_key(CONTENT_ENCODING) {
            true => Err(Error::UnsupportedEncoding),
            false => Ok(None),
        };
    };
    let name = value.to_str().map(|name| name.trim().to_ascii_lowercase()).unwrap_or_default();
    match name.as_str() {
        "gzip" => Ok(Some(Encoding::Gzip)),
        "deflate" => Ok(Some(Encoding::Deflate)),
        "br" => Ok(Some(Encoding::Brotli)),
        "zstd" => Ok(Some(Encoding::Zstd)),
        "identity" => Ok(None),
        _ => Err(Error::UnsupportedEncoding),
    }
}

/// `posthog-node/5.1.0`; a name may hold slashes itself.
fn sdk(info: &str) -> Option<(String, String)> {
    let (lib, version) = info.rsplit_once('/')?;
    let (lib, version) = (lib.trim(), version.trim());
    let is_told = !lib.is_empty() && !version.is_empty() && info.len() <= LONGEST_SDK_INFO;
    is_told.then(|| (lib.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> HeaderMap {
        let pairs = [
            ("authorization", "bearer  phc_a "),
            ("content-type", "Application/JSON; charset=utf-8"),
            ("user-agent", "u"),
            ("posthog-sdk-info", "@posthog/core / 1.2.3"),
            ("posthog-attempt", "2"),
            ("posthog-request-id", "0197C5A0-9999-7000-8000-000000000001"),
            ("posthog-request-timestamp", "2025-07-01T13:00:00+02:00"),
        ];
        pairs
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn with(name: &'static str, value: &str) -> Result<Head, Error> {
        let mut headers = headers();
        headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        check_headers(&headers)
    }

    #[test]
    fn everything_is_read() {
        let head = check_headers(&headers()).unwrap();
        assert_eq!(head.token.as_str(), "phc_a");
        assert_eq!(head.sdk, Some(("@posthog/core".to_owned(), "1.2.3".to_owned())));
        assert_eq!(head.attempt, 2);
        assert_eq!(head.sent_at.to_string(), "2025-07-01T11:00:00.000000Z");
        let sent = headers();
        assert_eq!(request_id(&sent).unwrap(), "0197C5A0-9999-7000-8000-000000000001");
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let mut headers = headers();
        headers.remove("posthog-attempt");
        headers.remove("user-agent");
        let names = vec!["User-Agent", "PostHog-Attempt"];
        assert_eq!(check_headers(&headers), Err(Error::MissingRequiredHeaders { names }));
        headers.remove("authorization");
        assert_eq!(check_headers(&headers), Err(Error::MissingAuthorization));
    }

    #[test]
    fn a_wrong_value_names_its_header() {
        for (name, value, tag) in [
            ("authorization", "Basic abc", "invalid_header_value"),
            ("authorization", "Bearer phx_secret", "invalid_api_token"),
            ("content-type", "text/plain", "unsupported_content_type"),
            ("content-encoding", "lz4", "unsupported_encoding"),
            ("content-encoding", "gzip, br", "unsupported_encoding"),
            ("posthog-attempt", "0", "invalid_header_value"),
            ("posthog-attempt", "one", "invalid_header_value"),
            ("posthog-request-id", "nope", "invalid_header_value"),
            ("posthog-request-timestamp", "yesterday", "invalid_header_value"),
        ] {
            assert_eq!(with(name, value).unwrap_err().tag(), tag, "{name}: {value}");
        }
        assert_eq!(with("content-encoding", "ZSTD").unwrap().encoding, Some(Encoding::Zstd));
        assert_eq!(with("content-encoding", "identity").unwrap().encoding, None);
    }

    #[test]
    fn an_sdk_that_cannot_be_told_is_no_fault() {
        for info in ["posthog", "/1.0", "posthog/", &format!("{}/1", "x".repeat(300))] {
            assert_eq!(with("posthog-sdk-info", info).unwrap().sdk, None, "{info}");
        }
    }
}
