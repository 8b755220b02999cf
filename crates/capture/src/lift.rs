//! What an event tells of its person without saying so.
//!
//! PostHog lifts what describes device, page and campaign out of the properties: as it is now into
//! `$set`, and as it first was, with `$initial_` before the name, into `$set_once`. What the event sets
//! itself stays. `null` is a value now (the campaign is over), but was never the first one.
//!
//! Two rules are about the operating system: `$os_name` is how some SDKs spell `$os`, and a server's
//! (`$is_server`) is not the person's.

use std::borrow::Cow;

use crate::json::{self, Members};
use crate::properties::{Known, Name};

/// A property that is lifted: its name, and the quoted keys that it gets.
struct Key {
    name: &'static str,
    now: &'static str,
    first: &'static str,
}

macro_rules! keys {
    ($($dollar:literal $rest:literal),* $(,)?) => {
        [$(Key {
            name: concat!($dollar, $rest),
            now: concat!("\"", $dollar, $rest, "\":"),
            first: concat!("\"$initial_", $rest, "\":"),
        }),*]
    };
}

/// How many properties are lifted.
pub(crate) const KEYS: usize = 44;

/// By length, so that a name is compared with few.
const ALL: [Key; KEYS] = keys![
    "$" "os",
    "" "_kx",
    "" "epik",
    "" "dclid",
    "" "gclid",
    "" "qclid",
    "" "sccid",
    "" "fbclid",
    "" "gbraid",
    "" "gclsrc",
    "" "igshid",
    "" "irclid",
    "" "mc_cid",
    "" "ttclid",
    "" "twclid",
    "" "wbraid",
    "" "msclkid",
    "" "rdt_cid",
    "$" "browser",
    "$" "os_name",
    "" "utm_name",
    "" "utm_term",
    "$" "app_name",
    "$" "pathname",
    "$" "referrer",
    "" "li_fat_id",
    "$" "app_build",
    "" "gad_source",
    "" "utm_medium",
    "" "utm_source",
    "$" "os_version",
    "" "utm_content",
    "$" "app_version",
    "$" "current_url",
    "$" "device_type",
    "" "utm_campaign",
    "$" "screen_width",
    "$" "app_namespace",
    "$" "screen_height",
    "$" "raw_user_agent",
    "$" "viewport_width",
    "$" "browser_version",
    "$" "viewport_height",
    "$" "referring_domain",
];

const OS: usize = 0;
const OS_NAME: usize = 19;
const OS_VERSION: usize = 30;

const LONGEST: usize = 17;

/// Where the names of each length start.
const STARTS: [usize; LONGEST + 3] = {
    let mut starts = [KEYS; LONGEST + 3];
    let mut place = KEYS;
    while place > 0 {
        place -= 1;
        let mut length = 0;
        while length <= ALL[place].name.len() {
            starts[length] = place;
            length += 1;
        }
    }
    starts
};

/// The place of a property that is lifted.
#[inline]
pub(crate) fn place(name: &str) -> Option<usize> {
    let length = name.len();
    if length > LONGEST {
        return None;
    }
    (STARTS[length]..STARTS[length + 1]).find(|&place| ALL[place].name == name)
}

/// The place of what `$initial_` and this rest stand for.
fn place_of_rest(rest: &str) -> Option<usize> {
    let length = rest.len();
    if length > LONGEST {
        return None;
    }
    (STARTS[length]..STARTS[length + 2]).find(|&place| {
        let name = ALL[place].name;
        name.strip_prefix('$').unwrap_or(name) == rest
    })
}

/// Some of the properties that are lifted, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places(u64);

const _: () = assert!(KEYS <= u64::BITS as usize);

impl Places {
    #[inline]
    pub(crate) const fn insert(&mut self, place: usize) {
        self.0 |= 1 << place;
    }

    const fn remove(&mut self, place: usize) {
        self.0 &= !(1 << place);
    }

    const fn has(self, place: usize) -> bool {
        self.0 >> place & 1 == 1
    }

    const fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn iter(self) -> impl Iterator<Item = usize> + Clone {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let place = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            (place < KEYS).then_some(place)
        })
    }
}

