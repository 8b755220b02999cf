//! Where the client is, under the names of PostHog's GeoIP transformation.

use std::net::IpAddr;

use event::Event;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::object::Members;

/// What an edge knows of a client's place and network; nothing where it does not know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Geography {
    /// ISO 3166-1 alpha-2; Cloudflare's `T1` for Tor as it is.
    pub country_code: Option<String>,
    /// English name.
    pub country_name: Option<String>,
    /// Two letters, such as `EU`.
    pub continent_code: Option<String>,
    /// English name.
    pub continent_name: Option<String>,
    /// ISO 3166-2 code without the country.
    pub region_code: Option<String>,
    /// Name of the first subdivision.
    pub region_name: Option<String>,
    /// Name.
    pub city_name: Option<String>,
    /// As the country writes it.
    pub postal_code: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// Autonomous system number of the client's network.
    pub asn: Option<i64>,
    /// Who runs that network.
    pub as_organization: Option<String>,
    /// IATA code of the data center that took the request.
    pub colo: Option<String>,
    /// Metro code (DMA) within the United States.
    pub metro_code: Option<String>,
}

/// A [`Geography`] made ready to be added to the events of one request.
#[derive(Clone, Debug)]
pub struct Place {
    /// `"$ip":"…"` as an event has it whose client is at this place.
    ip: String,
    /// `$geoip_*`, for the event and its person.
    geoip: Members,
    /// `$initial_geoip_*`, for a person who has none.
    initial: Members,
    /// `$geoip_*` and `cf_*`, for the event.
    properties: Members,
}

impl Place {
    /// The place of the client at this address; `None` where nothing is known.
    pub fn new(ip: IpAddr, geography: &Geography) -> Option<Self> {
        let geoip = geography.geoip();
        let mut properties = geoip.clone();
        geography.push_network(&mut properties);
        let initial = geoip.renamed(|name| format!("$initial_{}", name.trim_start_matches('$')));
        let ip = format!("\"$ip\":\"{ip}\"");
        (!properties.is_empty()).then_some(Self { ip, geoip, initial, properties })
    }

    /// Adds the place to an event and what it sets of its person.
    ///
    /// Events that came on behalf of another address (`$ip` is not the client's), or with a true
    /// `$geoip_disable`, are left alone, as in PostHog; what the SDK itself sent as `$geoip_*` is
    /// replaced.
    pub fn add_to(&self, event: &mut Event) {
        if !event.properties.contains(&self.ip) || is_disabled(&event.properties) {
            return;
        }
        event.properties = match may_have_own(&event.properties) {
            true => self.properties.over(&event.properties),
            false => self.properties.after(&event.properties),
        };
        if event.process_person_profile && !self.geoip.is_empty() {
            event.set = Some(self.geoip.over(event.set.as_deref().unwrap_or("{}")));
            event.set_once = Some(self.initial.under(event.set_once.as_deref().unwrap_or("{}")));
        }
    }
}

/// Whether a member could bear one of our names; an escape could hide it.
fn may_have_own(properties: &str) -> bool {
    ["$geoip_", "\"cf_", "\\u"].iter().any(|sign| properties.contains(sign))
}

/// Whether `$geoip_disable` is there and true.
fn is_disabled(properties: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Known<'a> {
        #[serde(borrow, rename = "$geoip_disable")]
        disable: Option<&'a RawValue>,
    }

    if !properties.contains("geoip_disable") {
        return false;
    }
    // What cannot be read counts as the wish.
    serde_json::from_str::<Known<'_>>(properties).map_or(true, |known| {
        let is_true = |raw: &RawValue| !matches!(raw.get(), "false" | "null" | "0" | "\"\"");
        known.disable.is_some_and(is_true)
    })
}

impl Geography {
    fn geoip(&self) -> Members {
        let mut members = Members::default();
        let texts = [
            ("$geoip_city_name", &self.city_name),
            ("$geoip_subdivision_1_name", &self.region_name),
            ("$geoip_subdivision_1_code", &self.region_code),
            ("$geoip_country_name", &self.country_name),
            ("$geoip_country_code", &self.country_code),
            ("$geoip_continent_name", &self.continent_name),
            ("$geoip_continent_code", &self.continent_code),
            ("$geoip_postal_code", &self.postal_code),
            ("$geoip_time_zone", &self.time_zone),
        ];
        push_texts(&mut members, &texts);
        let degrees = [("$geoip_latitude", self.latitude), ("$geoip_longitude", self.longitude)];
        for (name, degrees) in degrees {
            if let Some(degrees) = degrees.filter(|degrees| degrees.is_finite()) {
                members.push(name, Value::from(degrees));
            }
        }
        members
    }

