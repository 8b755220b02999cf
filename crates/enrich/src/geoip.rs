//! Where an address is, by a database in MaxMind's format.
//!
//! Any such database will do: GeoLite2 and GeoIP2, DB-IP and IP2Location share MaxMind's nested
//! layout, IPinfo's is flat. A database of countries or networks alone gives what it has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use maxminddb::Reader;
use serde::Deserialize;

use crate::Geography;

/// A database of addresses, held in memory.
#[derive(Debug)]
pub struct GeoIp {
    reader: Reader<Vec<u8>>,
}

/// The bytes are no database in MaxMind's format.
#[derive(Debug, thiserror::Error)]
#[error("not a database in MaxMind's format: {0}")]
pub struct GeoIpError(#[from] maxminddb::MaxMindDbError);

impl GeoIp {
    /// Reads the bytes of a database file.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, GeoIpError> {
        Ok(Self { reader: Reader::from_source(bytes)? })
    }

    /// What the database calls itself, such as `GeoLite2-City`.
    pub fn database_type(&self) -> &str {
        &self.reader.metadata().database_type
    }

    /// When it was built, in seconds since 1970.
    pub fn built_at_seconds(&self) -> u64 {
        self.reader.metadata().build_epoch
    }

    /// Where an address is; `None` for one that nobody can be reached at, or that is not listed.
    pub fn lookup(&self, ip: IpAddr) -> Option<Geography> {
        let ip = ip.to_canonical();
        if !is_public(ip) {
            return None;
        }
        // A record that cannot be read is as good as none: the event matters more.
        let record = self.reader.lookup(ip).ok()?.decode::<Record>().ok()??;
        Some(record.into_geography()).filter(|geography| *geography != Geography::default())
    }
}

/// Whether an address can be somewhere at all.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    let is_carriers = first == 100 && (64..128).contains(&second);
    let is_local = ip.is_private() || ip.is_loopback() || ip.is_link_local() || is_carriers;
    !(is_local || ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() || first == 0)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let is_local = ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local();
    !(is_local || ip.is_unspecified() || ip.is_multicast())
}

/// A record in either layout; what is not there, or not as expected, stays empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    city: Option<Named>,
    country: Option<Named>,
    registered_country: Option<Named>,
    continent: Option<Named>,
    subdivisions: Vec<Named>,
    location: Option<Location>,
    postal: Option<Named>,

    country_code: Option<Text>,
    country_name: Option<Text>,
    continent_code: Option<Text>,
    continent_name: Option<Text>,
    region: Option<Text>,
    region_code: Option<Text>,
    postal_code: Option<Text>,
    zip: Option<Text>,
    #[serde(alias = "lat")]
    latitude: Option<Number>,
    #[serde(alias = "lng")]
    longitude: Option<Number>,
    #[serde(alias = "time_zone")]
    timezone: Option<Text>,
}

/// A place: an object with names in several languages, or only a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Named {
    Nested(Nested),
    Flat(Text),
}

#[derive(Debug, Deserialize)]
struct Nested {
    #[serde(default)]
    names: Names,
    #[serde(alias = "iso_code")]
    code: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
struct Names {
    en: Option<String>,
}

/// A text, or a number in its stead, as postal codes are in some databases.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Number(i64),
}

/// A number, or its text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Number(f64),
    Text(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
    accuracy_radius: Option<i64>,
    time_zone: Option<String>,
}

