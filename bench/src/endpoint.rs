//! Where a backlog goes: a stand-in inside the generator, or a service of another process.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::http;
use crate::pipeline::Pipeline;

/// An endpoint, before it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A stand-in that answers after so long.
    StandIn(Duration),
    /// One that says how many rows it has (`GET /count`) and forgets them (`DELETE /events`).
    Other(Url),
}

/// `http://HOST:PORT`, on loopback: the server sends rows in the clear nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    text: String,
    address: SocketAddr,
}

/// An endpoint without rows that takes them.
#[derive(Debug)]
pub(crate) enum Endpoint {
    StandIn(Pipeline),
    Other(Url),
}

#[derive(Deserialize)]
struct Count {
    count: u64,
}

impl Url {
    /// Parses a URL and looks the host up.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = || "expected http://HOST:PORT on loopback".to_owned();
        let host = text.strip_prefix("http://").ok_or_else(expected)?.trim_end_matches('/');
        let mut addresses = host.to_socket_addrs().map_err(|_| expected())?;
        let address = addresses.find(|address| address.ip().is_loopback()).ok_or_else(expected)?;
        Ok(Self { text: format!("http://{host}/"), address })
    }

    async fn ask(&self, what: &str) -> anyhow::Result<String> {
        http::ask(self.address, what, "", "").await.with_context(|| format!("{} fails", self.text))
    }
}

impl Endpoint {
    /// Starts or empties the endpoint.
    pub(crate) async fn open(target: &Target) -> anyhow::Result<Self> {
        let url = match target {
            Target::StandIn(latency) => return Ok(Self::StandIn(Pipeline::start(*latency).await?)),
            Target::Other(url) => url,
        };
        url.ask("DELETE /events").await?;
        let endpoint = Self::Other(url.clone());
        ensure!(endpoint.rows().await? == 0, "{} does not forget its rows", url.text);
        Ok(endpoint)
    }

    /// Where rows go.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::StandIn(pipeline) => pipeline.url(),
            Self::Other(url) => url.text.clone(),
        }
    }

    /// Whether it got a request; of another process' endpoint only the first rows tell.
    pub(crate) async fn has_request(&self) -> anyhow::Result<bool> {
        match self {
            Self::StandIn(pipeline) => Ok(pipeline.has_request()),
            Self::Other(_) => Ok(self.rows().await? > 0),
        }
    }

    /// Rows that it has.
    pub(crate) async fn rows(&self) -> anyhow::Result<u64> {
        match self {
            Self::StandIn(pipeline) => Ok(pipeline.rows()),
            Self::Other(url) => {
                let answer = url.ask("GET /count").await?;
                let count = serde_json::from_str::<Count>(&answer);
                Ok(count.with_context(|| format!("not a count: {answer}"))?.count)
            }
        }
    }

    /// How often it is looked at: as often as is exact to 1 % and costs it nothing to speak of.
    pub(crate) fn poll_interval(&self) -> Duration {
        match self {
            Self::StandIn(_) => Duration::from_millis(5),
            Self::Other(_) => Duration::from_millis(200),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandIn(latency) => write!(f, "{} ms away", latency.as_millis()),
            Self::Other(url) => f.write_str(&url.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_on_loopback() {
        assert_eq!(Url::parse("http://127.0.0.1:8088").unwrap().text, "http://127.0.0.1:8088/");
        for text in ["https://127.0.0.1:1/", "http://127.0.0.1/", "http://192.0.2.1:80/", "x"] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn targets_have_names() {
        let far = Target::StandIn(Duration::from_millis(50));
        assert_eq!(far.to_string(), "50 ms away");
        let other = Target::Other(Url::parse("http://127.0.0.1:8088").unwrap());
        assert_eq!(other.to_string(), "http://127.0.0.1:8088/");
    }
}
