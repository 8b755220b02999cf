//! Where browsers find this server.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;

/// `HOGFLARE_PUBLIC_URL`: scheme, host and port; what SDKs are pointed at, and whether cookies are for
/// https only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    is_https: bool,
    authority: String,
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a URL without a path, such as https://stats.example.com";
        let url: Uri = text.trim().trim_end_matches('/').parse().map_err(|_| EXPECTED)?;
        let is_https = match url.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(EXPECTED),
        };
        let has_path = !matches!(url.path(), "" | "/") || url.query().is_some();
        let authority = url.authority().filter(|authority| !authority.as_str().contains('@'));
        match (authority, has_path) {
            (Some(authority), false) => {
                Ok(Self { is_https, authority: authority.as_str().to_lowercase() })
            }
            _ => Err(EXPECTED),
        }
    }
}

impl PublicUrl {
    /// Whether pages come over https.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Host and port as a browser names them.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

/// Whether a host, with or without a port, is this machine's own: what goes there is on no wire.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_local =
        host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    is_local || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_a_scheme_and_a_host() {
        let shown = |text: &str| text.parse::<PublicUrl>().map(|url| url.to_string());
        assert_eq!(shown("https://Stats.Example.com/").unwrap(), "https://stats.example.com");
        assert_eq!(shown("http://10.0.0.1:8080").unwrap(), "http://10.0.0.1:8080");
        for wrong in ["", "stats.example.com", "ftp://x", "https://x/path", "https://a:b@x"] {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn loopback_is_this_machine() {
        for host in ["localhost:8080", "127.0.0.1", "127.9.9.9:1", "[::1]:8080", "a.localhost"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.com", "10.0.0.1:80", "localhost.example.com", "[2001:db8::1]", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