impl Text {
    fn into_string(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

impl Number {
    fn degrees(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

impl Named {
    /// Its name and code; a flat text of two capitals is a code.
    fn name_and_code(self) -> (Option<String>, Option<String>) {
        match self {
            Self::Nested(nested) => (nested.names.en, nested.code.map(Text::into_string)),
            Self::Flat(text) => match text.into_string() {
                text if is_code(&text) => (None, Some(text)),
                text => (Some(text), None),
            },
        }
    }

    fn text(self) -> Option<String> {
        let (name, code) = self.name_and_code();
        code.or(name)
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl Record {
    fn into_geography(self) -> Geography {
        let pair = |named: Option<Named>| named.map(Named::name_and_code).unwrap_or_default();
        let country = self.country.or(self.registered_country);
        let (country_name, country_code) = pair(country);
        let (continent_name, continent_code) = pair(self.continent);
        let (city_name, _) = pair(self.city);
        let mut subdivisions = self.subdivisions.into_iter();
        let (region_name, region_code) = pair(subdivisions.next());
        let (region_2_name, region_2_code) = pair(subdivisions.next());
        let location = self.location.unwrap_or_default();
        let text = |text: Option<Text>| text.map(Text::into_string).filter(|text| !text.is_empty());
        Geography {
            country_code: country_code.or(text(self.country_code)),
            country_name: country_name.or(text(self.country_name)),
            continent_code: continent_code.or(text(self.continent_code)),
            continent_name: continent_name.or(text(self.continent_name)),
            region_code: region_code.or(text(self.region_code)),
            region_name: region_name.or(text(self.region)),
            region_2_code,
            region_2_name,
            city_name,
            postal_code: self
                .postal
                .and_then(Named::text)
                .or(text(self.postal_code))
                .or(text(self.zip)),
            latitude: location.latitude.or(self.latitude.and_then(Number::degrees)),
            longitude: location.longitude.or(self.longitude.and_then(Number::degrees)),
            accuracy_radius: location.accuracy_radius,
            time_zone: location.time_zone.or(text(self.timezone)),
            ..Geography::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::samples::mmdb;

    fn lookup(record: serde_json::Value, ip: &str) -> Option<Geography> {
        GeoIp::from_bytes(mmdb(&[("81.2.69.0", 24, record)])).unwrap().lookup(ip.parse().unwrap())
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_city_in_maxminds_layout_is_known_whole() {
        let record = json!({
            "city": {"geoname_id": 2643743, "names": {"de": "London", "en": "London"}},
            "continent": {"code": "EU", "names": {"en": "Europe"}},
            "country": {"iso_code": "GB", "names": {"en": "United Kingdom"}},
            "location": {"accuracy_radius": 100, "latitude": 51.5142, "longitude": -0.0931,
                         "time_zone": "Europe/London"},
            "postal": {"code": "EC1A"},
            "subdivisions": [{"iso_code": "ENG", "names": {"en": "England"}},
                             {"iso_code": "LND", "names": {"en": "City of London"}}],
        });
        let expected = Geography {
            country_code: text("GB"),
            country_name: text("United Kingdom"),
            continent_code: text("EU"),
            continent_name: text("Europe"),
            region_code: text("ENG"),
            region_name: text("England"),
            region_2_code: text("LND"),
            region_2_name: text("City of London"),
            city_name: text("London"),
            postal_code: text("EC1A"),
            latitude: Some(51.5142),
            longitude: Some(-0.0931),
            accuracy_radius: Some(100),
            time_zone: text("Europe/London"),
            ..Geography::default()
        };
        assert_eq!(lookup(record.clone(), "81.2.69.160"), Some(expected.clone()));
        assert_eq!(lookup(record.clone(), "::ffff:81.2.69.160"), Some(expected));
        assert_eq!(lookup(record, "81.2.70.1"), None, "not listed");
    }

    #[test]
    fn flat_and_sparse_records_give_what_they_have() {
        let flat = json!({"city": "London", "region": "England", "country": "GB", "lat": "51.5",
                          "lng": -0.1, "postal_code": 12345, "timezone": "Europe/London"});
        let place = lookup(flat, "81.2.69.1").unwrap();
        assert_eq!((place.city_name, place.country_code), (text("London"), text("GB")));
        assert_eq!((place.latitude, place.longitude), (Some(51.5), Some(-0.1)));
        assert_eq!((place.postal_code, place.region_name), (text("12345"), text("England")));

        let lite = json!({"country": "Germany", "country_code": "DE", "asn": "AS3320"});
        let place = lookup(lite, "81.2.69.1").unwrap();
        assert_eq!((place.country_name, place.country_code), (text("Germany"), text("DE")));

        let country = json!({"country": {"iso_code": "DE"}});
        assert_eq!(lookup(country, "81.2.69.1").unwrap().country_code, text("DE"));
        assert_eq!(lookup(json!({"asn": 3320}), "81.2.69.1"), None, "no place in it");
    }

    #[test]
    fn nobody_is_at_a_private_address() {
        let record = json!({"country": {"iso_code": "DE"}});
        let everywhere = GeoIp::from_bytes(mmdb(&[("0.0.0.0", 0, record)])).unwrap();
        let is_found = |ip: &str| everywhere.lookup(ip.parse().unwrap()).is_some();
        assert!(is_found("8.8.8.8") && is_found("100.128.0.1"));
        for ip in ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.0.1"] {
            assert!(!is_found(ip), "{ip}");
        }
        for ip in ["100.64.0.1", "0.1.2.3", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1"] {
            assert!(!is_found(ip), "{ip}");
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let refused = GeoIp::from_bytes(b"a picture".to_vec()).unwrap_err();
        assert!(refused.to_string().starts_with("not a database in MaxMind's format"));
    }
}