/// What an event sets of its person, with what is lifted out of its properties.
pub(crate) fn lift<'a>(
    known: &Known<'_, 'a>,
    set: Option<Cow<'a, str>>,
    set_once: Option<Cow<'a, str>>,
) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
    let lifted = Lifted::of(known);
    if lifted.places.is_empty() {
        return (set, set_once);
    }
    let now = lifted.without(set.as_deref(), place);
    let once = |name: &str| place_of_rest(name.strip_prefix("$initial_")?);
    let first = lifted.not_null().without(set_once.as_deref(), once);
    (now.behind(set, |key| key.now), first.behind(set_once, |key| key.first))
}

/// What is lifted out of an event's properties.
#[derive(Clone, Copy)]
struct Lifted<'k, 'd, 'a> {
    known: &'k Known<'d, 'a>,
    /// The place whose value is that of `$os`.
    os: usize,
    places: Places,
}

impl<'a> Lifted<'_, '_, 'a> {
    fn of<'k, 'd>(known: &'k Known<'d, 'a>) -> Lifted<'k, 'd, 'a> {
        let mut lifted = Lifted { known, os: OS, places: known.lifted };
        if known.get(Name::IsServer) == Some("true") {
            lifted.places.remove(OS);
            lifted.places.remove(OS_VERSION);
        } else if lifted.is_null(OS) && !lifted.is_null(OS_NAME) {
            lifted.os = OS_NAME;
            lifted.places.insert(OS);
        }
        lifted.places.remove(OS_NAME);
        lifted
    }

    fn raw(&self, place: usize) -> &'a str {
        let place = if place == OS { self.os } else { place };
        self.known.lifted_value(place).unwrap_or("null")
    }

    fn is_null(&self, place: usize) -> bool {
        !self.places.has(place) || self.raw(place) == "null"
    }

    fn not_null(mut self) -> Self {
        for place in self.places.iter() {
            if self.is_null(place) {
                self.places.remove(place);
            }
        }
        self
    }

    /// Less what an object has already.
    fn without(mut self, object: Option<&str>, place: impl Fn(&str) -> Option<usize>) -> Self {
        for (name, _) in object.map(Members::of).unwrap_or_default().0 {
            if let Some(place) = json::string(name).and_then(|name| place(&name)) {
                self.places.remove(place);
            }
        }
        self
    }

    /// Writes it behind the members of an object.
    fn behind(
        self,
        object: Option<Cow<'a, str>>,
        key: impl Fn(&Key) -> &'static str,
    ) -> Option<Cow<'a, str>> {
        if self.places.is_empty() {
            return object;
        }
        let places = self.places.iter();
        let members = places.map(|place| (key(&ALL[place]), self.raw(place)));
        let length: usize = members.clone().map(|(key, raw)| key.len() + raw.len() + 1).sum();
        let sent = object.as_deref().unwrap_or("{}");
        let open = sent.trim_ascii_end().strip_suffix('}').unwrap_or("{").trim_ascii_end();
        let mut text = String::with_capacity(open.len() + length + 1);
        text.push_str(open);
        for (key, raw) in members {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(key);
            text.push_str(raw);
        }
        text.push('}');
        Some(Cow::Owned(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_are_the_properties_that_sinks_know_to_be_lifted() {
        assert_eq!(ALL.map(|key| key.name), ::event::LIFTED_PROPERTIES);
    }

    #[test]
    fn every_key_is_found_by_its_name_and_by_its_rest() {
        assert!(ALL.is_sorted_by_key(|key| key.name.len()));
        assert_eq!(ALL.iter().map(|key| key.name.len()).max(), Some(LONGEST));
        for (index, key) in ALL.iter().enumerate() {
            assert_eq!(place(key.name), Some(index));
            let rest = key.name.strip_prefix('$').unwrap_or(key.name);
            assert_eq!(place_of_rest(rest), Some(index));
        }
        for name in ["", "$o", "os", "$OS", "utm_sourcE", "$referring_domains"] {
            assert_eq!(place(name), None, "{name}");
        }
        assert_eq!(place_of_rest("referring_domains"), None);
    }

    #[test]
    fn the_special_places_are_where_they_are_said_to_be() {
        let names = [OS, OS_NAME, OS_VERSION].map(|place| ALL[place].name);
        assert_eq!(names, ["$os", "$os_name", "$os_version"]);
    }
}
