//! The client's address.

use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;
use ipnet::IpNet;

/// Peers whose `X-Forwarded-For` is believed; anyone else could write what they like into it. And
/// whether the headers of the Worker in front are, whoever brings them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    worker: bool,
}

impl Default for TrustedProxies {
    /// Loopback: a proxy on the same machine.
    fn default() -> Self {
        "127.0.0.0/8,::1/128".parse().expect("two networks")
    }
}

impl FromStr for TrustedProxies {
    type Err = String;

    /// Parses addresses and networks between commas, such as `10.0.0.0/8,192.0.2.1`, and `worker`
    /// among them; `none` for nobody.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut trusted = Self { networks: Vec::new(), worker: false };
        if text.trim() == "none" {
            return Ok(trusted);
        }
        let network = |part: &str| {
            part.parse::<IpNet>()
                .or_else(|_| part.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| format!("{part} is neither an address nor a network"))
        };
        for part in text.split(',') {
            match part.trim() {
                "worker" => trusted.worker = true,
                part => trusted.networks.push(network(part)?),
            }
        }
        Ok(trusted)
    }
}

impl TrustedProxies {
    /// Whether the headers of the Worker in front are believed.
    pub fn trusts_worker(&self) -> bool {
        self.worker
    }

    /// Whether one of our proxies says that the client came by https.
    pub(crate) fn says_https(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
        let nearest = headers.get_all("x-forwarded-proto").iter().next_back();
        let nearest = nearest.and_then(|value| value.to_str().ok()?.rsplit(',').next());
        let is_https = nearest.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
        is_https && peer.is_some_and(|peer| self.trusts(peer))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// The address nearest to us that is not one of our proxies.
    pub(crate) fn client_ip(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?.to_canonical();
        if !self.trusts(peer) {
            return Some(peer);
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().rev();
        // What is no text is an unknown hop, and nothing beyond an unknown hop is believed.
        let lines = forwarded.map(|value| value.to_str().unwrap_or("unknown"));
        let hops = lines.flat_map(|line| line.rsplit(','));
        let mut nearest = peer;
        for hop in hops {
            match parse_hop(hop) {
                Some(address) if self.trusts(address) => nearest = address,
                Some(address) => return Some(address),
                None => break,
            }
        }
        Some(nearest)
    }
}

/// An address as proxies write it: bare, with a port, or IPv6 in brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let address = hop
        .parse::<IpAddr>()
        .ok()
        .or_else(|| hop.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        let proxies: TrustedProxies = "127.0.0.0/8,10.0.0.0/8".parse().unwrap();
        proxies.client_ip(Some(peer.parse().unwrap()), &headers).unwrap().to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(client("198.51.100.9", "203.0.113.7"), "198.51.100.9");
        assert_eq!(client("127.0.0.1", "6.6.6.6, 203.0.113.7"), "203.0.113.7");
        assert_eq!(client("127.0.0.1", "203.0.113.7, 10.1.1.1"), "203.0.113.7");
    }

    #[test]
    fn only_a_proxy_of_ours_can_say_that_a_client_came_by_https() {
        let proxies = TrustedProxies::default();
        let says = |peer: &str, scheme: &str| {
            let headers =
                [(http::HeaderName::from_static("x-forwarded-proto"), scheme.parse().unwrap())];
            proxies.says_https(Some(peer.parse().unwrap()), &headers.into_iter().collect())
        };
        assert!(says("127.0.0.1", "https") && says("::ffff:127.0.0.1", "http, HTTPS"));
        assert!(!says("127.0.0.1", "https, http") && !says("127.0.0.1", ""));
        assert!(!says("198.51.100.9", "https"));
        assert!(!proxies.says_https(None, &HeaderMap::new()));
    }

    #[test]
    fn the_worker_is_trusted_by_name_only() {
        let trusts = |text: &str| text.parse::<TrustedProxies>().unwrap().trusts_worker();
        assert!(trusts("worker") && trusts("10.0.0.0/8, worker"));
        assert!(!trusts("none") && !trusts("0.0.0.0/0") && !TrustedProxies::default().worker);
        assert!("workers".parse::<TrustedProxies>().is_err());
    }

    #[test]
    fn the_forms_that_proxies_write_are_read() {
        assert_eq!(client("::ffff:127.0.0.1", "203.0.113.7:4711"), "203.0.113.7");
        assert_eq!(client("127.0.0.1", "[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(client("127.0.0.1", "unknown"), "127.0.0.1");
        assert_eq!(client("127.0.0.1", "10.0.0.1"), "10.0.0.1");
    }
}
