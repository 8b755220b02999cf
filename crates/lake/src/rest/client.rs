//! Requests to the catalog, and what its answers mean.

use std::time::Duration;

use iceberg::{NamespaceIdent, TableIdent};
use iceberg_catalog_rest::{
    CommitTableRequest, CreateNamespaceRequest, CreateTableRequest, LoadTableResult,
};
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, StatusCode, Url, redirect};
use serde::Deserialize;
use sink::Error;
use tokio::sync::OnceCell;

use super::{Access, Config};

/// How much of an answer is worth keeping in a log.
const REASON_CHARACTERS: usize = 500;
/// A connection that takes longer will hardly come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait where the catalog is asked too often and does not say how long.
const UNSAID_WAIT: Duration = Duration::from_secs(60);

/// What came of a commit.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The table has it.
    Done,
    /// The table is not as it was demanded to be.
    Conflict(String),
    /// It may have taken place, or may yet.
    Unknown(Error),
    /// It did not take place.
    Refused(Error),
}

/// Asks a catalog.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    config: Config,
    /// Where its tables are, once it has said so.
    base: OnceCell<Url>,
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

/// What the catalog wants to be asked with.
#[derive(Deserialize)]
struct Conventions {
    #[serde(default)]
    defaults: std::collections::HashMap<String, serde_json::Value>,
    #[serde(default)]
    overrides: std::collections::HashMap<String, serde_json::Value>,
}

impl Client {
    pub(super) fn new(config: Config) -> Result<Self, reqwest::Error> {
        let builder = match config.uri.scheme() {
            // In the clear means nearby, and no proxy is to hear of it.
            "http" => reqwest::Client::builder().no_proxy(),
            _ => reqwest::Client::builder().https_only(true),
        };
        let http = builder
            .timeout(config.timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(config.timeout))
            // A redirect would take the token to another host.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("hogflare/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, config, base: OnceCell::new() })
    }

    pub(super) fn identifier(&self, table: &str) -> TableIdent {
        let namespace = NamespaceIdent::from_vec(self.config.namespace.clone());
        let namespace = namespace.unwrap_or_else(|_| NamespaceIdent::new("default".to_owned()));
        TableIdent::new(namespace, table.to_owned())
    }

    /// Makes the namespace where it is missing.
    pub(super) async fn make_namespace(&self) -> Result<(), Error> {
        let answer =
            self.ask(self.request(Method::GET, &["namespaces", &self.namespace()]).await?).await?;
        match answer.status {
            StatusCode::NOT_FOUND => {}
            status if status.is_success() => return Ok(()),
            _ => return Err(self.failure(&answer, "look for the namespace")),
        }
        let body = CreateNamespaceRequest {
            namespace: self.identifier("").namespace,
            properties: std::collections::HashMap::new(),
        };
        let request = self.request(Method::POST, &["namespaces"]).await?.json(&body);
        let answer = self.ask(request).await?;
        match answer.status {
            // Another node was faster.
            StatusCode::CONFLICT => Ok(()),
            status if status.is_success() => Ok(()),
            _ => Err(self.failure(&answer, "make the namespace")),
        }
    }

