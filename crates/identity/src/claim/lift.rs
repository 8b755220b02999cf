//! What an event tells of its person without saying so.
//!
//! PostHog lifts what describes device, page, campaign and place out of the properties: as it is now
//! into `$set`, and as it first was, with `$initial_` before the name, into `$set_once`. What the
//! event sets itself stays. `null` is a value now (the campaign is over), but was never the first one.
//!
//! Two rules are about the operating system: `$os_name` is how some SDKs spell `$os`, and a server's
//! (`$is_server`) is not the person's. And a place is the person's where the address was looked up
//! here ([`event::Event::has_place`]); what an SDK says of a place is the event's.

use std::ops::Range;
use std::sync::LazyLock;

use crate::Object;

/// A property that is lifted, and what its first value is called.
struct Key {
    name: &'static str,
    first: &'static str,
}

macro_rules! keys {
    ($($dollar:literal $rest:literal),* $(,)?) => {
        [$(Key { name: concat!($dollar, $rest), first: concat!("$initial_", $rest) }),*]
    };
}

const KEYS: usize = 58;

/// In the order of their names.
const ALL: [Key; KEYS] = keys![
    "$" "app_build",
    "$" "app_name",
    "$" "app_namespace",
    "$" "app_version",
    "$" "browser",
    "$" "browser_version",
    "$" "current_url",
    "$" "device_type",
    "$" "geoip_accuracy_radius",
    "$" "geoip_city_name",
    "$" "geoip_continent_code",
    "$" "geoip_continent_name",
    "$" "geoip_country_code",
    "$" "geoip_country_name",
    "$" "geoip_latitude",
    "$" "geoip_longitude",
    "$" "geoip_postal_code",
    "$" "geoip_subdivision_1_code",
    "$" "geoip_subdivision_1_name",
    "$" "geoip_subdivision_2_code",
    "$" "geoip_subdivision_2_name",
    "$" "geoip_time_zone",
    "$" "os",
    "$" "os_name",
    "$" "os_version",
    "$" "pathname",
    "$" "raw_user_agent",
    "$" "referrer",
    "$" "referring_domain",
    "$" "screen_height",
    "$" "screen_width",
    "$" "viewport_height",
    "$" "viewport_width",
    "" "_kx",
    "" "dclid",
    "" "epik",
    "" "fbclid",
    "" "gad_source",
    "" "gbraid",
    "" "gclid",
    "" "gclsrc",
    "" "igshid",
    "" "irclid",
    "" "li_fat_id",
    "" "mc_cid",
    "" "msclkid",
    "" "qclid",
    "" "rdt_cid",
    "" "sccid",
    "" "ttclid",
    "" "twclid",
    "" "utm_campaign",
    "" "utm_content",
    "" "utm_medium",
    "" "utm_name",
    "" "utm_source",
    "" "utm_term",
    "" "wbraid",
];

const PLACE: Range<usize> = 8..22;
const OS: usize = 22;
const OS_NAME: usize = 23;
const OS_VERSION: usize = 24;

/// Orders of [`ALL`] that are not its own.
struct Orders {
    /// Places by the length of their names: most properties have a length that none of these has.
    by_length: [Vec<u8>; LONGEST + 1],
    /// Places in the order of first values' names.
    by_first: Vec<u8>,
}

const LONGEST: usize = 25;

static ORDERS: LazyLock<Orders> = LazyLock::new(|| {
    let mut by_length = [const { Vec::new() }; LONGEST + 1];
    let mut by_first: Vec<u8> = Vec::new();
    for (place, key) in (0_u8..).zip(&ALL) {
        by_length[key.name.len()].push(place);
        by_first.push(place);
    }
    by_first.sort_by_key(|place| ALL[usize::from(*place)].first);
    Orders { by_length, by_first }
});

/// What is lifted out of an event's properties, with raw values.
pub(super) struct Lifted<'a> {
    orders: &'static Orders,
    values: [Option<&'a str>; KEYS],
}

impl<'a> Lifted<'a> {
    /// Nothing yet.
    pub(super) fn none() -> Self {
        Self { orders: &ORDERS, values: [None; KEYS] }
    }

    /// Takes a property, if it is one that is lifted; of a repeated one the last counts.
    #[inline]
    pub(super) fn take(&mut self, name: &str, raw: &'a str) {
        let Some(places) = self.orders.by_length.get(name.len()) else { return };
        let mut places = places.iter().map(|place| usize::from(*place));
        if let Some(place) = places.find(|place| ALL[*place].name == name) {
            self.values[place] = Some(raw);
        }
    }

    /// Leaves out what is not the person's.
    pub(super) fn settle(&mut self, is_server: bool, has_place: bool) {
        let os_name = self.values[OS_NAME].take().filter(|raw| *raw != "null");
        if is_server {
            self.values[OS] = None;
            self.values[OS_VERSION] = None;
        } else if self.values[OS].is_none_or(|raw| raw == "null") {
            self.values[OS] = os_name.or(self.values[OS]);
        }
        if !has_place {
            self.values[PLACE].fill(None);
        }
    }

    /// What is set, under what the event sets itself; only of the place no event knows better.
    pub(super) fn under_set(&self, set: Object) -> Object {
        let said_something = !set.is_empty();
        let set = under(self.now(0..KEYS), set);
        match said_something && self.now(PLACE).next().is_some() {
            true => set.overlaid(&Object::of_sorted(self.now(PLACE))),
            false => set,
        }
    }

    fn now(&self, places: Range<usize>) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        places.filter_map(|place| Some((ALL[place].name, self.values[place]?)))
    }

    /// What is set once, under what the event sets once itself.
    pub(super) fn under_set_once(&self, set_once: Object) -> Object {
        let places = self.orders.by_first.iter().map(|place| usize::from(*place));
        let members = places.filter_map(|place| {
            let raw = self.values[place].filter(|raw| *raw != "null")?;
            Some((ALL[place].first, raw))
        });
        under(members, set_once)
    }
}

/// Members in the order of their names, and over them those that the event says itself.
fn under<'a>(lifted: impl Iterator<Item = (&'a str, &'a str)> + Clone, said: Object) -> Object {
    match (lifted.clone().next().is_some(), said.is_empty()) {
        (false, _) => said,
        (true, true) => Object::of_sorted(lifted),
        (true, false) => Object::of_sorted(lifted).overlaid(&said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_is_found_and_in_order() {
        assert!(ALL.is_sorted_by_key(|key| key.name));
        assert_eq!(ALL.iter().map(|key| key.name.len()).max(), Some(LONGEST));
        for (place, key) in ALL.iter().enumerate() {
            let mut lifted = Lifted::none();
            lifted.take(key.name, "1");
            assert_eq!(lifted.values.iter().position(Option::is_some), Some(place));
        }
        let mut lifted = Lifted::none();
        for name in ["", "$o", "os", "$OS", "utm_sourcE", "$geoip_subdivision_1_codes"] {
            lifted.take(name, "1");
        }
        assert!(lifted.values.iter().all(Option::is_none));
    }

    #[test]
    fn the_special_places_are_where_they_are_said_to_be() {
        let names = [OS, OS_NAME, OS_VERSION].map(|place| ALL[place].name);
        assert_eq!(names, ["$os", "$os_name", "$os_version"]);
        let is_place = |key: &Key| key.name.starts_with("$geoip_");
        assert!(ALL[PLACE].iter().all(is_place));
        assert_eq!(ALL.iter().filter(|key| is_place(key)).count(), PLACE.len());
    }
}
