//! The sink against a stand-in PostHog that answers as it is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use journal::{JournalId, Offset, RealFs, Record};
use tokio::sync::watch;

use super::*;
use crate::{DeadLetters, Retry, Sink};

/// Answers by what stands in a body, and remembers the bodies that it took.
#[derive(Clone, Default)]
struct Stand {
    answers: Arc<Mutex<BTreeMap<String, u16>>>,
    everything: Arc<Mutex<Option<u16>>>,
    taken: Arc<Mutex<Vec<String>>>,
    asked: Arc<Mutex<usize>>,
}

impl Stand {
    async fn start() -> (Self, SocketAddr) {
        let stand = Self::default();
        let router = Router::new().fallback(receive).with_state(stand.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stand, address)
    }

    fn answer(&self, body: &str, status: u16) {
        self.answers.lock().unwrap().insert(body.to_owned(), status);
    }

    fn answer_all(&self, status: Option<u16>) {
        *self.everything.lock().unwrap() = status;
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

async fn receive(State(stand): State<Stand>, request: Request) -> Response {
    *stand.asked.lock().unwrap() += 1;
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let of_body = stand.answers.lock().unwrap().get(&body).copied();
    let status = of_body.or(*stand.everything.lock().unwrap()).unwrap_or(200);
    match status {
        200 => stand.taken.lock().unwrap().push(body),
        599 => tokio::time::sleep(Duration::from_secs(3_600)).await,
        _ => {}
    }
    (StatusCode::from_u16(status).unwrap(), [(header::RETRY_AFTER, "7")], "so it is")
        .into_response()
}

fn record(offset: u64, sender: &str, body: &str) -> Record {
    let request = RawRequest {
        method: "POST".into(),
        target: "/e/".into(),
        body: body.to_owned().into(),
        token: "phc_a".into(),
        client_ip: sender.into(),
        ..RawRequest::default()
    };
    Record { first: Offset::new(offset), rows: 1, payload: request.encode_record() }
}

struct Bench {
    stand: Stand,
    sink: PosthogSink,
    config: Config,
    folder: tempfile::TempDir,
    _stop: watch::Sender<bool>,
}

impl Bench {
    async fn new() -> Self {
        let (stand, address) = Stand::start().await;
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(format!("http://{address}").parse().unwrap());
        config.timeout = Duration::from_millis(300);
        let (stop, stopped) = watch::channel(false);
        let (cursors, letters) = (folder.path().join("cursors"), folder.path().join("letters"));
        let id = JournalId::from_uuid(uuid::Uuid::from_u128(1));
        let sink =
            PosthogSink::new(config.clone(), id, Arc::new(RealFs), (&cursors, &letters), stopped)
                .unwrap();
        Self { stand, sink, config, folder, _stop: stop }
    }

    fn reasons(&self) -> Vec<String> {
        let letters = DeadLetters::new("posthog", self.folder.path().join("letters/posthog"));
        let files = letters.files().unwrap();
        let read = |file: &std::path::PathBuf| DeadLetters::read(file).unwrap().0;
        files.iter().flat_map(read).map(|letter| letter.reason).collect()
    }
}

#[tokio::test]
async fn requests_of_a_sender_stay_in_order() {
    let mut bench = Bench::new().await;
    let senders = ["a", "b", "c"];
    let records = (0..60).map(|n| {
        let sender = senders[n as usize % 3];
        record(n, sender, &format!("{sender}{n:02}"))
    });
    bench.sink.write(records.collect()).await.unwrap();
    assert_eq!(bench.sink.flush().await.unwrap(), Offset::new(60));
    let taken = bench.stand.taken();
    assert_eq!(taken.len(), 60);
    for sender in senders {
        let of_sender: Vec<_> = taken.iter().filter(|body| body.starts_with(sender)).collect();
        assert!(of_sender.is_sorted(), "{of_sender:?}");
    }
}

#[tokio::test]
async fn nothing_overtakes_what_failed_and_others_go_on() {
    let mut bench = Bench::new().await;
    bench.stand.answer("a0", 500);
    let records = vec![record(0, "a", "a0"), record(1, "b", "b1"), record(2, "a", "a2")];
    let error = bench.sink.write(records.clone()).await.unwrap_err();
    assert_eq!(error.retry, Retry::After(Duration::from_secs(7)));
    assert_eq!(bench.stand.taken(), ["b1"]);
    bench.stand.answer("a0", 200);
    bench.sink.write(records).await.unwrap();
    assert_eq!(bench.stand.taken(), ["b1", "a0", "a2"], "b1 is not sent again");
    assert_eq!(bench.sink.flush().await.unwrap(), Offset::new(3));
}

#[tokio::test]
async fn a_refused_request_is_put_aside() {
    let mut bench = Bench::new().await;
    bench.stand.answer("a0", 400);
    bench.stand.answer("a1", 413);
    let records = (0..3).map(|n| record(n, "a", &format!("a{n}"))).collect();
    bench.sink.write(records).await.unwrap();
    assert_eq!(bench.stand.taken(), ["a2"]);
    let reasons = bench.reasons();
    assert!(reasons[0].contains("400") && reasons[1].contains("413"), "{reasons:?}");
}

#[tokio::test]
async fn a_wrong_address_puts_nothing_aside() {
    let mut bench = Bench::new().await;
    bench.stand.answer_all(Some(404));
    let records: Vec<_> = (0..100).map(|n| record(n, "a", &format!("a{n:02}"))).collect();
    let error = bench.sink.write(records.clone()).await.unwrap_err();
    assert_eq!(error.retry, Retry::Paused, "{error}");
    let asked = bench.stand.asked();
    bench.sink.write(records.clone()).await.unwrap_err();
    assert_eq!(bench.stand.asked(), asked + 1, "one is asked for, not a hundred");
    assert!(bench.reasons().is_empty());
    bench.stand.answer_all(None);
    bench.sink.write(records).await.unwrap();
    assert_eq!(bench.stand.taken().len(), 100);
}

#[tokio::test]
async fn a_request_that_always_fails_is_put_aside_where_others_are_taken() {
    let mut bench = Bench::new().await;
    bench.stand.answer("bad", 500);
    let mut records = vec![record(0, "a", "bad"), record(1, "a", "good")];
    let mut tries = 0;
    while bench.sink.write(records.clone()).await.is_err() {
        tries += 1;
        assert!(tries < 100);
        if tries == 30 {
            assert!(bench.reasons().is_empty(), "nothing says that it is not PostHog's fault");
            records.push(record(2, "b", "other"));
        }
    }
    assert_eq!(bench.stand.taken(), ["other", "good"]);
    assert!(bench.reasons()[0].contains("while others were taken"));
}

#[tokio::test]
async fn an_outage_is_noticed_by_a_few_requests() {
    let mut bench = Bench::new().await;
    bench.stand.answer_all(Some(599));
    let records = (0..200).map(|n| record(n, &format!("sender {n}"), "hangs")).collect();
    bench.sink.write(records).await.unwrap_err();
    assert!(bench.stand.asked() <= 24, "{}", bench.stand.asked());
}

#[tokio::test]
async fn letters_are_sent_again_as_they_came() {
    let mut bench = Bench::new().await;
    bench.stand.answer("a0", 400);
    bench.sink.write(vec![record(0, "a", "a0")]).await.unwrap();
    bench.stand.answer("a0", 200);
    let letters = DeadLetters::new("posthog", bench.folder.path().join("letters/posthog"));
    let letters = DeadLetters::read(&letters.files().unwrap()[0]).unwrap().0;
    let resent = resend(&bench.config, letters).await.unwrap();
    assert_eq!((resent.taken, resent.refused.len()), (1, 0));
    assert_eq!(bench.stand.taken(), ["a0"]);
}
