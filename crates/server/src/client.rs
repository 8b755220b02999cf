//! Who sends a request, as far as those who say so are believed.

use std::net::IpAddr;

use enrich::Place;
use event::Event;
use http::request::Parts;

use crate::listener::Peer;
use crate::{EdgeState, edge_headers};

/// The other end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// Its address, where it is known.
    pub(crate) ip: Option<IpAddr>,
    /// Where it is, if the edge in front says so.
    place: Option<Place>,
}

impl Client {
    /// The client of a request.
    pub(crate) fn of(state: &EdgeState, parts: &Parts) -> Self {
        let peer = parts.extensions.get::<Peer>().and_then(Peer::ip);
        let said = edge_headers::client_ip(&parts.headers);
        match said.filter(|_| state.trusted_proxies.trusts_worker()) {
            Some(ip) => Self { ip: Some(ip), place: edge_headers::place(ip, &parts.headers) },
            None => Self { ip: state.trusted_proxies.client_ip(peer, &parts.headers), place: None },
        }
    }

    /// Adds to an event what is known of its client.
    pub(crate) fn add_to(&self, event: &mut Event) {
        if let Some(place) = &self.place {
            place.add_to(event);
        }
    }
}
