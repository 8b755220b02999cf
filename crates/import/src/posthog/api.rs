//! PostHog's API: asked again where it is busy.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{FIRST_PAUSE, LONGEST_PAUSE};
use crate::target::retry_after;

/// How long a request may take; PostHog gives up on a query after ten minutes.
const TIMEOUT: Duration = Duration::from_secs(660);

#[derive(Debug)]
pub(super) struct Api {
    host: String,
    key: String,
    client: reqwest::Client,
    patience: Duration,
}

impl Api {
    pub(super) fn new(host: &str, key: &str, patience: Duration) -> anyhow::Result<Self> {
        let parsed = reqwest::Url::parse(host).with_context(|| format!("--host {host}"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            bail!("--host {host}: expected http:// or https://");
        }
        // The key must not follow to wherever a redirect leads.
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let host = host.trim_end_matches('/').to_owned();
        Ok(Self { host, key: key.to_owned(), client, patience })
    }

    /// The path of a page, which PostHog names by its address.
    pub(super) fn path_of(&self, next: &str) -> anyhow::Result<String> {
        let next =
            reqwest::Url::parse(next).with_context(|| format!("PostHog's next page {next}"))?;
        let query = next.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(format!("{}{query}", next.path()))
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(path, None).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        json: &Value,
    ) -> anyhow::Result<T> {
        self.ask(path, Some(json)).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        json: Option<&Value>,
    ) -> anyhow::Result<T> {
        let (since, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let (trouble, wanted) = match self.once(path, json).await {
                Ok((status, _, body)) if status.is_success() => match serde_json::from_slice(&body)
                {
                    Ok(answer) => return Ok(answer),
                    // An answer that broke off is one, too.
                    Err(error) if error.is_eof() => (format!("{error}"), None),
                    Err(error) => {
                        return Err(error).with_context(|| format!("PostHog's answer to {path}"));
                    }
                },
                Ok((status, wanted, body)) if is_passing(status) => {
                    (format!("{status} {}", said(&body)), wanted)
                }
                Ok((status, _, body)) => bail!("PostHog refuses {path}: {status} {}", said(&body)),
                Err(error) => (format!("{error:#}"), None),
            };
            if since.elapsed() > self.patience {
                bail!(
                    "PostHog does not answer {path}: {trouble}; the same command goes on from here"
                );
            }
            let jittered = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
            tokio::time::sleep(wanted.map_or(jittered, |wanted| wanted.max(jittered))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn once(
        &self,
        path: &str,
        json: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, Option<Duration>, bytes::Bytes)> {
        let url = format!("{}{path}", self.host);
        let request = match json {
            Some(json) => self.client.post(url).json(json),
            None => self.client.get(url),
        };
        let answer = request.bearer_auth(&self.key).send().await?;
        let (status, wanted) = (answer.status(), retry_after(answer.headers()));
        Ok((status, wanted, answer.bytes().await?))
    }
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

fn said(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(300).collect()
}
