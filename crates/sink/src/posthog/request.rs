//! One request to PostHog, and what its answer means.
//!
//! Not by `reqwest`: that writes URLs anew, and paths and queries are to be as they came.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{Config, FORWARDED_HEADER, RawRequest};
use crate::metrics;

/// How much of an answer is worth keeping in a log or a dead letter.
const REASON_BYTES: usize = 2_048;
/// A longer answer is not read to its end, which costs its connection.
const READ_BYTES: usize = 64 * 1_024;
/// An idle connection older than this may have been closed by the other side.
const POOL_IDLE: Duration = Duration::from_secs(45);
/// A connection that takes longer will hardly come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait where PostHog says it has too much and not for how long.
const BUSY: Duration = Duration::from_secs(5);

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What became of a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// PostHog has it.
    Taken,
    /// It will not take this one.
    Refused(Refusal),
    /// It may take it later.
    Failed(Failure),
}

/// A request that would be refused again.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: String,
    /// Whether the fault may be the address's: not found, forbidden, moved elsewhere.
    pub(super) is_suspicious: bool,
}

/// A request that may be taken later.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: String,
    /// Nobody else would fare better, and for how long, where that was said.
    pub(super) is_everybodys: bool,
    pub(super) retry_after: Option<Duration>,
}

/// Sends requests.
#[derive(Debug)]
pub(super) struct Requester {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    config: Config,
}

impl Requester {
    pub(super) fn new(config: Config) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT.min(config.timeout)));
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_timer(TokioTimer::new())
            // A connection that was closed before anything was written to it is no failure.
            .retry_canceled_requests(true)
            .build(connector);
        Self { client, config }
    }

    /// Sends a request as it came.
    pub(super) async fn send(&self, raw: &RawRequest) -> Answer {
        let started = Instant::now();
        let (answer, outcome) = match self.request_of(raw) {
            Ok(request) => self.ask(request).await,
            Err(error) => {
                let reason = format!("cannot be sent: {error}");
                (Answer::Refused(Refusal { reason, is_suspicious: false }), "unsendable")
            }
        };
        ::metrics::counter!(metrics::TEE_REQUESTS_TOTAL, "outcome" => outcome).increment(1);
        ::metrics::histogram!(metrics::TEE_REQUEST_SECONDS).record(started.elapsed());
        answer
    }

    /// Asks for a page; says its status.
    pub(super) async fn get(&self, target: &str) -> Result<StatusCode, String> {
        let uri: Uri = self.uri(target).map_err(|error| error.to_string())?;
        let request = Request::get(uri).body(Full::new(Bytes::new()));
        let request = request.map_err(|error| error.to_string())?;
        match tokio::time::timeout(self.config.timeout, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response.status()),
            Ok(Err(error)) => Err(cause_of(&error)),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    fn uri(&self, target: &str) -> Result<Uri, http::Error> {
        Ok(format!("{}{target}", self.config.base()).parse()?)
    }

    fn request_of(&self, raw: &RawRequest) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = Request::builder()
            .method(Method::from_bytes(raw.method.as_bytes())?)
            .uri(self.uri(&raw.target)?)
            .header(FORWARDED_HEADER, HeaderValue::from_static("1"));
        for header in &raw.headers {
            request = request.header(header.name.as_str(), header.value.as_slice());
        }
        if self.config.forwards_address && !raw.client_ip.is_empty() {
            request = request.header(FORWARDED_FOR, raw.client_ip.as_str());
        }
        request.body(Full::new(raw.body.clone()))
    }

    /// Sends a request; also says in a word what came of it.
    async fn ask(&self, request: Request<Full<Bytes>>) -> (Answer, &'static str) {
        let asking = async {
            let response = self.client.request(request).await.map_err(|error| Failure {
                reason: format!("request failed: {}", cause_of(&error)),
                is_everybodys: error.is_connect(),
                retry_after: None,
            })?;
            Ok((response.status(), retry_after(&response), text_of(response).await))
        };
        match tokio::time::timeout(self.config.timeout, asking).await {
            Ok(Ok((status, retry_after, text))) => {
                (classify(status, retry_after, &text), outcome(status))
            }
            Ok(Err(failure)) => (Answer::Failed(failure), "no_answer"),
            Err(_) => {
                let reason = "no answer in time".to_owned();
                let failure = Failure { reason, is_everybodys: false, retry_after: None };
                (Answer::Failed(failure), "no_answer")
            }
        }
    }
}

/// A status as a metric's label.
fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..300 => "success",
        300..400 => "redirect",
        401 | 403 => "unauthorized",
        404 | 405 | 410 => "not_found",
        408 => "no_answer",
        413 => "too_large",
        429 => "rate_limited",
        400..500 => "refused",
        _ => "server_error",
    }
}

/// What an answer means: of what PostHog's SDKs send again, it may be taken later.
fn classify(status: StatusCode, retry_after: Option<Duration>, text: &str) -> Answer {
    let reason = format!("answered {status}: {text}");
    match status.as_u16() {
        // PostHog says so, too, where its own quota is spent and nothing was stored.
        200..300 => Answer::Taken,
        429 | 503 => Answer::Failed(Failure {
            reason,
            is_everybodys: true,
            retry_after: Some(retry_after.unwrap_or(BUSY)),
        }),
        408 | 500.. => Answer::Failed(Failure { reason, is_everybodys: false, retry_after }),
        // A redirect is not followed: it would take requests to another host, or turn them into GETs.
        100..=399 | 401 | 403 | 404 | 405 | 407 | 410 => {
            Answer::Refused(Refusal { reason, is_suspicious: true })
        }
        _ => Answer::Refused(Refusal { reason, is_suspicious: false }),
    }
}

fn retry_after(response: &Response<Incoming>) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The innermost cause; an error's own text may name the URL.
fn cause_of(error: &hyper_util::client::legacy::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// The beginning of a body as text. Where it breaks off, what its status said holds all the same.
async fn text_of(response: Response<Incoming>) -> String {
    let mut body = response.into_body();
    let (mut bytes, mut read) = (Vec::new(), 0);
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        read += data.len();
        if bytes.len() < REASON_BYTES {
            bytes.extend_from_slice(&data);
        }
        if read > READ_BYTES {
            break;
        }
    }
    bytes.truncate(REASON_BYTES);
    String::from_utf8_lossy(&bytes).trim().to_owned()
}
