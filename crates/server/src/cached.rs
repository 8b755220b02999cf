//! Answers that browsers and proxies keep: entity tags, encodings, and for how long.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

/// How long an answer may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Five minutes, PostHog's own: so late a changed setting or a new version reaches pages.
    Minutes,
    /// For ever: the address names the version.
    Forever,
    /// As long as the server says that it is still the same.
    Asking,
}

impl Keep {
    /// The value of `Cache-Control`.
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Minutes => "public, max-age=300",
            Self::Forever => "public, max-age=31536000, immutable",
            Self::Asking => "no-cache",
        })
    }
}

/// A file, which there may be as gzip, too.
pub(crate) struct Compressed<'a> {
    pub(crate) media_type: &'static str,
    pub(crate) etag: &'a str,
    pub(crate) keep: Keep,
}

impl Compressed<'_> {
    /// Answers 304 to who has it already, else in the encoding that is asked for.
    pub(crate) fn answer<B: Into<Body>>(
        &self,
        asked: &HeaderMap,
        gzip: impl FnOnce() -> B,
        plain: impl FnOnce() -> Vec<u8>,
    ) -> Response {
        let response = match (has(asked, self.etag), accepts_gzip(asked)) {
            (true, _) => StatusCode::NOT_MODIFIED.into_response(),
            (false, true) => encoded(gzip().into()),
            (false, false) => Body::from(plain()).into_response(),
        };
        let mut response = self.described(response);
        response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
        response
    }

    /// Likewise, of a file that does not get smaller.
    pub(crate) fn answer_plain(&self, asked: &HeaderMap, plain: impl FnOnce() -> Body) -> Response {
        self.described(match has(asked, self.etag) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => plain().into_response(),
        })
    }

    fn described(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Ok(etag) = HeaderValue::from_str(self.etag) {
            headers.insert(ETAG, etag);
        }
        headers.insert(CACHE_CONTROL, self.keep.header());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        response
    }
}

fn encoded(gzip: Body) -> Response {
    let mut response = gzip.into_response();
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

/// Whether the client holds what has this weak entity tag.
fn has(asked: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    words(asked, IF_NONE_MATCH).any(|tag| tag == "*" || opaque(&tag) == opaque(etag))
}

fn accepts_gzip(asked: &HeaderMap) -> bool {
    words(asked, ACCEPT_ENCODING).any(|entry| {
        let (coding, weight) = entry.split_once(';').unwrap_or((&entry, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        let coding = coding.trim().to_ascii_lowercase();
        matches!(coding.as_str(), "gzip" | "x-gzip" | "*") && weight != Some(0.0)
    })
}

/// The entries of a comma list.
fn words(headers: &HeaderMap, name: http::HeaderName) -> impl Iterator<Item = String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|word| word.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &str) -> HeaderMap {
        [(name, value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn gzip_goes_to_those_who_take_it() {
        let takes = |value| accepts_gzip(&headers(ACCEPT_ENCODING, value));
        assert!(takes("gzip, deflate, br") && takes("br;q=1.0, GZIP;q=0.5") && takes("*"));
        assert!(!takes("identity") && !takes("gzip;q=0") && !takes("br, gzip; q=0.0"));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_known_tag_is_known_in_any_list() {
        let knows = |value| has(&headers(IF_NONE_MATCH, value), "W/\"1.2.3-abc\"");
        assert!(knows("W/\"1.2.3-abc\"") && knows("\"x\", \"1.2.3-abc\"") && knows("*"));
        assert!(!knows("W/\"1.2.3-abd\"") && !knows(""));
    }
}
