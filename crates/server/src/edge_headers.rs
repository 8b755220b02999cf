//! What the Worker in front says of the client, in headers `x-hogflare-*`.
//!
//! A Cloudflare Container sees neither the client's address nor `request.cf`, so the Worker copies
//! both. It removes such headers from clients; anywhere else anyone could send them, so they are
//! believed only with `HOGFLARE_TRUST_PROXY=worker`. Values are percent-encoded UTF-8.

use std::net::IpAddr;

use enrich::{Geography, Place};
use http::HeaderMap;
use percent_encoding::percent_decode_str;

/// The client's address, where the Worker knows it.
pub(crate) fn client_ip(headers: &HeaderMap) -> Option<IpAddr> {
    text(headers, "x-hogflare-client-ip")?.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Where the client at this address is.
pub(crate) fn place(client_ip: IpAddr, headers: &HeaderMap) -> Option<Place> {
    let text = |name| text(headers, name);
    let geography = Geography {
        country_code: text("x-hogflare-country"),
        country_name: text("x-hogflare-country-name"),
        continent_code: text("x-hogflare-continent"),
        continent_name: text("x-hogflare-continent-name"),
        region_code: text("x-hogflare-region-code"),
        region_name: text("x-hogflare-region"),
        city_name: text("x-hogflare-city"),
        postal_code: text("x-hogflare-postal-code"),
        latitude: number(headers, "x-hogflare-latitude"),
        longitude: number(headers, "x-hogflare-longitude"),
        time_zone: text("x-hogflare-timezone"),
        asn: number(headers, "x-hogflare-asn"),
        as_organization: text("x-hogflare-as-organization"),
        colo: text("x-hogflare-colo"),
        metro_code: text("x-hogflare-metro-code"),
        ..Geography::default()
    };
    Place::new(client_ip, &geography)
}

fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    text(headers, name)?.parse().ok()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    let text = percent_decode_str(value).decode_utf8().ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_encoded() {
        let mut headers = HeaderMap::new();
        headers.insert("x-hogflare-city", "S%C3%A3o%20Paulo".parse().unwrap());
        headers.insert("x-hogflare-client-ip", "::ffff:203.0.113.7".parse().unwrap());
        assert_eq!(text(&headers, "x-hogflare-city").unwrap(), "São Paulo");
        assert_eq!(client_ip(&headers).unwrap().to_string(), "203.0.113.7");
        assert!(place(client_ip(&headers).unwrap(), &headers).is_some());
    }

    #[test]
    fn what_cannot_be_read_is_not_there() {
        let mut headers = HeaderMap::new();
        headers.insert("x-hogflare-latitude", "north".parse().unwrap());
        headers.insert("x-hogflare-city", "%FF".parse().unwrap());
        headers.insert("x-hogflare-client-ip", "me".parse().unwrap());
        assert_eq!(client_ip(&headers), None);
        assert!(place("::1".parse().unwrap(), &headers).is_none());
    }
}
