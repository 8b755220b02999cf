//! The sink against a stand-in endpoint that answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use event::{Row, encode_row};
use journal::{JournalId, Offset, RealFs, Record};
use serde_json::{Value, json};

use super::*;
use crate::{Importance, Outcome, Retry, Sink};

/// What the stand-in does with a request.
#[derive(Clone, Copy)]
enum Reply {
    Commit,
    Status(u16),
    RefuseEvent(&'static str),
    LimitRows(usize),
    Hang,
    NoSuccess,
    Redirect,
}

#[derive(Clone, Default)]
struct Endpoint {
    /// One reply for each request to come; afterwards `Commit`.
    replies: Arc<Mutex<VecDeque<Reply>>>,
    always: Arc<Mutex<Option<Reply>>>,
    rows: Arc<Mutex<Vec<Value>>>,
    tokens: Arc<Mutex<Vec<Option<String>>>>,
}

impl Endpoint {
    async fn start(replies: &[Reply]) -> (Self, SocketAddr) {
        let endpoint = Self::default();
        endpoint.replies.lock().unwrap().extend(replies);
        let router = Router::new().route("/", post(receive)).with_state(endpoint.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (endpoint, address)
    }

    fn always(&self, reply: Reply) {
        *self.always.lock().unwrap() = Some(reply);
    }

    fn events(&self) -> Vec<String> {
        let mut events: Vec<_> = self
            .rows
            .lock()
            .unwrap()
            .iter()
            .map(|row| row["event"].as_str().unwrap().to_owned())
            .collect();
        events.sort();
        events
    }
}

async fn receive(State(endpoint): State<Endpoint>, headers: HeaderMap, body: Bytes) -> Response {
    let token = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    endpoint.tokens.lock().unwrap().push(token);
    let rows: Vec<Value> = serde_json::from_slice(&body).unwrap();
    let always = *endpoint.always.lock().unwrap();
    let next = endpoint.replies.lock().unwrap().pop_front();
    let reply = next.or(always).unwrap_or(Reply::Commit);
    match reply {
        Reply::Status(status) => {
            return (StatusCode::from_u16(status).unwrap(), "<html>sorry</html>").into_response();
        }
        Reply::RefuseEvent(event) if rows.iter().any(|row| row["event"] == event) => {
            let body = json!({ "success": false, "errors": [{ "code": 1003 }] });
            return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
        }
        Reply::LimitRows(limit) if rows.len() > limit => {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        }
        Reply::Hang => tokio::time::sleep(Duration::from_secs(3_600)).await,
        Reply::NoSuccess => return axum::Json(json!({ "success": false })).into_response(),
        Reply::Redirect => {
            return (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response();
        }
        Reply::Commit | Reply::RefuseEvent(_) | Reply::LimitRows(_) => {}
    }
    let committed = rows.len();
    endpoint.rows.lock().unwrap().extend(rows);
    axum::Json(json!({ "success": true, "result": { "committed": committed } })).into_response()
}

fn journal_id() -> JournalId {
    JournalId::from_uuid(uuid::Uuid::from_u128(1))
}

fn sink(address: SocketAddr, data_dir: &Path) -> PipelinesSink<EventRows> {
    let mut config = Config::new(format!("http://{address}/").parse().unwrap());
    config.auth_token = Some("secret".into());
    config.timeout = Duration::from_millis(300);
    let folders = Folders {
        fs: Arc::new(RealFs),
        cursors: &data_dir.join("cursors"),
        dead_letters: &data_dir.join("dead-letters"),
    };
    PipelinesSink::new("pipelines", EventRows, config, Importance::Optional, journal_id(), folders)
        .unwrap()
}

fn row(event: &str) -> Row {
    Row { event: event.into(), properties: r#"{"a":1}"#.into(), ..Row::default() }
}

fn record(first: u64, events: &[&str]) -> Record {
    let mut payload = Vec::new();
    events.iter().for_each(|event| encode_row(&row(event), &mut payload));
    Record { first: Offset::new(first), rows: events.len() as u32, payload: payload.into() }
}

fn dead_letters(data_dir: &Path) -> Vec<Value> {
    let folder = data_dir.join("dead-letters/pipelines");
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts
        .flat_map(|text| {
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test]
async fn a_failing_endpoint_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let replies =
        [Reply::Status(500), Reply::Status(503), Reply::Hang, Reply::NoSuccess, Reply::Status(429)];
    let (endpoint, address) = Endpoint::start(&replies).await;
    let mut sink = sink(address, folder.path());
    for _ in replies {
        let error = sink.write(vec![record(0, &["a", "b"])]).await.unwrap_err();
        assert_eq!(error.retry, Retry::Backoff);
        assert!(!error.message.contains("secret"));
    }
    sink.write(vec![record(0, &["a", "b"])]).await.unwrap();
    assert_eq!(endpoint.events(), ["a", "b"]);
    assert_eq!(sink.flush().await.unwrap(), Offset::new(2));
}

#[tokio::test]
async fn what_an_operator_must_put_right_pauses() {
    let folder = tempfile::tempdir().unwrap();
    let replies = [Reply::Status(401), Reply::Status(403), Reply::Status(404), Reply::Redirect];
    let (endpoint, address) = Endpoint::start(&replies).await;
    let mut sink = sink(address, folder.path());
    for _ in replies {
        let error = sink.write(vec![record(0, &["a"])]).await.unwrap_err();
        assert_eq!(error.retry, Retry::Paused);
    }
    // A redirect that was followed would have shown the token once more.
    assert_eq!(endpoint.tokens.lock().unwrap().len(), replies.len());
    assert!(endpoint.rows.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_row_is_put_aside_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, address) = Endpoint::start(&[]).await;
    endpoint.always(Reply::RefuseEvent("poison"));
    let mut sink = sink(address, folder.path());
    let delivery = sink.delivery();
    sink.write(vec![record(0, &["a", "b", "poison", "c", "d"])]).await.unwrap();
    assert_eq!(endpoint.events(), ["a", "b", "c", "d"]);
    let letters = dead_letters(folder.path());
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["journal_offset"], 2);
    assert_eq!(letters[0]["row"]["event"], "poison");
    assert!(letters[0]["reason"].as_str().unwrap().contains("400"));
    assert_eq!(delivery.wait(&[Offset::new(2)], Duration::ZERO).await, Outcome::Refused);
    assert_eq!(delivery.wait(&[Offset::new(3)], Duration::ZERO).await, Outcome::Delivered);
}

#[tokio::test]
async fn a_pipeline_that_refuses_everything_pauses_and_nothing_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, address) = Endpoint::start(&[]).await;
    endpoint.always(Reply::Status(400));
    let mut sink = sink(address, folder.path());
    let error = sink.write(vec![record(0, &["a"; 200])]).await.unwrap_err();
    assert_eq!(error.retry, Retry::Paused);
    assert!(dead_letters(folder.path()).is_empty());
    endpoint.always(Reply::Commit);
    sink.write(vec![record(0, &["a"; 200])]).await.unwrap();
    assert_eq!(endpoint.events().len(), 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_halved() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, address) = Endpoint::start(&[]).await;
    endpoint.always(Reply::LimitRows(1));
    let mut sink = sink(address, folder.path());
    sink.write(vec![record(0, &["a", "b", "c", "d", "e"])]).await.unwrap();
    assert_eq!(endpoint.events(), ["a", "b", "c", "d", "e"]);
    assert!(dead_letters(folder.path()).is_empty());
}

#[tokio::test]
async fn a_retry_sends_only_what_did_not_get_through() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, address) = Endpoint::start(&[Reply::LimitRows(1), Reply::Commit]).await;
    let mut sink = sink(address, folder.path());
    // Halved; the first half is committed, the second fails.
    endpoint.always(Reply::Status(500));
    sink.write(vec![record(0, &["a", "b"])]).await.unwrap_err();
    assert_eq!(endpoint.events(), ["a"]);
    endpoint.always(Reply::Commit);
    sink.write(vec![record(0, &["a", "b"])]).await.unwrap();
    assert_eq!(endpoint.events(), ["a", "b"]);
}

