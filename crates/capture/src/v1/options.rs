//! `options` of a V1 event: what v0 puts into properties, under names and types of its own.

use crate::json::{self, Members};
use crate::properties::Name;

/// The options of an event, each `None` where it says nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options<'a> {
    pub(super) cookieless_mode: Option<bool>,
    pub(super) disable_skew_correction: Option<bool>,
    pub(super) process_person_profile: Option<bool>,
    /// A raw string or integer.
    pub(super) product_tour_id: Option<&'a str>,
    /// Whether there are others, which mean nothing here.
    pub(super) has_unknown: bool,
}

/// An option of a type that cannot be meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

impl<'a> Options<'a> {
    /// Reads a raw value.
    pub(super) fn of(raw: &'a str) -> Result<Self, Invalid> {
        if !json::is_object(raw) {
            return Err(Invalid);
        }
        let mut options = Self::default();
        for (key, raw) in Members::of(raw).0 {
            if raw == "null" {
                continue;
            }
            match json::string(key).as_deref() {
                Some("cookieless_mode") => options.cookieless_mode = Some(boolean(raw)?),
                Some("disable_skew_correction") => {
                    options.disable_skew_correction = Some(boolean(raw)?);
                }
                Some("process_person_profile") => {
                    options.process_person_profile = Some(boolean(raw)?);
                }
                Some("product_tour_id") => options.product_tour_id = Some(id(raw)?),
                _ => options.has_unknown = true,
            }
        }
        Ok(options)
    }

    /// The properties that they are in v0, with raw values.
    pub(super) fn properties(&self) -> impl Iterator<Item = (Name, &'a str)> {
        let text = |value: Option<bool>| value.map(|value| if value { "true" } else { "false" });
        let all = [
            (Name::CookielessMode, text(self.cookieless_mode)),
            (Name::IgnoreSentAt, text(self.disable_skew_correction)),
            (Name::ProductTourId, self.product_tour_id),
            (Name::ProcessPersonProfile, text(self.process_person_profile)),
        ];
        all.into_iter().filter_map(|(name, raw)| Some((name, raw?)))
    }
}

/// Booleans, and what SDKs of loosely typed languages make of them.
fn boolean(raw: &str) -> Result<bool, Invalid> {
    match json::string(raw) {
        Some(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(Invalid),
        },
        None => match raw {
            "true" => Ok(true),
            "false" => Ok(false),
            raw => raw.parse().map(|number: f64| number != 0.0).map_err(|_| Invalid),
        },
    }
}

fn id(raw: &str) -> Result<&str, Invalid> {
    match raw.starts_with('"') || raw.parse::<i128>().is_ok() {
        true => Ok(raw),
        false => Err(Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_taken_as_loose_languages_write_them() {
        for (raw, expected) in [
            ("true", Some(true)),
            ("\" TRUE \"", Some(true)),
            ("\"1\"", Some(true)),
            ("0.5", Some(true)),
            ("\"false\"", Some(false)),
            ("\"0\"", Some(false)),
            ("-0", Some(false)),
            ("null", None),
        ] {
            let object = format!("{{\"cookieless_mode\":{raw}}}");
            assert_eq!(Options::of(&object).unwrap().cookieless_mode, expected, "{raw}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_invalid() {
        for raw in [
            "[]",
            "\"x\"",
            "7",
            "{\"process_person_profile\":\"maybe\"}",
            "{\"process_person_profile\":{}}",
            "{\"product_tour_id\":1.5}",
            "{\"product_tour_id\":true}",
        ] {
            assert_eq!(Options::of(raw), Err(Invalid), "{raw}");
        }
    }

    #[test]
    fn each_option_is_the_property_that_it_was() {
        let raw = r#"{"process_person_profile":0,"product_tour_id":"t","disable_skew_correction":1,
            "cookieless_mode":false,"new":1}"#;
        let options = Options::of(raw).unwrap();
        let properties: Vec<_> = options.properties().collect();
        let expected = [
            (Name::CookielessMode, "false"),
            (Name::IgnoreSentAt, "true"),
            (Name::ProductTourId, "\"t\""),
            (Name::ProcessPersonProfile, "false"),
        ];
        assert_eq!(properties, expected);
        assert!(options.has_unknown);
    }
}
