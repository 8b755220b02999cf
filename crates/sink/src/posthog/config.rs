//! What the sink must be told.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Where requests go and how.
#[derive(Clone)]
pub struct Config {
    /// `HOGFLARE_TEE`: paths of requests are put behind its own.
    pub url: reqwest::Url,
    /// `HOGFLARE_TEE_TIMEOUT`: of one request.
    pub timeout: Duration,
    /// Whether the client's address goes along as `X-Forwarded-For`.
    pub forwards_address: bool,
    /// Most requests in flight at a time.
    pub concurrency: usize,
}

impl Config {
    /// A configuration for this PostHog with the usual limits.
    pub fn new(url: reqwest::Url) -> Self {
        Self { url, timeout: Duration::from_secs(30), forwards_address: true, concurrency: 8 }
    }

    /// Why requests must not go there, if there is a reason.
    ///
    /// Events would travel in the clear over http; only this machine and private networks may have
    /// them so.
    pub fn refusal(&self) -> Option<&'static str> {
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return Some("an https URL without a user name or password in it");
        }
        if self.url.query().is_some() || self.url.fragment().is_some() {
            return Some("an https URL without a query");
        }
        match self.url.scheme() {
            "https" => None,
            "http" if self.url.host_str().is_some_and(is_near) => None,
            "http" => Some("an https URL (http is for this machine and private networks only)"),
            _ => Some("an https URL"),
        }
    }

    /// The address that a request's path and query are put behind.
    pub(super) fn base(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }
}

/// Whether a host is this machine, or in a private network: by its address, or by a name without dots.
fn is_near(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => !host.contains('.'),
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("host", &self.url.host_str())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_what_is_near() {
        let refused = |url: &str| Config::new(url.parse().unwrap()).refusal().is_some();
        assert!(!refused("https://us.i.posthog.com"));
        assert!(!refused("http://127.0.0.1:8000"));
        assert!(!refused("http://[::1]:8000"));
        assert!(!refused("http://10.1.2.3/"));
        assert!(!refused("http://posthog:8000"));
        assert!(refused("http://us.i.posthog.com"));
        assert!(refused("http://198.51.100.7"));
        assert!(refused("https://me:secret@posthog.example"));
        assert!(refused("https://posthog.example/?a=b"));
        assert!(refused("ftp://127.0.0.1"));
    }

    #[test]
    fn paths_are_put_behind_its_own() {
        let base = |url: &str| Config::new(url.parse().unwrap()).base().to_owned();
        assert_eq!(base("https://us.i.posthog.com"), "https://us.i.posthog.com");
        assert_eq!(base("https://example.com/ingest/"), "https://example.com/ingest");
    }
}