#[tokio::test]
async fn the_cursor_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, address) = Endpoint::start(&[]).await;
    let mut first = sink(address, folder.path());
    assert!(first.load_cursor().await.unwrap().is_none());
    first.write(vec![record(0, &["a", "b"])]).await.unwrap();
    first.flush().await.unwrap();
    let mut second = sink(address, folder.path());
    assert_eq!(second.load_cursor().await.unwrap().unwrap().offset, Offset::new(2));
    second.write(vec![record(1, &["b", "c"])]).await.unwrap();
    assert_eq!(endpoint.events(), ["a", "b", "c"]);
}

/// The rule by which the service keeps or silently drops a row.
fn fits(row: &Value, schema: &Value) -> Result<(), String> {
    let fields = schema["fields"].as_array().unwrap();
    for field in fields {
        let name = field["name"].as_str().unwrap();
        let Some(value) = row.get(name) else {
            match field["required"].as_bool().unwrap() {
                true => return Err(format!("{name} is missing")),
                false => continue,
            }
        };
        let fits = match field["type"].as_str().unwrap() {
            "string" => value.is_string(),
            "json" => value.is_object(),
            "int64" => value.is_i64(),
            "timestamp" => {
                value.as_str().is_some_and(|text| text.parse::<event::Timestamp>().is_ok())
            }
            other => return Err(format!("unknown type {other}")),
        };
        if !fits {
            return Err(format!("{name} is {value}"));
        }
    }
    match row.as_object().unwrap().keys().find(|key| !fields.iter().any(|f| f["name"] == **key)) {
        Some(stranger) => Err(format!("{stranger} is not in the schema")),
        None => Ok(()),
    }
}

