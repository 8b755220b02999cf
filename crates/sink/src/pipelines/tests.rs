//! The sink against a stand-in endpoint that answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use event::{Change, PersonId, Row, Table, TeamId, Timestamp, encode_row};
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
    EchoToken,
    /// Commits after a while, so that requests pile up.
    Slow,
}

#[derive(Clone, Default)]
struct Endpoint {
    /// One reply for each request to come; afterwards `Commit`.
    replies: Arc<Mutex<VecDeque<Reply>>>,
    always: Arc<Mutex<Option<Reply>>>,
    rows: Arc<Mutex<Vec<Value>>>,
    tokens: Arc<Mutex<Vec<Option<String>>>>,
    /// Bytes of each body.
    bodies: Arc<Mutex<Vec<usize>>>,
    open: Arc<AtomicUsize>,
    most_open: Arc<AtomicUsize>,
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
    endpoint.bodies.lock().unwrap().push(body.len());
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
        Reply::Slow => {
            let now = 1 + endpoint.open.fetch_add(1, Ordering::SeqCst);
            endpoint.most_open.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(30)).await;
            endpoint.open.fetch_sub(1, Ordering::SeqCst);
        }
        Reply::EchoToken => {
            let token = endpoint.tokens.lock().unwrap().last().unwrap().clone().unwrap();
            return (StatusCode::FORBIDDEN, format!("you said {token}")).into_response();
        }
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

fn config(address: SocketAddr) -> Config {
    let mut config = Config::new(format!("http://{address}/").parse().unwrap());
    config.auth_token = Some("secret".into());
    config.timeout = Duration::from_millis(300);
    config
}

fn sink(address: SocketAddr, data_dir: &Path) -> PipelinesSink<EventRows> {
    sink_of(
        EventRows {
            route: Route::everything(),
            is_only_copy: false,
            erasures: event::Erasures::default(),
        },
        config(address),
        data_dir,
    )
}

fn sink_of<S: RowSource>(rows: S, config: Config, data_dir: &Path) -> PipelinesSink<S> {
    let folders = Folders {
        fs: Arc::new(RealFs),
        cursors: &data_dir.join("cursors"),
        dead_letters: &data_dir.join("dead-letters"),
    };
    PipelinesSink::new("pipelines", rows, config, Importance::Optional, journal_id(), folders)
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
    sink.flush().await.unwrap();
    // A restart does not make it delivered.
    let mut second = self::sink(address, folder.path());
    second.load_cursor().await.unwrap();
    let delivery = second.delivery();
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
async fn what_was_too_large_once_is_not_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, address) = Endpoint::start(&[]).await;
    let mut sink = sink(address, folder.path());
    let events: Vec<String> = (0..400).map(|number| format!("{number:0>500}")).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    endpoint.always(Reply::LimitRows(300));
    sink.write(vec![record(0, &events)]).await.unwrap();
    let first = endpoint.bodies.lock().unwrap().drain(..).collect::<Vec<_>>();
    assert_eq!(first.len(), 3, "one too large, two halves");
    sink.write(vec![record(400, &events)]).await.unwrap();
    let second = endpoint.bodies.lock().unwrap().clone();
    assert!(second.iter().all(|bytes| *bytes <= first[0] / 2 + 2), "{second:?}");
    assert_eq!(endpoint.events().len(), 800);
}

#[tokio::test]
async fn an_answer_that_repeats_the_token_does_not_get_it_into_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let (_, address) = Endpoint::start(&[Reply::EchoToken]).await;
    let error = sink(address, folder.path()).write(vec![record(0, &["a"])]).await.unwrap_err();
    assert!(error.message.contains("you said Bearer …"), "{error}");
}

#[tokio::test]
async fn requests_in_flight_follow_what_the_service_bears() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, address) = Endpoint::start(&[]).await;
    let mut config = config(address);
    (config.max_batch_bytes, config.concurrency) = (700, 4);
    let rows = EventRows {
        route: Route::everything(),
        is_only_copy: false,
        erasures: event::Erasures::default(),
    };
    let mut sink = sink_of(rows, config, folder.path());
    let events = ["e"; 64];
    endpoint.always(Reply::Slow);
    for first in 0..3 {
        sink.write(vec![record(first * 64, &events)]).await.unwrap();
    }
    assert_eq!(endpoint.most_open.swap(0, Ordering::SeqCst), 4);
    endpoint.always(Reply::Status(429));
    let before = endpoint.tokens.lock().unwrap().len();
    sink.write(vec![record(192, &events)]).await.unwrap_err();
    assert!(endpoint.tokens.lock().unwrap().len() - before <= 4, "nothing is sent after a failure");
    let before = endpoint.tokens.lock().unwrap().len();
    sink.write(vec![record(192, &events)]).await.unwrap_err();
    assert_eq!(endpoint.tokens.lock().unwrap().len() - before, 1, "a single request goes ahead");
    endpoint.always(Reply::Slow);
    sink.write(vec![record(192, &events)]).await.unwrap();
    assert!(endpoint.most_open.load(Ordering::SeqCst) < 4);
    assert_eq!(endpoint.events().len(), 256);
}

