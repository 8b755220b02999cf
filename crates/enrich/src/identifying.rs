//! Members by whose names a visitor's address or browser is told.
//!
//! Beside and within properties everyone has names of their own for them: `ip`, `clientIp`,
//! `REMOTE_ADDR`, `x-forwarded-for`. They are compared by their letters and digits alone.

use std::net::{IpAddr, SocketAddr};

/// What the server notes beside an event; none of it is the visitor's.
pub(crate) const NOTES: &[&str] =
    &["original_timestamp", "offset", "historical_migration", "source_path"];

/// Objects within properties that tell of a person or a group.
pub(crate) const PERSONAL: &[&str] = &["$set", "$set_once", "$group_set", "traits"];

const ADDRESSES: &[&str] = &[
    "ip",
    "ips",
    "ipv4",
    "ipv6",
    "ipaddr",
    "ipaddress",
    "initialip",
    "clientip",
    "clientaddr",
    "clientaddress",
    "remoteip",
    "remoteaddr",
    "remoteaddress",
    "realip",
    "userip",
    "visitorip",
    "peerip",
    "requestip",
    "trueclientip",
    "cfconnectingip",
    "forwarded",
    "forwardedfor",
    "xforwardedfor",
    "xrealip",
    "xclientip",
];

const AGENTS: &[&str] =
    &["useragent", "rawuseragent", "initialuseragent", "initialrawuseragent", "httpuseragent"];

/// Whether a member by its name is a visitor's address.
pub(crate) fn is_address_name(name: &str) -> bool {
    ADDRESSES.iter().any(|listed| is_spelling(name, listed))
}

/// Whether a member by its name is a visitor's user agent.
pub(crate) fn is_agent_name(name: &str) -> bool {
    AGENTS.iter().any(|listed| is_spelling(name, listed))
}

fn is_spelling(name: &str, listed: &str) -> bool {
    let said = name.bytes().filter(u8::is_ascii_alphanumeric);
    name.len() >= listed.len() && said.map(|byte| byte.to_ascii_lowercase()).eq(listed.bytes())
}

/// Whether some string of a raw value is an address, or a list of them.
pub(crate) fn holds_address(raw: &str) -> bool {
    let mut pieces = raw.split(['"', ',']);
    pieces.any(|piece| {
        let piece = piece.trim();
        piece.parse::<IpAddr>().is_ok() || piece.parse::<SocketAddr>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_however_they_are_spelt() {
        for name in ["ip", "$ip", "clientIp", "client_ip", "ip_address", "REMOTE_ADDR"] {
            assert!(is_address_name(name) && !is_agent_name(name), "{name}");
        }
        for name in ["userAgent", "user_agent", "$raw_user_agent", "User-Agent"] {
            assert!(is_agent_name(name) && !is_address_name(name), "{name}");
        }
        for name in ["zip", "i", "", "ip_count", "agent", "ïp"] {
            assert!(!is_agent_name(name) && !is_address_name(name), "{name}");
        }
    }

    #[test]
    fn addresses_are_found_in_lists() {
        for raw in ["\"::1\"", "\"1.2.3.4, 5.6.7.8\"", r#"["x","1.2.3.4"]"#, "\"[::1]:80\""] {
            assert!(holds_address(raw), "{raw}");
        }
        assert!(!holds_address("\"mine\"") && !holds_address("7") && !holds_address("\"1.2.3\""));
    }
}
