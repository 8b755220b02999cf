//! What the sink must be told.

use std::fmt;
use std::time::Duration;

/// Where rows go and how.
#[derive(Clone)]
pub struct Config {
    /// `CLOUDFLARE_PIPELINE_ENDPOINT`: https, or http on loopback.
    pub endpoint: reqwest::Url,
    /// `CLOUDFLARE_PIPELINE_AUTH_TOKEN`, sent as bearer token.
    pub auth_token: Option<String>,
    /// `CLOUDFLARE_PIPELINE_TIMEOUT_SECS`: of one request.
    pub timeout: Duration,
    /// Largest body of a request in bytes; the service's own limit has been 1 MB and is 5 MB.
    pub max_batch_bytes: usize,
    /// Most requests in flight at a time; fewer while the service struggles.
    pub concurrency: usize,
}

impl Config {
    /// A configuration for this endpoint with the usual limits.
    pub fn new(endpoint: reqwest::Url) -> Self {
        Self {
            endpoint,
            auth_token: None,
            timeout: Duration::from_secs(10),
            max_batch_bytes: 900_000,
            concurrency: 8,
        }
    }

    /// Why rows must not go to this endpoint, if there is a reason.
    ///
    /// Events and the token would travel in the clear over http; only loopback may have them so.
    pub fn refusal(&self) -> Option<&'static str> {
        let loopback = match self.endpoint.host_str() {
            Some("localhost") => true,
            Some(host) => host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback()),
            None => false,
        };
        if !self.endpoint.username().is_empty() || self.endpoint.password().is_some() {
            return Some("an https URL without a user name or password in it");
        }
        match self.endpoint.scheme() {
            "https" => None,
            "http" if loopback => None,
            "http" => Some("an https URL (http is for loopback only)"),
            _ => Some("an https URL"),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("host", &self.endpoint.host_str())
            .field("auth_token", &self.auth_token.as_ref().map(|_| "…"))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_loopback_only() {
        let refused = |url: &str| Config::new(url.parse().unwrap()).refusal().is_some();
        assert!(!refused("https://abc.ingest.cloudflare.com"));
        assert!(!refused("http://127.0.0.1:8088"));
        assert!(!refused("http://localhost:8088/ingest"));
        assert!(!refused("http://[::1]:8088"));
        assert!(refused("http://abc.ingest.cloudflare.com"));
        assert!(refused("ftp://127.0.0.1"));
    }

    #[test]
    fn the_token_is_never_printed() {
        let mut config = Config::new("https://a.example".parse().unwrap());
        config.auth_token = Some("hunter2".into());
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
