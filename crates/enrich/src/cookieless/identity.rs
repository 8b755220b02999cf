//! Who a visitor is for a day.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use event::{DistinctId, Token};

use super::Salt;

/// What tells visitors apart.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The project.
    pub token: &'a Token,
    /// The visitor's address.
    pub ip: &'a str,
    /// The site, as `$host` has it; its subdomains are one.
    pub host: &'a str,
    /// The browser's user agent.
    pub user_agent: &'a str,
    /// What the application adds (`$cookieless_extra`).
    pub extra: &'a str,
}

/// How much of `$cookieless_extra` counts.
const EXTRA_CHARS: usize = 100;

/// The hash that a visitor is known by on the day of this salt.
pub(super) fn hash(salt: &Salt, inputs: &Inputs<'_>) -> String {
    let extra: String = inputs.extra.chars().take(EXTRA_CHARS).collect();
    let site = root_domain(inputs.host);
    let fields = [inputs.token.as_str(), inputs.ip, site.as_ref(), inputs.user_agent, &extra];
    STANDARD_NO_PAD.encode(salt.hash("visitor", &fields.map(str::as_bytes)))
}

/// The distinct id of a visitor on the day of this salt.
pub fn identify(salt: &Salt, inputs: &Inputs<'_>) -> DistinctId {
    distinct_id(&hash(salt, inputs))
}

pub(super) fn distinct_id(hash: &str) -> DistinctId {
    DistinctId::new(format!("cookieless_{hash}"))
}

/// The site that a host belongs to: the domain that somebody registered, with the port if it says
/// one. A host that is no domain is its own site.
fn root_domain(host: &str) -> Cow<'_, str> {
    if let Ok(ip) = host.parse::<Ipv6Addr>() {
        return Cow::Owned(format!("[{ip}]"));
    }
    let (_, host) = host.split_once("://").unwrap_or(("", host));
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let lower = host.to_ascii_lowercase();
    let (name, port) = match lower.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
        _ => (lower.as_str(), ""),
    };
    let domain = match name {
        "localhost" => "127.0.0.1",
        name if name.parse::<IpAddr>().is_ok() => name,
        name => psl::domain_str(name).unwrap_or(name),
    };
    match port {
        "" => Cow::Owned(domain.to_owned()),
        port => Cow::Owned(format!("{domain}:{port}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subdomains_are_one_site() {
        assert_eq!(root_domain("www.example.co.uk"), "example.co.uk");
        assert_eq!(root_domain("https://App.Example.com/path"), "example.com");
        assert_eq!(root_domain("a.example.com:8000"), "example.com:8000");
        assert_eq!(root_domain("localhost:3000"), "127.0.0.1:3000");
        assert_eq!(root_domain("203.0.113.7"), "203.0.113.7");
        assert_eq!(root_domain("2001:db8::0:1"), "[2001:db8::1]");
        assert_eq!(root_domain("[2001:db8::1]:80"), "[2001:db8::1]:80");
        assert_eq!(root_domain("intranet"), "intranet");
        assert_eq!(root_domain(""), "");
    }

    #[test]
    fn whatever_differs_makes_another_visitor() {
        let (salt, token) = (Salt::new([1; 32]), Token::new("phc_a"));
        let visitor =
            Inputs { token: &token, ip: "::1", host: "a.example.com", user_agent: "x", extra: "" };
        let id = identify(&salt, &visitor);
        assert_eq!(id.as_str().len(), "cookieless_".len() + 22);
        assert!(id.as_str().starts_with("cookieless_"));
        assert_eq!(identify(&salt, &Inputs { host: "b.example.com", ..visitor }), id);
        let other = Token::new("phc_b");
        for inputs in [
            Inputs { token: &other, ..visitor },
            Inputs { ip: "::2", ..visitor },
            Inputs { host: "example.org", ..visitor },
            Inputs { user_agent: "y", ..visitor },
            Inputs { extra: "y", ..visitor },
        ] {
            assert_ne!(identify(&salt, &inputs), id, "{inputs:?}");
        }
        assert_ne!(identify(&Salt::new([2; 32]), &visitor), id);
        let long = "é".repeat(EXTRA_CHARS);
        let longer = format!("{long}more");
        assert_eq!(
            identify(&salt, &Inputs { extra: &long, ..visitor }),
            identify(&salt, &Inputs { extra: &longer, ..visitor }),
        );
    }
}
