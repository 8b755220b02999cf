//! The server that the events go to: by the socket in its data folder, or by its address.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Where events go.
#[derive(Clone, Debug)]
pub enum Target {
    /// The server of a data folder, through its socket.
    Local(PathBuf),
    /// A server by its address, and the key that it wants to see.
    Host {
        /// Such as `https://stats.example.com`.
        url: String,
        /// The administrator's, or one that looks after projects.
        key: String,
        /// Keeps connections.
        client: reqwest::Client,
    },
}

/// What the server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// How long it wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Target {
    /// A server by its address.
    ///
    /// # Errors
    /// When the address is none.
    pub fn host(url: &str, key: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        let parsed = reqwest::Url::parse(url).with_context(|| format!("--host {url}"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            bail!("--host {url}: expected http:// or https://");
        }
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self::Host { url, key: key.to_owned(), client })
    }

    /// What tells it from others, for the ledger.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Local(socket) => socket.display().to_string(),
            Self::Host { url, .. } => url.clone(),
        }
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn post(&self, path: &str, json: Bytes) -> anyhow::Result<Answer> {
        match self {
            Self::Local(socket) => {
                match tokio::time::timeout(TIMEOUT, post_locally(socket, path, json)).await {
                    Ok(answer) => answer,
                    Err(_) => bail!("no answer within {} s", TIMEOUT.as_secs()),
                }
            }
            Self::Host { url, key, client } => {
                let request = client
                    .post(format!("{url}{path}"))
                    .header(CONTENT_TYPE, "application/json")
                    .header(AUTHORIZATION, format!("Bearer {key}"))
                    .body(json);
                let answer = request.send().await?;
                let (status, retry_after) = (answer.status(), retry_after(answer.headers()));
                Ok(Answer { status, retry_after, body: answer.bytes().await? })
            }
        }
    }

    /// The rows that a question has for an answer.
    ///
    /// # Errors
    /// When it is not answered.
    pub(crate) async fn ask(&self, sql: &str) -> anyhow::Result<Vec<serde_json::Value>> {
        let question = serde_json::json!({ "query": sql, "format": "ndjson" }).to_string();
        let answer = self.post("/api/sql", question.into()).await?;
        if !answer.status.is_success() {
            let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            bail!("{}: {}", answer.status, body["error"].as_str().unwrap_or("no reason given"));
        }
        let lines = answer.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.map(serde_json::from_slice).collect::<Result<_, _>>()?)
    }
}

async fn post_locally(socket: &PathBuf, path: &str, json: Bytes) -> anyhow::Result<Answer> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = http::Request::post(path)
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(json))?;
    let answer = sender.send_request(request).await?;
    let (status, retry_after) = (answer.status(), retry_after(answer.headers()));
    let body = answer.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok(Answer { status, retry_after, body })
}

/// Seconds, as both servers say it.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}
