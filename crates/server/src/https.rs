//! What is different where this server speaks https itself.
//!
//! | | over https | over plain http beside it |
//! |---|---|---|
//! | what SDKs send, ask and load | as ever | as ever: snippets with `http://` must not break |
//! | pages | and the browser is told to come by https from now on | the browser is sent to https |
//! | what shows data, or takes a key or password | as ever | refused, but for clients on this machine |

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, LOCATION, STRICT_TRANSPORT_SECURITY, VARY};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use crate::EdgeState;
use crate::access::{Denied, PublicUrl, is_loopback};
use crate::client::Client;
use crate::endpoints::pages;
use crate::listener::Peer;

/// 30 days: long enough to help whoever comes again, short enough to outlive a mistake.
const COME_BY_HTTPS: HeaderValue = HeaderValue::from_static("max-age=2592000");

/// Where https is, for whoever came by plain http.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The port of the https address.
    pub port: u16,
}

/// Tells browsers that load a page over our https to come that way from now on. Not where https has a port
/// of its own, since the word holds for all ports of a host.
pub(crate) async fn tell_browsers(request: Request, next: Next) -> Response {
    let is_encrypted = request.extensions().get::<Peer>().is_some_and(Peer::is_encrypted);
    let is_usual = host(request.headers())
        .is_some_and(|host| host.port().is_none() && !is_loopback(host.as_str()));
    let mut response = next.run(request).await;
    let is_page = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|media| media.as_bytes().starts_with(b"text/html"));
    if is_encrypted && is_usual && is_page {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, COME_BY_HTTPS);
    }
    response
}

/// Sends browsers that ask for a page by plain http to https.
pub(crate) async fn send_to_https(
    State((state, beside)): State<(EdgeState, Beside)>,
    request: Request,
    next: Next,
) -> Response {
    if !pages::asks_for_page(&request) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    if is_safe(&Client::of(&state, &parts)) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    match there(&parts.headers, &parts.uri, state.access.public_url.as_ref(), &beside) {
        Some(there) => {
            // Kept by nobody: who goes back to plain http must be able to.
            let headers = [
                (LOCATION, there),
                (CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (VARY, HeaderValue::from_static("accept")),
            ];
            (StatusCode::PERMANENT_REDIRECT, headers).into_response()
        }
        None => Denied::Plain.into_response(),
    }
}

/// Refuses what nobody on the way may read.
pub(crate) async fn refuse_plain(
    State(state): State<EdgeState>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match is_safe(&Client::of(&state, &parts)) {
        true => next.run(Request::from_parts(parts, body)).await,
        false => Denied::Plain.into_response(),
    }
}

/// Whether what goes to this client crosses no network as it is: it is on this machine, or a proxy that is
/// believed has https with it.
fn is_safe(client: &Client) -> bool {
    client.is_by_https || client.ip.is_some_and(|ip| ip.to_canonical().is_loopback())
}

/// The same page over https: at the public URL, or else at the host that was asked.
fn there(
    headers: &HeaderMap,
    asked: &Uri,
    public_url: Option<&PublicUrl>,
    beside: &Beside,
) -> Option<HeaderValue> {
    let base = match public_url.filter(|url| url.is_https()) {
        Some(url) => url.to_string(),
        None => {
            let host = host(headers)?;
            match beside.port {
                443 => format!("https://{}", host.host()),
                port => format!("https://{}:{port}", host.host()),
            }
        }
    };
    let path = asked.path_and_query().map_or("/", |path| path.as_str());
    HeaderValue::try_from(format!("{base}{path}")).ok()
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    let host: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    Some(host).filter(|host| !host.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(host: &str, asked: &str, public_url: Option<&str>, port: u16) -> Option<String> {
        let headers = [(HOST, host.parse().unwrap())].into_iter().collect();
        let public_url = public_url.map(|url| url.parse::<PublicUrl>().unwrap());
        let there =
            there(&headers, &asked.parse().unwrap(), public_url.as_ref(), &Beside { port })?;
        Some(there.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_page_over_https_is_the_same_one() {
        let go = |host, port| sent(host, "/insights?project=1", None, port).unwrap();
        assert_eq!(go("stats.example.com", 443), "https://stats.example.com/insights?project=1");
        assert_eq!(
            go("stats.example.com:80", 8443),
            "https://stats.example.com:8443/insights?project=1"
        );
        assert_eq!(go("[2001:db8::1]:80", 443), "https://[2001:db8::1]/insights?project=1");
        assert_eq!(sent("x", "//evil.example/", None, 443).unwrap(), "https://x//evil.example/");
    }

    #[test]
    fn the_public_url_has_the_name_of_the_certificate() {
        let url = Some("https://stats.example.com:8443");
        assert_eq!(sent("10.0.0.1", "/", url, 443).unwrap(), "https://stats.example.com:8443/");
        assert_eq!(sent("a", "/", Some("http://b"), 443).unwrap(), "https://a/");
    }

    #[test]
    fn who_names_no_host_is_sent_nowhere() {
        for host in ["", "a b", "u@evil.example", "a/b"] {
            assert_eq!(sent(host, "/", None, 443), None, "{host}");
        }
    }
}