    fn push_network(&self, members: &mut Members) {
        if let Some(asn) = self.asn {
            members.push("cf_asn", Value::from(asn));
        }
        let texts = [
            ("cf_as_organization", &self.as_organization),
            ("cf_colo", &self.colo),
            ("cf_metro_code", &self.metro_code),
        ];
        push_texts(members, &texts);
    }
}

fn push_texts(members: &mut Members, texts: &[(&str, &Option<String>)]) {
    for (name, text) in texts {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            members.push(name, Value::from(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use event::{DistinctId, Timestamp, Token, UuidOrigin};
    use serde_json::json;

    use super::*;

    fn place() -> Place {
        let geography = Geography {
            country_code: Some("BR".into()),
            city_name: Some("São Paulo".into()),
            latitude: Some(-23.5),
            asn: Some(13335),
            ..Geography::default()
        };
        Place::new("203.0.113.7".parse().unwrap(), &geography).unwrap()
    }

    fn event(properties: &str) -> Event {
        Event {
            uuid: Default::default(),
            uuid_origin: UuidOrigin::Client,
            token: Token::new("phc_a"),
            event: "e".into(),
            distinct_id: DistinctId::new("d"),
            timestamp: Timestamp::from_micros(0),
            created_at: Timestamp::from_micros(0),
            sent_at: None,
            properties: properties.into(),
            set: None,
            set_once: Some(r#"{"$initial_geoip_country_code":"DE"}"#.into()),
            group_set: None,
            elements_chain: String::new(),
            session_id: None,
            window_id: None,
            process_person_profile: true,
            cookieless: false,
            context: None,
            extra: None,
            table: Default::default(),
            reason: None,
        }
    }

    fn added(properties: &str) -> Event {
        let mut event = event(properties);
        place().add_to(&mut event);
        event
    }

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn event_and_person_learn_the_place() {
        let event = added(r#"{"a":1.50,"$ip":"203.0.113.7"}"#);
        assert_eq!(
            json(&event.properties),
            json!({"a": 1.5, "$ip": "203.0.113.7", "$geoip_city_name": "São Paulo",
                   "$geoip_country_code": "BR", "$geoip_latitude": -23.5, "cf_asn": 13335})
        );
        assert!(event.properties.starts_with(r#"{"a":1.50,"#), "as it was sent");
        let set = json(&event.set.unwrap());
        assert_eq!(set["$geoip_city_name"], "São Paulo");
        assert_eq!(set["cf_asn"], Value::Null);
        let set_once = json(&event.set_once.unwrap());
        assert_eq!(set_once["$initial_geoip_city_name"], "São Paulo");
        assert_eq!(set_once["$initial_geoip_country_code"], "DE", "what was sent stays");
    }

    #[test]
    fn what_the_sdk_claims_is_replaced_even_behind_an_escape() {
        let event = added(
            r#"{"$geoip_country_code":"US","\u0024geoip_city_name":"X","$ip":"203.0.113.7"}"#,
        );
        assert_eq!(json(&event.properties)["$geoip_country_code"], "BR");
        assert_eq!(event.properties.matches("country_code").count(), 1);
        assert_eq!(event.properties.matches("city_name").count(), 1);
    }

    #[test]
    fn another_address_or_a_wish_not_to_be_located_is_respected() {
        for properties in [
            r#"{"$ip":"198.51.100.1"}"#,
            r#"{"a":1}"#,
            r#"{"$geoip_disable":true,"$ip":"203.0.113.7"}"#,
        ] {
            assert_eq!(added(properties), event(properties));
        }
        let willing = added(r#"{"$geoip_disable":false,"$ip":"203.0.113.7"}"#);
        assert!(willing.properties.contains("São Paulo"));
    }

    #[test]
    fn a_person_that_is_not_wanted_learns_nothing() {
        let mut anonymous = event(r#"{"$ip":"203.0.113.7"}"#);
        anonymous.process_person_profile = false;
        place().add_to(&mut anonymous);
        assert!(anonymous.properties.contains("BR"));
        assert_eq!(anonymous.set, None);
    }

    #[test]
    fn nothing_known_is_no_place() {
        assert!(Place::new("::1".parse().unwrap(), &Geography::default()).is_none());
    }
}
