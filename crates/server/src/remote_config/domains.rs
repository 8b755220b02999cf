//! Whether a page may be recorded, by its domain.
//!
//! This keeps the recordings of a copied page out of a project, not a determined stranger: whoever
//! sends requests by hand can name any domain.

use http::HeaderMap;
use http::header::{HeaderName, ORIGIN, REFERER, USER_AGENT};

/// Apps have no domain.
const APPS: [&str; 5] = [
    "posthog-android/",
    "posthog-ios/",
    "posthog-react-native/",
    "posthog-flutter/",
    "posthog-unity/",
];

/// Whether whoever sent these headers may record, if these domains are allowed.
pub(super) fn may_record(domains: &[String], headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_app = || {
        let agent = text(USER_AGENT).unwrap_or_default();
        APPS.iter().any(|app| agent.starts_with(app))
    };
    let page = || text(ORIGIN).filter(|origin| *origin != "null").or_else(|| text(REFERER));
    domains.is_empty()
        || is_app()
        || page().map(host).is_some_and(|host| domains.iter().any(|domain| allows(domain, &host)))
}

/// The host of a URL, or of what is written like one, in lower case and without `www.`.
fn host(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or(url, |(_, after)| after);
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim().to_ascii_lowercase();
    host.strip_prefix("www.").map(str::to_owned).unwrap_or(host)
}

/// Whether a domain, with stars for anything, is this host's.
fn allows(domain: &str, host: &str) -> bool {
    let pattern = self::host(domain);
    let mut parts = pattern.split('*');
    let Some(mut rest) = host.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(domain: &str, page: &str) -> bool {
        let headers = [(ORIGIN, page.parse().unwrap())].into_iter().collect();
        may_record(&[domain.to_owned()], &headers)
    }

    #[test]
    fn a_domain_is_its_host_and_no_other() {
        assert!(allowed("https://shop.example", "https://www.shop.example:8443"));
        assert!(allowed("www.shop.example", "http://SHOP.example"));
        assert!(!allowed("shop.example", "https://notshop.example"));
        assert!(!allowed("shop.example", "https://shop.example.org"));
        assert!(!allowed("shop.example", "https://a.shop.example"));
    }

    #[test]
    fn a_star_stands_for_anything() {
        assert!(allowed("https://*.shop.example", "https://a.b.shop.example"));
        assert!(!allowed("*.shop.example", "https://shop.example.org"));
        assert!(!allowed("*.shop.example", "https://evilshop.example"));
        assert!(allowed("preview-*.shop.*", "https://preview-7.shop.example"));
        assert!(!allowed("a*a", "https://a"));
    }

    #[test]
    fn who_says_no_page_may_not_record_unless_it_is_an_app() {
        let domains = ["shop.example".to_owned()];
        let says = |name: HeaderName, value: &str| {
            let headers = [(name, value.parse().unwrap())].into_iter().collect();
            may_record(&domains, &headers)
        };
        assert!(!may_record(&domains, &HeaderMap::new()));
        assert!(may_record(&[], &HeaderMap::new()));
        assert!(says(REFERER, "https://shop.example/basket?a=1"));
        assert!(!says(ORIGIN, "null"));
        assert!(says(USER_AGENT, "posthog-ios/3.1"));
        assert!(!says(USER_AGENT, "Mozilla/5.0 posthog-ios/3.1"));
    }
}
