//! One request to the endpoint, and what its answer means.

use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use serde::Deserialize;
use tracing::warn;

use super::Config;
use crate::{Error, metrics};

/// How much of an answer is worth keeping in a log or a dead letter.
const REASON_BYTES: usize = 2_048;
/// An idle connection older than this may have been closed by the other side.
const POOL_IDLE: Duration = Duration::from_secs(45);
/// A connection that takes longer will hardly come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the service said of a body.
#[derive(Debug)]
pub(super) enum Answer {
    /// It holds the rows.
    Committed,
    /// The body is too large; half of it may not be.
    TooLarge(String),
    /// Something in the body is wrong, and will be wrong again.
    Refused(String),
}

/// Sends bodies.
#[derive(Debug)]
pub(super) struct Requester {
    /// The sink's name, for metrics.
    name: &'static str,
    client: Client,
    config: Config,
}

impl Requester {
    pub(super) fn new(name: &'static str, config: Config) -> Result<Self, reqwest::Error> {
        let builder = match config.endpoint.scheme() {
            // In the clear means loopback, and no proxy is to hear of it.
            "http" => Client::builder().no_proxy(),
            _ => Client::builder().https_only(true),
        };
        let client = builder
            .timeout(config.timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(config.timeout))
            .pool_idle_timeout(POOL_IDLE)
            // A redirect would take the token to another host.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("hogflare/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { name, client, config })
    }

    /// Posts a JSON array of so many rows.
    pub(super) async fn post(&self, body: Vec<u8>, rows: usize) -> Result<Answer, Error> {
        let (started, bytes) = (Instant::now(), body.len() as u64);
        let (result, outcome) = self.ask(body, rows).await;
        let labels = [("sink", self.name), ("outcome", outcome)];
        ::metrics::counter!(metrics::PIPELINE_REQUESTS_TOTAL, &labels).increment(1);
        ::metrics::counter!(metrics::PIPELINE_ROWS_TOTAL, &labels).increment(rows as u64);
        ::metrics::counter!(metrics::PIPELINE_BYTES_TOTAL, &labels).increment(bytes);
        ::metrics::histogram!(metrics::PIPELINE_REQUEST_SECONDS, "sink" => self.name)
            .record(started.elapsed());
        result
    }

    /// Sends a body; also says in a word what came of it.
    async fn ask(&self, body: Vec<u8>, rows: usize) -> (Result<Answer, Error>, &'static str) {
        let mut request = self
            .client
            .post(self.config.endpoint.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        if let Some(token) = &self.config.auth_token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        match request.send().await {
            Ok(response) => {
                let outcome = outcome(response.status());
                let token = self.config.auth_token.as_deref();
                (classify(self.name, response, rows, token).await, outcome)
            }
            Err(error) => (Err(unanswered(self.name, &error)), "no_answer"),
        }
    }
}

/// A status as a metric's label.
fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..300 => "success",
        300..400 => "redirect",
        400 | 422 => "refused",
        401 | 403 => "unauthorized",
        404 | 405 | 410 => "not_found",
        413 => "too_large",
        429 => "rate_limited",
        400..500 => "client_error",
        _ => "server_error",
    }
}

/// No answer came; unless the connection was never made, the rows may have arrived.
fn unanswered(name: &'static str, error: &reqwest::Error) -> Error {
    if !error.is_connect() {
        ::metrics::counter!(metrics::AMBIGUOUS_RETRIES_TOTAL, "sink" => name).increment(1);
    }
    let cause =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
            .last()
            .map(ToString::to_string)
            .unwrap_or_default();
    let what = if error.is_timeout() { "timed out" } else { "failed" };
    // The error's own text names the URL, which may carry credentials.
    Error::transient(format!("request {what}: {cause}"))
}

async fn classify(
    name: &'static str,
    response: Response,
    rows: usize,
    token: Option<&str>,
) -> Result<Answer, Error> {
    let status = response.status();
    let retry_after = retry_after(&response);
    let (text, cut) = text_of(response).await;
    let text = redact(text, token);
    if let Some(error) = cut.filter(|_| status.is_success()) {
        // The rows are most likely there, but nobody has said so.
        return Err(unanswered(name, &error));
    }
    let message = format!("answered {status}: {text}");
    match status {
        StatusCode::OK => committed(name, &text, rows),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Ok(Answer::Refused(message)),
        StatusCode::PAYLOAD_TOO_LARGE => Ok(Answer::TooLarge(message)),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => match retry_after {
            Some(retry_after) => Err(Error::busy(message, retry_after)),
            None => Err(Error::transient(message)),
        },
        StatusCode::REQUEST_TIMEOUT => Err(Error::transient(message)),
        status if status.is_success() => committed(name, &text, rows),
        status if status.is_server_error() => Err(Error::transient(message)),
        // Wrong token, deleted stream, wrong URL: a redirect or another 4xx is no fault of a row.
        _ => Err(Error::paused(message)),
    }
}

#[derive(Deserialize)]
struct Body {
    success: Option<bool>,
    status: Option<String>,
    result: Option<CommitResult>,
}

#[derive(Deserialize)]
struct CommitResult {
    committed: Option<u64>,
}

/// Reads `{"success":true,"result":{"committed":n}}`.
fn committed(name: &'static str, text: &str, rows: usize) -> Result<Answer, Error> {
    let strange = || Error::paused(format!("answered 200, but not as a pipeline does: {text}"));
    // A portal, a login page, another service: whoever answers so has stored nothing.
    let body: Body = serde_json::from_str(text).map_err(|_| strange())?;
    if body.success == Some(false) {
        return Err(Error::transient(format!("answered 200 without success: {text}")));
    }
    // The first emulator of this project said `{"status":"ok"}`.
    let is_success = body.success == Some(true) || body.status.as_deref() == Some("ok");
    if !is_success && body.result.is_none() {
        return Err(strange());
    }
    match body.result.and_then(|result| result.committed) {
        Some(0) if rows > 0 => Err(Error::transient("answered 200 and committed no row")),
        Some(committed) if committed != rows as u64 => {
            // Undocumented; sending again would store the committed ones twice and tell nothing.
            ::metrics::counter!(metrics::COUNT_MISMATCHES_TOTAL, "sink" => name).increment(1);
            warn!(committed, rows, "pipeline committed another number of rows than was sent");
            Ok(Answer::Committed)
        }
        _ => Ok(Answer::Committed),
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// An answer that repeats the token must not bring it into a log or a dead letter.
fn redact(text: String, token: Option<&str>) -> String {
    match token.filter(|token| !token.is_empty()) {
        Some(token) => text.replace(token, "…"),
        None => text,
    }
}

/// The body as text, and what cut it short.
async fn text_of(mut response: Response) -> (String, Option<reqwest::Error>) {
    let (mut bytes, mut cut) = (Vec::new(), None);
    while bytes.len() < REASON_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                cut = Some(error);
                break;
            }
        }
    }
    bytes.truncate(REASON_BYTES);
    (String::from_utf8_lossy(&bytes).trim().to_owned(), cut)
}
