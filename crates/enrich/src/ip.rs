//! How much of the visitor's address is stored.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use event::Event;
use serde::Deserialize;

use crate::json;
use crate::object::{Edit, rewrite};

/// What becomes of addresses once everything that needs them has been worked out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpPolicy {
    /// They are stored.
    #[default]
    Keep,
    /// Only the network is: the first 24 bits of IPv4, the first 48 of IPv6.
    Truncate,
    /// They are not.
    Drop,
}

impl IpPolicy {
    /// Applies it to an event, whoever put the address there: the server, the SDK or a person's
    /// properties.
    pub(crate) fn apply(self, event: &mut Event) {
        if self == Self::Keep {
            return;
        }
        if let Some(properties) = self.applied(&event.properties, is_property) {
            event.properties = properties;
        }
        for object in [&mut event.set, &mut event.set_once, &mut event.group_set] {
            self.apply_to(object, is_property);
        }
        // Old SDKs say it beside the event.
        for object in [&mut event.context, &mut event.extra] {
            self.apply_to(object, |name| name == "ip" || is_property(name));
        }
    }

    fn apply_to(self, object: &mut Option<String>, is_address: fn(&str) -> bool) {
        if let Some(applied) = object.as_deref().and_then(|text| self.applied(text, is_address)) {
            *object = Some(applied);
        }
    }

    fn applied(self, object: &str, is_address: fn(&str) -> bool) -> Option<String> {
        rewrite(object, |name, raw| match name {
            _ if is_address(name) => self.edit(raw),
            "$set" | "$set_once" | "$group_set" if json::is_object(raw) => {
                self.applied(raw, is_address).map_or(Edit::Keep, Edit::Replace)
            }
            _ => Edit::Keep,
        })
    }

    fn edit(self, raw: &str) -> Edit {
        let address = json::string(raw).and_then(|text| text.trim().parse::<IpAddr>().ok());
        match (self, address) {
            (Self::Keep, _) => Edit::Keep,
            (Self::Truncate, Some(address)) => Edit::Replace(json::quote(&network(address))),
            // What is no address cannot be cut, and nothing says that it harms nobody.
            (Self::Truncate, None) | (Self::Drop, _) => Edit::Drop,
        }
    }
}

fn is_property(name: &str) -> bool {
    matches!(name, "$ip" | "$initial_ip")
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & !0xff).to_string(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !(u128::MAX >> 48)).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn applied(policy: IpPolicy, properties: &str) -> String {
        let mut event = samples::event("e", properties);
        policy.apply(&mut event);
        event.properties
    }

    #[test]
    fn only_the_network_is_left() {
        let truncated =
            |ip: &str| applied(IpPolicy::Truncate, &format!(r#"{{"a":1,"$ip":"{ip}"}}"#));
        assert_eq!(truncated("203.0.113.77"), r#"{"a":1,"$ip":"203.0.113.0"}"#);
        assert_eq!(truncated("2001:db8:1:2:3:4:5:6"), r#"{"a":1,"$ip":"2001:db8:1::"}"#);
        assert_eq!(truncated("::ffff:203.0.113.77"), r#"{"a":1,"$ip":"203.0.113.0"}"#);
        assert_eq!(truncated("203.0.113.77, 10.0.0.1"), r#"{"a":1}"#);
    }

    #[test]
    fn no_address_is_left_wherever_it_stood() {
        let text = r#"{"a":1.0,"\u0024ip":"::1","$set":{"$ip":"::1","b":2},"ip":"mine"}"#;
        assert_eq!(applied(IpPolicy::Keep, text), text);
        assert_eq!(applied(IpPolicy::Drop, text), r#"{"a":1.0,"$set":{"b":2},"ip":"mine"}"#);
        let of_group = r#"{"$group_set":{"$ip":"::1"}}"#;
        assert_eq!(applied(IpPolicy::Drop, of_group), r#"{"$group_set":{}}"#);
        let mut event = samples::event("e", "{}");
        event.set = Some(r#"{"$ip":"::1"}"#.into());
        event.set_once = Some(r#"{"$initial_ip":"::1"}"#.into());
        event.context = Some(r#"{"ip":"::1","page":{}}"#.into());
        event.extra = Some(r#"{"ip":7}"#.into());
        IpPolicy::Drop.apply(&mut event);
        assert_eq!(event.set.as_deref(), Some("{}"));
        assert_eq!(event.set_once.as_deref(), Some("{}"));
        assert_eq!(event.context.as_deref(), Some(r#"{"page":{}}"#));
        assert_eq!(event.extra.as_deref(), Some("{}"));
    }

    #[test]
    fn it_is_configured_by_name() {
        let read = |text: &str| serde_json::from_str::<IpPolicy>(text).ok();
        assert_eq!(read("\"truncate\""), Some(IpPolicy::Truncate));
        assert_eq!(read("\"none\""), None);
    }
}
