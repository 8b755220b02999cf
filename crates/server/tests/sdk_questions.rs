//! What SDKs ask before they send anything, through the whole router.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::Read;

use axum::body::{Body, to_bytes};
use flate2::read::GzDecoder;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use support::TestEdge;
use tower::ServiceExt;

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn varies_on(&self, name: &str) -> bool {
        let values = self.headers.get_all("vary").iter().map(|value| value.to_str().unwrap());
        values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(name))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        match self.header("content-encoding") {
            "gzip" => GzDecoder::new(&self.body[..]).read_to_string(&mut text).unwrap(),
            _ => self.body.as_slice().read_to_string(&mut text).unwrap(),
        };
        text
    }
}

async fn ask(edge: &TestEdge, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask_with(edge, method, path, headers, "").await
}

async fn ask_with(
    edge: &TestEdge,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in [("origin", "https://shop.example")].iter().chain(headers) {
        request = request.header(*name, *value);
    }
    let response = edge.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_script_is_there_for_pages_of_any_origin() {
    let edge = TestEdge::start();
    for kind in sdk_assets::kinds() {
        let answer = ask(&edge, "GET", &format!("/static/{kind}.js?v=1.2.3"), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{kind}");
        assert_eq!(answer.header("content-type"), "application/javascript; charset=utf-8");
        assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        assert!(answer.varies_on("origin") && answer.varies_on("accept-encoding"));
        assert_eq!(answer.body, sdk_assets::get(kind).unwrap().inflated());
    }
    let license = ask(&edge, "GET", "/static/LICENSE.txt", &[]).await;
    assert!(license.text().contains("Apache License"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_version_gets_ours_and_only_ours_is_kept_for_ever() {
    let edge = TestEdge::start();
    let ours = format!("/static/{}/lazy-recorder.js", sdk_assets::version());
    let ours = ask(&edge, "GET", &ours, &[]).await;
    assert_eq!(ours.header("cache-control"), "public, max-age=31536000, immutable");
    let older = ask(&edge, "GET", "/static/1.300.0/lazy-recorder.js", &[]).await;
    assert_eq!(older.header("cache-control"), "public, max-age=300");
    assert!(older.status == StatusCode::OK && older.body == ours.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_compressed_for_who_takes_it_and_not_sent_to_who_has_it() {
    let edge = TestEdge::start();
    let gzip = ("accept-encoding", "gzip, br");
    let script = ask(&edge, "GET", "/static/array.js", &[gzip]).await;
    assert_eq!(script.header("content-encoding"), "gzip");
    assert_eq!(script.text().into_bytes(), sdk_assets::get("array").unwrap().inflated());
    let etag = ("if-none-match", script.header("etag"));
    let again = ask(&edge, "GET", "/static/array.js", &[gzip, etag]).await;
    assert!(again.status == StatusCode::NOT_MODIFIED && again.body.is_empty());
    let head = ask(&edge, "HEAD", "/static/array.js", &[gzip]).await;
    assert!(head.status == StatusCode::OK && head.body.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bundle_is_the_configuration_and_then_the_script() {
    let edge = TestEdge::start();
    let script = ask(&edge, "GET", "/array/phc_a/config.js", &[]).await.text();
    assert!(script.contains("_POSTHOG_REMOTE_CONFIG['phc_a'] = { config: {"));
    let expected = script + &ask(&edge, "GET", "/static/array.js", &[]).await.text();
    for encoding in ["gzip", "identity"] {
        let bundle =
            ask(&edge, "GET", "/array/phc_a/array.js", &[("accept-encoding", encoding)]).await;
        assert!(bundle.text() == expected, "{encoding}");
        let etag = ("if-none-match", bundle.header("etag"));
        let again = ask(&edge, "GET", "/array/phc_a/array.js", &[etag]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        let others = ask(&edge, "GET", "/array/phc_b/array.js", &[etag]).await;
        assert_eq!(others.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_configuration_is_told_everywhere() {
    let edge = TestEdge::start();
    let config = ask(&edge, "GET", "/array/phc_a/config", &[]).await;
    assert_eq!(config.header("cache-control"), "public, max-age=300");
    assert!(config.varies_on("origin") && config.varies_on("referer"));
    let config = config.json();
    assert_eq!(config["push"], json!({"appIds": []}));
    let body = r#"{"token":"phc_a","distinct_id":"d"}"#;
    let flags = ask_with(&edge, "POST", "/flags/?v=2&config=true", &[], body).await.json();
    for (key, value) in config.as_object().unwrap() {
        assert_eq!(&flags[key], value, "{key}");
    }
    let without = ask_with(&edge, "POST", "/flags/?v=2", &[], body).await.json();
    assert!(without.get("push").is_none() && without["flags"] == json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_nothing_is_answered_by_nothing() {
    let edge = TestEdge::start();
    for path in ["/flags", "/flags/?v=2", "/decide/", "/array/phc_a/config"] {
        let head = ask(&edge, "HEAD", path, &[]).await;
        assert!(head.status == StatusCode::OK && head.body.is_empty(), "{path}");
        assert_eq!(head.header("content-type"), "application/json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_none_of_is_an_empty_list() {
    let edge = TestEdge::start();
    let lists = [
        ("/api/surveys", json!({"surveys": [], "survey_config": null})),
        ("/api/early_access_features", json!({"earlyAccessFeatures": []})),
        ("/api/web_experiments", json!({"experiments": []})),
        ("/api/product_tours", json!({"product_tours": []})),
    ];
    for (path, empty) in lists {
        let asked = [
            ask(&edge, "GET", &format!("{path}/?token=phc_a&_=1755850000000"), &[]).await,
            ask(&edge, "GET", &format!("{path}?api_key=phc_a"), &[]).await,
            ask_with(&edge, "POST", path, &[], "token=phc_a").await,
            ask_with(&edge, "POST", &format!("{path}/"), &[], r#"{"token":"phc_a"}"#).await,
        ];
        for answer in asked {
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.json(), empty);
            assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
        }
        let missing = ask(&edge, "GET", path, &[]).await;
        assert_eq!(missing.status, StatusCode::UNAUTHORIZED);
        assert_eq!(missing.json()["code"], "missing_api_key");
        let malformed = ask(&edge, "GET", &format!("{path}?token=a%20b"), &[]).await;
        assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found_and_pages_may_know_it() {
    let edge = TestEdge::start();
    let paths = [
        "/static/toolbar.js",
        "/static/array.js.map",
        "/static/array",
        "/static/1.2.3/nothing.js",
        "/site_app/1/phc_a/hash/",
        "/array/phc_a/config.js.map",
        "/api/conversations/v1/widget/tickets",
    ];
    for path in paths {
        let answer = ask(&edge, "GET", path, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
    }
    for path in ["/array/a%27b/config", "/array/a%27b/config.js", "/array/a%27b/array.js"] {
        assert_eq!(ask(&edge, "GET", path, &[]).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn push_messages_are_refused_and_reports_are_taken() {
    let edge = TestEdge::start();
    for method in ["POST", "DELETE"] {
        let refused = ask(&edge, method, "/api/push_subscriptions/", &[]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.json()["code"], "integration_not_found");
    }
    let get = ask(&edge, "GET", "/api/push_subscriptions/", &[]).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    let report = ask_with(&edge, "POST", "/report/?token=phc_a", &[], r#"{"csp-report":{}}"#).await;
    assert_eq!(report.status, StatusCode::NO_CONTENT);
    assert!(edge.rows().is_empty() && edge.recordings().is_empty());
}
