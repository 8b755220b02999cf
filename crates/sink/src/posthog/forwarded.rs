//! The headers that go on, and the one that stops loops.

use http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ORIGIN, REFERER, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::RawHeader;

/// Marks requests that a tee has forwarded; whoever gets one does not forward it again.
pub const FORWARDED_HEADER: HeaderName = HeaderName::from_static("x-hogflare-tee");

/// What capture reads, of PostHog and of SDKs. Anything else, cookies and what proxies say to each
/// other, is not for a third party.
const KNOWN: [HeaderName; 6] =
    [CONTENT_TYPE, CONTENT_ENCODING, USER_AGENT, ORIGIN, REFERER, ACCEPT_LANGUAGE];
/// An HMAC by a secret that is ours.
const SIGNATURE: &str = "x-posthog-signature";

/// The headers of a request that go on with it.
pub fn forwarded_headers(headers: &HeaderMap) -> Vec<RawHeader> {
    let goes_on = headers.iter().filter(|(name, value)| goes_on(name, value));
    let header = |(name, value): (&HeaderName, &HeaderValue)| RawHeader {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    goes_on.map(header).collect()
}

fn goes_on(name: &HeaderName, value: &HeaderValue) -> bool {
    let text = name.as_str();
    if *name == AUTHORIZATION {
        // Capture V1's token. A password for a proxy in front of us would be `Basic`.
        let scheme = value.as_bytes().get(..7);
        return scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
    }
    let is_sdks = text.starts_with("posthog-") || text.starts_with("x-posthog-");
    KNOWN.contains(name) || (is_sdks && text != SIGNATURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_capture_reads_goes_on_and_nothing_else() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            ("authorization", "Bearer phc_a"),
            ("posthog-sdk-info", "web/1"),
            ("x-posthog-signature", "sha256=00"),
            ("cookie", "session=1"),
            ("x-forwarded-for", "203.0.113.7"),
            ("host", "stats.example.com"),
        ] {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let names: Vec<String> =
            forwarded_headers(&headers).into_iter().map(|header| header.name).collect();
        assert_eq!(names, ["content-type", "authorization", "posthog-sdk-info"]);
        headers.insert(AUTHORIZATION, "Basic bWU6c2VjcmV0".parse().unwrap());
        assert_eq!(forwarded_headers(&headers).len(), 2);
    }
}
