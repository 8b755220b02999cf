//! Properties that change with every page and say little of the person.
//!
//! Where nothing else of a person changes, these are not written; without that, nearly every event
//! would write its person. They are written along with anything else that changes, and where they
//! are new. The list is PostHog's.

/// By length, so that a key is compared with few.
const NOISY: [&str; 31] = [
    "$os",
    "$browser",
    "$os_name",
    "$pathname",
    "$referrer",
    "$os_version",
    "$current_url",
    "$device_type",
    "$screen_width",
    "$screen_height",
    "$raw_user_agent",
    "$viewport_width",
    "$geoip_latitude",
    "$browser_version",
    "$viewport_height",
    "$geoip_longitude",
    "$geoip_time_zone",
    "$referring_domain",
    "$geoip_postal_code",
    "$geoip_city_confidence",
    "$geoip_accuracy_radius",
    "$geoip_subdivision_1_code",
    "$geoip_subdivision_1_name",
    "$geoip_subdivision_2_code",
    "$geoip_subdivision_2_name",
    "$geoip_subdivision_3_code",
    "$geoip_subdivision_3_name",
    "$geoip_country_confidence",
    "$geoip_postal_code_confidence",
    "$geoip_subdivision_1_confidence",
    "$geoip_subdivision_2_confidence",
];

/// Whether a change of this property alone is not worth writing.
pub(crate) fn is_noisy(key: &str) -> bool {
    let start = NOISY.partition_point(|noisy| noisy.len() < key.len());
    NOISY.iter().skip(start).take_while(|noisy| noisy.len() == key.len()).any(|noisy| *noisy == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found() {
        assert!(NOISY.is_sorted_by_key(|key| key.len()));
        assert!(NOISY.iter().all(|key| is_noisy(key)));
    }

    #[test]
    fn what_says_where_somebody_is_or_came_from_is_not_noise() {
        for key in
            ["$geoip_city_name", "$geoip_country_name", "utm_source", "$app_version", "os", ""]
        {
            assert!(!is_noisy(key), "{key}");
        }
    }
}
