//! Who sends a request, as far as those who say so are believed.

use std::net::IpAddr;

use enrich::Place;
use http::header::USER_AGENT;
use http::request::Parts;

use crate::listener::Peer;
use crate::{EdgeState, edge_headers};

/// The other end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// Its address, where it is known.
    pub(crate) ip: Option<IpAddr>,
    /// Whether nobody on the way can read along: it came to us by TLS, or a proxy that is believed says that
    /// it came there so.
    pub(crate) is_by_https: bool,
    user_agent: Option<String>,
    /// Where it is, if the edge in front says so.
    place: Option<Place>,
}

impl Client {
    /// Somebody of whom no more is known.
    pub(crate) fn at(ip: IpAddr) -> Self {
        Self { ip: Some(ip), ..Self::default() }
    }

    /// The client of a request.
    pub(crate) fn of(state: &EdgeState, parts: &Parts) -> Self {
        let peer = parts.extensions.get::<Peer>();
        let is_encrypted = peer.is_some_and(Peer::is_encrypted);
        let peer = peer.and_then(Peer::ip);
        let is_by_https = is_encrypted || state.trusted_proxies.says_https(peer, &parts.headers);
        let said = edge_headers::client_ip(&parts.headers);
        let (ip, place) = match said.filter(|_| state.trusted_proxies.trusts_worker()) {
            Some(ip) => (Some(ip), edge_headers::place(ip, &parts.headers)),
            None => (state.trusted_proxies.client_ip(peer, &parts.headers), None),
        };
        let user_agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        Self { ip, is_by_https, user_agent: user_agent.map(str::to_owned), place }
    }

    /// The client as the enricher knows it.
    pub(crate) fn known_to<'e>(&self, enricher: &'e enrich::Enricher) -> enrich::Client<'e> {
        enricher.client(self.ip, self.user_agent.as_deref(), self.place.clone())
    }
}