#[tokio::test]
async fn no_row_would_be_dropped_or_stripped_under_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, address) = Endpoint::start(&[]).await;
    let full = Row {
        uuid_low: 7,
        distinct_id: "d\u{0}\"\\".into(),
        timestamp_micros: -1,
        created_at_micros: 1,
        team_id: 3,
        token: "phc_a".into(),
        person_created_at_micros: Some(5),
        person_properties: Some(r#"{"plan":"pro"}"#.into()),
        properties: r#"{"$browser":"Chrome","$screen_width":1280,"$os":{"odd":1}}"#.into(),
        elements_chain: "a:href=\"/\"".into(),
        groups: vec!["acme".into(); 5],
        group_properties: Some("{}".into()),
        session_id: Some("s".into()),
        window_id: Some("w".into()),
        context: Some("[1,2]".into()),
        extra: Some(r#""text""#.into()),
        sent_at_micros: Some(9),
        ..row("full")
    };
    let mut payload = Vec::new();
    encode_row(&full, &mut payload);
    encode_row(&row("bare"), &mut payload);
    let record = Record { first: Offset::new(0), rows: 2, payload: payload.into() };
    sink(address, folder.path()).write(vec![record]).await.unwrap();
    for row in endpoint.rows.lock().unwrap().iter() {
        fits(row, &schema()).unwrap();
        assert_eq!(row["event_type"], row["event"]);
        assert_eq!(row["api_key"], row["token"]);
        assert_eq!(row["source"], "posthog");
    }
    assert!(fits(&json!({ "event": 1 }), &schema()).is_err(), "the rule can fail");
}

#[test]
fn the_published_schema_is_the_generated_one() {
    let published =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/pipeline-schema.json");
    let published: Value = serde_json::from_slice(&std::fs::read(published).unwrap()).unwrap();
    assert_eq!(
        published,
        schema(),
        "write `hogflare schema pipelines` to scripts/pipeline-schema.json"
    );
}
