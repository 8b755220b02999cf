//! Whether a request comes from a page of ours.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Uri};

use super::PublicUrl;

/// Whether a request that changes something, or reads by POST, was made by a page of this server, or
/// by something that is no browser.
///
/// Browsers say it themselves in `Sec-Fetch-Site`, older ones in `Origin`; pages can change neither.
pub(crate) fn comes_from_here(headers: &HeaderMap, public_url: Option<&PublicUrl>) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Some(origin) = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok()) else {
        return false;
    };
    let Some(origin) = origin.authority().map(|authority| authority.as_str().to_lowercase()) else {
        return false;
    };
    let host = text(HOST.as_str()).map(str::to_lowercase);
    host.as_ref() == Some(&origin) || public_url.is_some_and(|url| url.authority() == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comes(pairs: &[(&'static str, &str)]) -> bool {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        let public_url = "https://stats.example.com".parse().unwrap();
        comes_from_here(&pairs.collect(), Some(&public_url))
    }

    #[test]
    fn the_browsers_word_counts_first() {
        assert!(comes(&[("sec-fetch-site", "same-origin"), ("origin", "http://x")]));
        for other in ["cross-site", "same-site", "none"] {
            assert!(!comes(&[("sec-fetch-site", other)]), "{other}");
        }
    }

    #[test]
    fn an_origin_is_the_host_or_the_public_url() {
        let host = ("host", "10.0.0.1:8080");
        assert!(comes(&[host, ("origin", "http://10.0.0.1:8080")]));
        assert!(comes(&[host, ("origin", "https://Stats.example.com")]));
        assert!(!comes(&[host, ("origin", "https://evil.example")]));
        assert!(!comes(&[host, ("origin", "http://10.0.0.1:8081")]));
        assert!(!comes(&[host, ("origin", "null")]));
        assert!(comes(&[host]), "no browser");
    }
}
