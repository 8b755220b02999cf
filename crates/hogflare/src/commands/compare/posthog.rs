//! Counting in a PostHog, through its query API.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Client, StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::json;

use super::difference::Counts;
use super::span::Span;

/// The most rows that PostHog answers with.
const MOST_ROWS: usize = 50_000;
/// Days of a question: some events differ from day to day by their names, and every name is a row.
const DAYS: i64 = 30;
/// A question over a month of a large project takes its time.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How often a question is asked again when PostHog has too much to do.
const TRIES: u32 = 5;

/// A project of a PostHog.
pub(super) struct Posthog {
    client: Client,
    url: Url,
    key: String,
}

impl Posthog {
    /// A project at a host, and a key that may read it.
    pub(super) fn new(host: &str, project: u64, key: &str) -> anyhow::Result<Self> {
        let expected = "--host: an https URL such as https://us.posthog.com, where its pages are";
        let mut url: Url = host.parse().context(expected)?;
        let path = format!("{}/api/projects/{project}/query/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        // The key would travel in the clear.
        let refusal = sink::posthog::Config::new(url.clone()).refusal();
        if let Some(refusal) = refusal {
            bail!("--host: {refusal}");
        }
        let client = Client::builder()
            .timeout(TIMEOUT)
            // A redirect would take the key to another host.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("hogflare/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, url, key: key.to_owned() })
    }

    /// Counts events by day and name.
    pub(super) async fn count(&self, span: Span) -> anyhow::Result<Counts> {
        let mut counts = Counts::new();
        for piece in span.pieces(DAYS) {
            for (day, event, count) in self.ask(piece).await? {
                *counts.entry((day, event)).or_default() += count;
            }
        }
        Ok(counts)
    }

    async fn ask(&self, span: Span) -> anyhow::Result<Vec<(String, String, u64)>> {
        #[derive(Deserialize)]
        struct Answer {
            results: Vec<(String, Option<String>, u64)>,
        }

        // In UTC, whatever the project's time zone.
        let statement = format!(
            "SELECT formatDateTime(toTimeZone(timestamp, 'UTC'), '%Y-%m-%d') AS day, event, count() \
             FROM events WHERE timestamp >= toDateTime('{} 00:00:00', 'UTC') \
             AND timestamp < toDateTime('{} 00:00:00', 'UTC') GROUP BY day, event LIMIT {MOST_ROWS}",
            span.first(),
            span.end(),
        );
        let question = json!({
            "query": { "kind": "HogQLQuery", "query": statement },
            "refresh": "force_blocking",
            "name": "hogflare compare",
        });
        let body = self.post(&question).await?;
        let answer: Answer = serde_json::from_slice(&body).with_context(|| {
            format!("not what PostHog's query API answers: {}", beginning(&body))
        })?;
        if answer.results.len() >= MOST_ROWS {
            bail!("more than {MOST_ROWS} events and days in a month; compare fewer days at a time");
        }
        let row = |(day, event, count): (String, Option<String>, u64)| {
            (day, event.unwrap_or_default(), count)
        };
        Ok(answer.results.into_iter().map(row).collect())
    }

    async fn post(&self, question: &serde_json::Value) -> anyhow::Result<Vec<u8>> {
        let mut wait = Duration::from_secs(2);
        for attempt in 1.. {
            let request = self.client.post(self.url.clone()).bearer_auth(&self.key).json(question);
            let response = request.send().await.map_err(reqwest::Error::without_url)?;
            let status = response.status();
            let body = response.bytes().await.map_err(reqwest::Error::without_url)?.to_vec();
            let is_busy = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
            match status {
                status if status.is_success() => return Ok(body),
                _ if is_busy && attempt < TRIES => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => bail!(
                    "answered {status}: the key needs the scope query:read, and this project: {}",
                    beginning(&body)
                ),
                StatusCode::NOT_FOUND => {
                    bail!("answered {status}: is --project-id right, and --host?")
                }
                _ => bail!("answered {status}: {}", beginning(&body)),
            }
        }
        bail!("no answer")
    }
}

/// As much of an answer as a line of an error may have.
fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(300).collect()
}
