//! Where the client is, under the names of PostHog's GeoIP transformation.

use std::net::IpAddr;

use event::Event;
use serde_json::Value;

use crate::known::{Known, Name};
use crate::object::Added;

/// What a database or an edge knows of a client's place and network; nothing where it does not.
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
    /// Code of the second subdivision, such as a county's.
    pub region_2_code: Option<String>,
    /// Name of the second subdivision.
    pub region_2_name: Option<String>,
    /// Name.
    pub city_name: Option<String>,
    /// As the country writes it.
    pub postal_code: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Kilometres around these degrees that hold the client most likely.
    pub accuracy_radius: Option<i64>,
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

/// A [`Geography`] made ready to be added to the events of one client.
#[derive(Clone, Debug)]
pub struct Place {
    /// The client that is at this place.
    ip: IpAddr,
    /// `$geoip_*`, which are its person's too, and `cf_*`.
    properties: Added,
}

impl Place {
    /// The place of the client at this address; `None` where nothing is known.
    pub fn new(ip: IpAddr, geography: &Geography) -> Option<Self> {
        let mut properties = geography.geoip();
        geography.push_network(&mut properties);
        (!properties.is_empty()).then_some(Self { ip, properties })
    }

    /// Adds the place to an event.
    ///
    /// Events that came on behalf of another address (`$ip` is not the client's), or with a true
    /// `$geoip_disable`, are left alone, as in PostHog; what the SDK itself sent as `$geoip_*` is
    /// replaced.
    pub fn add_to(&self, event: &mut Event) {
        let known = Known::find(&event.properties);
        if address(&known) == Some(self.ip) && !known.is_truthy(Name::GeoipDisable) {
            let has_own = known.has_own_place;
            event.properties = self.added_to(&event.properties, has_own);
            event.has_place = true;
        }
    }

    /// The address that it is the place of.
    pub(crate) fn ip(&self) -> IpAddr {
        self.ip
    }

    /// The properties with the place at their end.
    pub(crate) fn added_to(&self, properties: &str, has_own: bool) -> String {
        match has_own {
            true => self.properties.over(properties),
            false => self.properties.after(properties),
        }
    }
}

/// The address that an event has, whoever said it.
pub(crate) fn address(known: &Known<'_>) -> Option<IpAddr> {
    Some(known.text(Name::Ip)?.parse::<IpAddr>().ok()?.to_canonical())
}

impl Geography {
    fn geoip(&self) -> Added {
        let mut members = Added::default();
        let texts = [
            ("$geoip_city_name", &self.city_name),
            ("$geoip_subdivision_1_name", &self.region_name),
            ("$geoip_subdivision_1_code", &self.region_code),
            ("$geoip_subdivision_2_name", &self.region_2_name),
            ("$geoip_subdivision_2_code", &self.region_2_code),
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
                members.push(name, &Value::from(degrees));
            }
        }
        if let Some(kilometres) = self.accuracy_radius {
            members.push("$geoip_accuracy_radius", &Value::from(kilometres));
        }
        members
    }

    fn push_network(&self, members: &mut Added) {
        if let Some(asn) = self.asn {
            members.push("cf_asn", &Value::from(asn));
        }
        let texts = [
            ("cf_as_organization", &self.as_organization),
            ("cf_colo", &self.colo),
            ("cf_metro_code", &self.metro_code),
        ];
        push_texts(members, &texts);
    }
}

fn push_texts(members: &mut Added, texts: &[(&str, &Option<String>)]) {
    for (name, text) in texts {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            members.push(name, &Value::from(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::samples::{self, tree};

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
        samples::event("e", properties)
    }

    fn added(properties: &str) -> Event {
        let mut event = event(properties);
        place().add_to(&mut event);
        event
    }

    #[test]
    fn an_event_learns_its_place() {
        let event = added(r#"{"a":1.50,"$ip":"203.0.113.7"}"#);
        assert_eq!(
            tree(&event.properties),
            json!({"a": 1.5, "$ip": "203.0.113.7", "$geoip_city_name": "São Paulo",
                   "$geoip_country_code": "BR", "$geoip_latitude": -23.5, "cf_asn": 13335})
        );
        assert!(event.properties.starts_with(r#"{"a":1.50,"#), "as it was sent");
        assert!(event.has_place, "the person's, too");
    }

    #[test]
    fn what_the_sdk_claims_is_replaced_even_behind_an_escape() {
        let event = added(
            r#"{"$geoip_country_code":"US","\u0024geoip_city_name":"X","$ip":"203.0.113.7"}"#,
        );
        assert_eq!(tree(&event.properties)["$geoip_country_code"], "BR");
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
    fn nothing_known_is_no_place() {
        assert!(Place::new("::1".parse().unwrap(), &Geography::default()).is_none());
    }
}