#[tokio::test]
async fn every_stream_gets_its_rows_and_resolves_all_offsets() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, address) = Endpoint::start(&[]).await;
    let route = Route::only(["phc_a".to_owned()].into());
    let mut sink = sink_of(
        EventRows { route, is_only_copy: false, erasures: event::Erasures::default() },
        config(address),
        folder.path(),
    );
    let mut payload = Vec::new();
    for token in ["phc_a", "phc_b", "phc_a", "phc_b"] {
        encode_row(&Row { token: token.into(), ..row(token) }, &mut payload);
    }
    let record = Record { first: Offset::new(0), rows: 4, payload: payload.into() };
    sink.write(vec![record]).await.unwrap();
    assert_eq!(endpoint.events(), ["phc_a", "phc_a"]);
    assert_eq!(sink.flush().await.unwrap(), Offset::new(4));
    let last = [Offset::new(3)];
    assert_eq!(sink.delivery().wait(&last, Duration::ZERO).await, Outcome::Delivered);
}

#[tokio::test]
async fn letters_are_sent_again_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let (endpoint, address) = Endpoint::start(&[]).await;
    endpoint.always(Reply::RefuseEvent("poison"));
    sink(address, folder.path()).write(vec![record(0, &["poison", "a", "poison"])]).await.unwrap();
    let files = crate::DeadLetters::new("x", folder.path().join("dead-letters/pipelines")).files();
    let letters = crate::DeadLetters::read(&files.unwrap()[0]).unwrap().0;
    assert_eq!(letters.len(), 2);
    let refused = resend(&config(address), letters.clone()).await.unwrap();
    assert_eq!((refused.taken, refused.refused.len()), (0, 2));
    endpoint.always(Reply::Commit);
    let taken = resend(&config(address), letters).await.unwrap();
    assert_eq!((taken.taken, taken.refused.len()), (2, 0));
    assert_eq!(endpoint.events(), ["a", "poison", "poison"]);
}

#[test]
fn rows_and_token_stay_out_of_the_clear() {
    let refusal = |url: &str| Config::new(url.parse().unwrap()).refusal();
    for url in ["https://x.ingest.cloudflare.com", "http://127.0.0.1:1/", "http://[::1]:1/"] {
        assert_eq!(refusal(url), None, "{url}");
    }
    for url in ["http://example.com/", "ftp://127.0.0.1/", "https://user:pass@example.com/"] {
        assert!(refusal(url).is_some(), "{url}");
    }
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
        fits(row, &schema(Table::Events)).unwrap();
        assert_eq!(row["event_type"], row["event"]);
        assert_eq!(row["api_key"], row["token"]);
        assert_eq!(row["source"], "posthog");
    }
    assert!(fits(&json!({ "event": 1 }), &schema(Table::Events)).is_err(), "the rule can fail");
}

#[tokio::test]
async fn no_row_of_persons_or_groups_would_be_dropped_or_stripped_under_its_schema() {
    let (team, at) = (TeamId(2), Timestamp::from_micros);
    let person = |number| PersonId(uuid::Uuid::from_u128(number));
    let changes = [
        Change::Person {
            team,
            id: person(1),
            version: 3,
            created_at: at(5),
            is_identified: true,
            last_seen_at: Some(at(6)),
            properties: r#"{"plan":"pro"}"#.to_owned(),
            is_deleted: false,
        },
        Change::DistinctId {
            team,
            distinct_id: "user \u{7}".to_owned(),
            person_id: person(1),
            version: 1,
            is_deleted: true,
        },
        Change::Override { team, old_person_id: person(8), person_id: person(1), version: 4 },
        Change::Group {
            team,
            type_index: 4,
            key: "acme".to_owned(),
            created_at: at(11),
            properties: "{}".to_owned(),
            version: i64::MAX,
            is_deleted: false,
        },
        Change::GroupType { team, index: 4, name: "company".to_owned() },
    ];
    let mut payload = Vec::new();
    for change in changes {
        encode_row(&change.into_row(at(90)), &mut payload);
    }
    encode_row(&row("an event"), &mut payload);
    let record = Record { first: Offset::new(0), rows: 6, payload: payload.into() };
    for stream in TableStream::ALL {
        let folder = tempfile::tempdir().unwrap();
        let (endpoint, address) = Endpoint::start(&[]).await;
        let rows = TableRows { table: stream.table, erasures: event::Erasures::default() };
        let mut sink = sink_of(rows, config(address), folder.path());
        sink.write(vec![record.clone()]).await.unwrap();
        let rows = endpoint.rows.lock().unwrap().clone();
        assert_eq!(rows.len(), 1, "{stream:?}");
        fits(&rows[0], &schema(stream.table)).unwrap();
        assert_eq!(sink.flush().await.unwrap(), Offset::new(6), "the others are passed");
    }
}

#[test]
fn the_published_schema_is_the_generated_one() {
    let published =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/pipeline-schema.json");
    let published: Value = serde_json::from_slice(&std::fs::read(published).unwrap()).unwrap();
    assert_eq!(
        published,
        schema(Table::Events),
        "write `hogflare schema pipelines` to scripts/pipeline-schema.json"
    );
}
