//! The web pages: one document, which shows what its address says, and the files that it loads.
//!
//! A page is given to a browser that asks for one (`GET`, `Accept: text/html`), at the addresses of
//! pages and nowhere else: an SDK with a mistyped path must get a 404, since it reads 200 as "stored".

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use web_assets::Asset;

use crate::cached::{Compressed, Keep};
use crate::cors::OwnPagesOnly;

const HTML: &str = "text/html; charset=utf-8";
/// Files whose names change with their content.
const HASHED: &str = "assets/";

/// What addresses of pages begin with. None is an SDK's.
const PAGES: [&str; 22] = [
    "connect",
    "dashboards",
    "data",
    "errors",
    "events",
    "group",
    "home",
    "insights",
    "live",
    "login",
    "onboarding",
    "persons",
    "projects",
    "queries",
    "replay",
    "sessions",
    "settings",
    "setup",
    "shared",
    "sql",
    "system",
    "web",
];

/// Nothing comes from elsewhere, nothing is sent elsewhere, and nobody shows our pages within theirs.
/// Libraries set styles of elements, which is all that `unsafe-inline` allows.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// A page, one of its files, or 404: what no route has.
pub(crate) async fn fallback(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    if *request.method() != Method::GET {
        return StatusCode::NOT_FOUND.into_response();
    }
    if let Some(file) = web_assets::get(path).filter(|_| path != INDEX) {
        return served(file, path, request.headers());
    }
    match is_page(path) && wants_page(request.headers()) {
        true => page(request.headers()),
        false => StatusCode::NOT_FOUND.into_response(),
    }
}

const INDEX: &str = "index.html";

/// Whether the client asks for a page by name: programs take anything, too.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let mut types = lines.flat_map(|line| line.split(','));
    types.any(|media| media.split(';').next().is_some_and(|name| name.trim() == "text/html"))
}

/// The document of all pages, or how to get it.
pub(crate) fn page(headers: &HeaderMap) -> Response {
    let mut response = match web_assets::get(INDEX) {
        Some(index) => served(index, INDEX, headers),
        None => ours(([(http::header::CONTENT_TYPE, HTML)], WITHOUT_PAGES).into_response()),
    };
    let answered = response.headers_mut();
    answered.append(VARY, HeaderValue::from_static("accept"));
    answered.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answered.insert(COOP, HeaderValue::from_static("same-origin"));
    response
}

/// Whether a browser asks for a page of ours.
pub(crate) fn asks_for_page(request: &Request) -> bool {
    let path = request.uri().path().trim_start_matches('/');
    let is_asked = matches!(*request.method(), Method::GET | Method::HEAD);
    is_asked && (path.is_empty() || is_page(path)) && wants_page(request.headers())
}

fn is_page(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    PAGES.contains(&first)
}

fn served(file: &'static Asset, path: &str, asked: &HeaderMap) -> Response {
    let keep = match path {
        INDEX => Keep::Asking,
        path if path.starts_with(HASHED) => Keep::Forever,
        _ => Keep::Minutes,
    };
    let compressed = Compressed { media_type: file.media_type, etag: file.etag, keep };
    let response = match file.gzip() {
        Some(gzip) => compressed.answer(asked, || Bytes::from_static(gzip), || file.plain()),
        None => compressed.answer_plain(asked, || Body::from(file.plain())),
    };
    ours(response)
}

fn ours(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response.extensions_mut().insert(OwnPagesOnly);
    response
}

const WITHOUT_PAGES: &str = "<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Hogflare</title></head>
<body>
<h1>Hogflare</h1>
<p>It takes events and answers SQL, but this build has no web pages. To have them, install Node.js 20 or
newer, run <code>npm ci</code> and <code>npm run build</code> in the folder <code>web</code> of the
sources, and build again: <code>make build</code> does all of that.</p>
</body>
</html>
";

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(value: &'static str) -> HeaderMap {
        [(ACCEPT, HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn browsers_ask_for_pages_and_programs_do_not() {
        assert!(wants_page(&accepts("text/html,application/xhtml+xml,*/*;q=0.8")));
        assert!(wants_page(&accepts("*/*, text/html;q=0.5")));
        for other in ["*/*", "application/json", "text/*", ""] {
            assert!(!wants_page(&accepts(other)), "{other}");
        }
        assert!(!wants_page(&HeaderMap::new()));
    }

    #[test]
    fn a_page_has_a_known_beginning() {
        assert!(is_page("persons") && is_page("persons/jane%40example.com") && is_page("sql"));
        for other in ["", "capture", "e2", "personsx", "api/persons", "flags", "groups"] {
            assert!(!is_page(other), "{other}");
        }
    }

    #[test]
    fn a_page_is_for_our_own_browsers() {
        let response = page(&HeaderMap::new());
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert!(header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        assert!(!header("content-security-policy").unwrap().contains("http"));
        assert_eq!(header("x-content-type-options"), Some("nosniff"));
        assert_eq!(header("referrer-policy"), Some("same-origin"));
        assert!(response.extensions().get::<OwnPagesOnly>().is_some());
    }
}
