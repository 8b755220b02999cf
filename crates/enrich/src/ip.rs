//! How much of the visitor's address is stored.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use event::Event;
use serde::Deserialize;

use crate::identifying::{PERSONAL, holds_address, is_address_name};
use crate::object::{Edit, rewrite};
use crate::{deep, json};

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
        let properties = rewrite(&event.properties, |name, raw| match name {
            _ if is_property(name) => self.edit(raw),
            _ if PERSONAL.contains(&name) => self.of_person(raw).map_or(Edit::Keep, Edit::Replace),
            _ => Edit::Keep,
        });
        if let Some(properties) = properties {
            event.properties = properties;
        }
        for object in [&mut event.set, &mut event.set_once, &mut event.group_set] {
            if let Some(applied) = object.as_deref().and_then(|raw| self.of_person(raw)) {
                *object = Some(applied);
            }
        }
        self.scrub(&mut event.context);
        self.scrub(&mut event.extra);
    }

    /// Applies it to what was said beside properties, where every client has names of its own.
    pub(crate) fn scrub(self, value: &mut Option<String>) {
        if self == Self::Keep {
            return;
        }
        let edit = |_: &str, raw: &str| self.edit(raw);
        let applied = value.as_deref().and_then(|raw| deep::rewrite(raw, is_address_name, edit));
        if let Some(applied) = applied {
            *value = Some(applied);
        }
    }

    /// What is known of a person or a group: `ip` can be anything there, unless it is an address.
    fn of_person(self, raw: &str) -> Option<String> {
        deep::rewrite(raw, is_address_name, |name, raw| {
            match is_property(name) || holds_address(raw) {
                true => self.edit(raw),
                false => Edit::Keep,
            }
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
    fn no_depth_and_no_other_name_hides_an_address() {
        let text = r#"{"a":1,"traits":{"ip":"::1","b":2},"$group_set":{"$ip":"::1","ip":"mine"},
            "$set":{"last":{"clientIp":"10.1.2.3"}}}"#;
        let expected = r#"{"a":1,"traits":{"b":2},"$group_set":{"ip":"mine"},"$set":{"last":{}}}"#;
        assert_eq!(applied(IpPolicy::Drop, text), expected);
        let mut event = samples::event("e", "{}");
        event.group_set = Some(r#"{"n":[{"remote_addr":"10.1.2.3"}]}"#.into());
        event.context = Some(r#"[{"app":{"ip_address":"10.1.2.3"}},{"ip":"mine"}]"#.into());
        event.extra = Some(r#"{"request":{"client_ip":"10.1.2.3","b":1}}"#.into());
        IpPolicy::Truncate.apply(&mut event);
        assert_eq!(event.group_set.as_deref(), Some(r#"{"n":[{"remote_addr":"10.1.2.0"}]}"#));
        assert_eq!(event.context.as_deref(), Some(r#"[{"app":{"ip_address":"10.1.2.0"}},{}]"#));
        assert_eq!(event.extra.as_deref(), Some(r#"{"request":{"client_ip":"10.1.2.0","b":1}}"#));
    }

    #[test]
    fn it_is_configured_by_name() {
        let read = |text: &str| serde_json::from_str::<IpPolicy>(text).ok();
        assert_eq!(read("\"truncate\""), Some(IpPolicy::Truncate));
        assert_eq!(read("\"none\""), None);
    }
}
