//! Properties that dashboards ask for, copied from the JSON into columns of their own.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Properties that have a column, in the order of [`Promoted`]'s slots.
const PROPERTIES: [&str; 28] = [
    "$current_url",
    "$host",
    "$pathname",
    "$referrer",
    "$referring_domain",
    "$browser",
    "$browser_version",
    "$os",
    "$os_version",
    "$device_type",
    "$screen_width",
    "$screen_height",
    "$lib",
    "$lib_version",
    "$geoip_country_code",
    "$geoip_subdivision_1_name",
    "$geoip_city_name",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "$ip",
    "$bot",
    "$viewport_width",
    "$viewport_height",
    "$channel_type",
    "$screen_name",
];

/// The promoted properties of one event, borrowed from its JSON.
///
/// Text columns take strings, and numbers as their text (`$browser_version` is a number in
/// posthog-js). Integer columns take numbers, cut at the point, and text that is one. Anything else
/// is a misfit: the column is NULL, and [`Promoted::misfits`] counts it.
#[derive(Debug, Default)]
pub struct Promoted<'a> {
    values: [Option<&'a RawValue>; PROPERTIES.len()],
}

impl<'a> Promoted<'a> {
    /// Collects the promoted members of a JSON object; of a repeated key the last counts.
    pub fn of(properties: &'a str) -> Self {
        let mut promoted = Self::default();
        let mut json = serde_json::Deserializer::from_str(properties);
        // The journal holds valid objects only; of anything else, what was read so far is kept.
        drop(json.deserialize_map(Collect(&mut promoted)));
        promoted
    }

    /// The property as text.
    pub fn text(&self, property: &str) -> Option<Cow<'a, str>> {
        text_of(self.raw(property)?)
    }

    /// The property as an integer.
    pub fn integer(&self, property: &str) -> Option<i64> {
        integer_of(self.raw(property)?)
    }

    /// How many of these properties are there, not null, and yet not what their column takes.
    pub fn misfits(&self) -> usize {
        let misfit = |(slot, raw): (usize, &Option<&RawValue>)| match raw {
            None => false,
            Some(raw) if raw.get() == "null" => false,
            Some(raw) if is_integer(slot) => integer_of(raw).is_none(),
            Some(raw) => text_of(raw).is_none(),
        };
        self.values.iter().enumerate().filter(|entry| misfit((entry.0, entry.1))).count()
    }

    fn raw(&self, property: &str) -> Option<&'a RawValue> {
        self.values[slot_of(property)?]
    }
}

fn slot_of(property: &str) -> Option<usize> {
    PROPERTIES.iter().position(|&candidate| candidate == property)
}

fn is_integer(slot: usize) -> bool {
    PROPERTIES[slot].ends_with("_width") || PROPERTIES[slot].ends_with("_height")
}

fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str::<Text<'_>>(text).ok().map(|Text(text)| text),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(text)),
        _ => None,
    }
}

fn integer_of(raw: &RawValue) -> Option<i64> {
    let text = text_of(raw)?;
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        // Beyond 2^53 a float no longer says which integer it is.
        (number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
    })
}

/// A string borrowed from its JSON unless it has escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Collect<'p, 'a>(&'p mut Promoted<'a>);

impl<'de> Visitor<'de> for Collect<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(slot) = members.next_key_seed(Slot)? {
            match slot {
                Some(slot) => self.0.values[slot] = Some(members.next_value()?),
                None => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Reads a key as the slot of its property, without allocating.
struct Slot;

impl<'de> DeserializeSeed<'de> for Slot {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Slot {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(slot_of(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_text_that_was_sent() {
        let promoted = Promoted::of(r#"{"$browser_version":129.0,"$os":"Mac OS X"}"#);
        assert_eq!(promoted.text("$browser_version").as_deref(), Some("129.0"));
        assert_eq!(promoted.text("$os").as_deref(), Some("Mac OS X"));
        assert_eq!(promoted.text("$browser"), None);
    }

    #[test]
    fn integers_come_from_numbers_and_their_text() {
        let of = |json: &str| Promoted::of(json).integer("$screen_width");
        assert_eq!(of(r#"{"$screen_width":1920}"#), Some(1920));
        assert_eq!(of(r#"{"$screen_width":1920.7}"#), Some(1920));
        assert_eq!(of(r#"{"$screen_width":"1920"}"#), Some(1920));
        assert_eq!(of(r#"{"$screen_width":1e300}"#), None);
    }

    #[test]
    fn misfits_are_null_and_counted() {
        let promoted = Promoted::of(r#"{"$os":{"name":"x"},"$screen_height":"tall","$host":null}"#);
        assert_eq!(promoted.text("$os"), None);
        assert_eq!(promoted.integer("$screen_height"), None);
        assert_eq!(promoted.misfits(), 2);
    }

    #[test]
    fn escapes_are_resolved_and_the_last_of_a_repeated_key_counts() {
        let promoted = Promoted::of(r#"{"$host":"a","$host":"b\u00e9"}"#);
        assert_eq!(promoted.text("$host").as_deref(), Some("bé"));
    }
}