    /// Loads a table; `None` where there is none.
    pub(super) async fn load(&self, table: &str) -> Result<Option<LoadTableResult>, Error> {
        let path = ["namespaces", &self.namespace(), "tables", table];
        let request = delegating(self.request(Method::GET, &path).await?);
        let answer = self.ask(request).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(read(&answer, "a table")?)),
            _ => Err(self.failure(&answer, &format!("load table {table}"))),
        }
    }

    /// Makes a table; `false` where another node was faster.
    pub(super) async fn create(&self, table: &CreateTableRequest) -> Result<bool, Error> {
        let path = ["namespaces", &self.namespace(), "tables"];
        let request = delegating(self.request(Method::POST, &path).await?);
        let answer = self.ask(request.json(table)).await?;
        match answer.status {
            StatusCode::CONFLICT => Ok(false),
            status if status.is_success() => Ok(true),
            _ => Err(self.failure(&answer, &format!("make table {}", table.name))),
        }
    }

    /// Asks for a change of a table.
    pub(super) async fn commit(&self, table: &str, change: &CommitTableRequest) -> Outcome {
        let path = ["namespaces", &self.namespace(), "tables", table];
        let request = match self.request(Method::POST, &path).await {
            Ok(request) => request.json(change),
            Err(error) => return Outcome::Refused(error),
        };
        let answer = match self.send(request).await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Outcome::Refused(unanswered(&error)),
            Err(error) => return Outcome::Unknown(unanswered(&error)),
        };
        let failure = || self.failure(&answer, &format!("commit to table {table}"));
        match answer.status {
            StatusCode::CONFLICT => Outcome::Conflict(self.reason(&answer)),
            // Whatever stands in between may say 200, too.
            status if status.is_success() => match read::<Committed>(&answer, "a commit") {
                Ok(_) => Outcome::Done,
                Err(error) => Outcome::Unknown(error),
            },
            status if status.is_server_error() => Outcome::Unknown(failure()),
            StatusCode::REQUEST_TIMEOUT => Outcome::Unknown(failure()),
            _ => Outcome::Refused(failure()),
        }
    }

    fn namespace(&self) -> String {
        self.config.namespace.join("\u{1f}")
    }

    /// A request to a path below where the catalog has its tables.
    async fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, Error> {
        let base = self.base.get_or_try_init(|| self.find_base()).await?;
        Ok(self.authorized(method, below(base, path)))
    }

    fn authorized(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url);
        match &self.config.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Asks where the tables of the warehouse are.
    async fn find_base(&self) -> Result<Url, Error> {
        let mut request = self.authorized(Method::GET, below(&self.config.uri, &["v1", "config"]));
        if let Some(warehouse) = &self.config.warehouse {
            request = request.query(&[("warehouse", warehouse)]);
        }
        let answer = self.ask(request).await?;
        if !answer.status.is_success() {
            return Err(self.failure(&answer, "ask the catalog for its configuration"));
        }
        let said: Conventions = read(&answer, "the configuration of a catalog")?;
        let text = |name| {
            let value = said.overrides.get(name).or_else(|| said.defaults.get(name));
            value.and_then(serde_json::Value::as_str).filter(|text| !text.is_empty())
        };
        // Another host would get the token.
        let uri = text("uri").and_then(|uri| uri.parse::<Url>().ok());
        let uri = uri.filter(|uri| uri.host_str() == self.config.uri.host_str());
        let uri = uri.filter(|uri| uri.scheme() == self.config.uri.scheme());
        let port = self.config.uri.port_or_known_default();
        let uri = uri.filter(|uri| uri.port_or_known_default() == port);
        let mut path = vec!["v1"];
        path.extend(text("prefix").into_iter().flat_map(|prefix| prefix.split('/')));
        Ok(below(&uri.unwrap_or_else(|| self.config.uri.clone()), &path))
    }

    /// Sends what may be sent again.
    async fn ask(&self, request: RequestBuilder) -> Result<Answer, Error> {
        self.send(request).await.map_err(|error| unanswered(&error))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER);
        let seconds = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let retry_after = seconds.map(Duration::from_secs);
        Ok(Answer { status, retry_after, body: response.bytes().await?.into() })
    }

    /// What an answer without success means.
    fn failure(&self, answer: &Answer, action: &str) -> Error {
        let (status, reason) = (answer.status, self.reason(answer));
        let message = format!("cannot {action}: the catalog answered {status}: {reason}");
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::paused(format!(
                "{message}; HOGFLARE_CATALOG_TOKEN must be a token that may {} this catalog and \
                 its storage",
                match self.config.access {
                    Access::Read => "read",
                    Access::Write => "read and write",
                }
            )),
            StatusCode::NOT_FOUND => Error::paused(format!(
                "{message}; look at HOGFLARE_CATALOG, HOGFLARE_CATALOG_WAREHOUSE and \
                 HOGFLARE_CATALOG_NAMESPACE"
            )),
            StatusCode::TOO_MANY_REQUESTS => {
                Error::busy(message, answer.retry_after.unwrap_or(UNSAID_WAIT))
            }
            status if status.is_server_error() => match answer.retry_after {
                Some(wait) => Error::busy(message, wait),
                None => Error::transient(message),
            },
            StatusCode::REQUEST_TIMEOUT => Error::transient(message),
            _ => Error::paused(message),
        }
    }

    /// What the catalog says, without the token.
    fn reason(&self, answer: &Answer) -> String {
        let said = serde_json::from_slice::<Reasoned>(&answer.body);
        let text = match said {
            Ok(said) => said.error.message,
            Err(_) => String::from_utf8_lossy(&answer.body).trim().to_owned(),
        };
        let text: String = text.chars().take(REASON_CHARACTERS).collect();
        match self.config.token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => text.replace(token, "…"),
            None => text,
        }
    }
}

/// An answer without success.
#[derive(Deserialize)]
struct Reasoned {
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    message: String,
}

/// The part of an answer to a commit that only a catalog gives.
#[derive(Deserialize)]
struct Committed {
    #[serde(rename = "metadata-location")]
    _metadata_location: String,
}

/// Asks for credentials of the storage.
fn delegating(request: RequestBuilder) -> RequestBuilder {
    request.header("X-Iceberg-Access-Delegation", "vended-credentials")
}

fn read<'a, T: Deserialize<'a>>(answer: &'a Answer, what: &str) -> Result<T, Error> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        Error::transient(format!("what the catalog answered is not {what}: {error}"))
    })
}

/// The error's own text names the URL, which is long, and says nothing of the cause.
fn unanswered(error: &reqwest::Error) -> Error {
    let cause =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source()).last();
    let cause = cause.map(ToString::to_string).unwrap_or_default();
    let what = if error.is_timeout() { "timed out" } else { "failed" };
    Error::transient(format!("a request to the catalog {what}: {cause}"))
}

fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_below_what_is_there() {
        let below = |base: &str, path: &[&str]| below(&base.parse().unwrap(), path).to_string();
        assert_eq!(below("https://a.b/c/d", &["v1", "config"]), "https://a.b/c/d/v1/config");
        assert_eq!(below("https://a.b", &["v1"]), "https://a.b/v1");
        assert_eq!(below("https://a.b/c/", &["x\u{1f}y"]), "https://a.b/c/x%1Fy");
    }
}
