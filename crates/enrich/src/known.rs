//! The properties that enrichment looks at, found in one pass over an event's members.

use std::borrow::Cow;

use crate::json::{self, Members};

/// A property that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Ip,
    GeoipDisable,
    Lib,
    Browser,
    Os,
    DeviceType,
    RawUserAgent,
    UserAgent,
    Bot,
    BotCategory,
    ChannelType,
    ReferringDomain,
    UtmSource,
    UtmMedium,
    UtmCampaign,
    Gclid,
    Fbclid,
    GadSource,
    CookielessExtra,
    Host,
    Timezone,
}

const ALL: [Name; 21] = [
    Name::Ip,
    Name::GeoipDisable,
    Name::Lib,
    Name::Browser,
    Name::Os,
    Name::DeviceType,
    Name::RawUserAgent,
    Name::UserAgent,
    Name::Bot,
    Name::BotCategory,
    Name::ChannelType,
    Name::ReferringDomain,
    Name::UtmSource,
    Name::UtmMedium,
    Name::UtmCampaign,
    Name::Gclid,
    Name::Fbclid,
    Name::GadSource,
    Name::CookielessExtra,
    Name::Host,
    Name::Timezone,
];

impl Name {
    /// The name as it is sent.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Ip => "$ip",
            Self::GeoipDisable => "$geoip_disable",
            Self::Lib => "$lib",
            Self::Browser => "$browser",
            Self::Os => "$os",
            Self::DeviceType => "$device_type",
            Self::RawUserAgent => "$raw_user_agent",
            Self::UserAgent => "$user_agent",
            Self::Bot => "$bot",
            Self::BotCategory => "$bot_category",
            Self::ChannelType => "$channel_type",
            Self::ReferringDomain => "$referring_domain",
            Self::UtmSource => "utm_source",
            Self::UtmMedium => "utm_medium",
            Self::UtmCampaign => "utm_campaign",
            Self::Gclid => "gclid",
            Self::Fbclid => "fbclid",
            Self::GadSource => "gad_source",
            Self::CookielessExtra => "$cookieless_extra",
            Self::Host => "$host",
            Self::Timezone => "$timezone",
        }
    }

    #[inline]
    fn of(name: &str) -> Option<Self> {
        // By length first: most properties are none of these, and must cost next to nothing.
        let candidates: &[Self] = match name.len() {
            3 => &[Self::Ip, Self::Os],
            4 => &[Self::Lib, Self::Bot],
            5 => &[Self::Host, Self::Gclid],
            6 => &[Self::Fbclid],
            8 => &[Self::Browser],
            9 => &[Self::Timezone],
            10 => &[Self::UtmSource, Self::UtmMedium, Self::GadSource],
            11 => &[Self::UserAgent],
            12 => &[Self::DeviceType, Self::UtmCampaign],
            13 => &[Self::BotCategory, Self::ChannelType],
            14 => &[Self::GeoipDisable],
            15 => &[Self::RawUserAgent],
            17 => &[Self::ReferringDomain, Self::CookielessExtra],
            _ => &[],
        };
        candidates.iter().copied().find(|candidate| candidate.text() == name)
    }
}

/// The known properties of one event, as they stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known<'a> {
    raws: [Option<&'a str>; ALL.len()],
    /// Whether the SDK says itself where the client is.
    pub(crate) has_own_place: bool,
}

impl<'a> Known<'a> {
    /// Finds them; of a repeated name the last counts.
    pub(crate) fn find(properties: &'a str) -> Self {
        let mut known = Self::default();
        for member in Members::of(properties) {
            let name = member.name();
            match Name::of(&name) {
                Some(name) => known.raws[name as usize] = Some(member.value),
                None => known.has_own_place |= is_of_place(&name),
            }
        }
        known
    }

    /// Its raw value.
    pub(crate) fn raw(&self, name: Name) -> Option<&'a str> {
        self.raws[name as usize]
    }

    /// Its text, where it is a string and not empty.
    pub(crate) fn text(&self, name: Name) -> Option<Cow<'a, str>> {
        json::string(self.raw(name)?).filter(|text| !text.is_empty())
    }

    /// Whether it is there and says something.
    pub(crate) fn says(&self, name: Name) -> bool {
        self.raw(name).is_some_and(|raw| !matches!(raw, "null" | "\"\""))
    }

    /// Whether JavaScript would take it for true.
    pub(crate) fn is_truthy(&self, name: Name) -> bool {
        self.raw(name).is_some_and(json::is_truthy)
    }
}

fn is_of_place(name: &str) -> bool {
    name.starts_with("$geoip_") || name.starts_with("cf_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_its_text() {
        for (slot, name) in ALL.into_iter().enumerate() {
            assert_eq!(Name::of(name.text()), Some(name));
            assert_eq!(name as usize, slot);
        }
        assert_eq!(Name::of("$pathname"), None);
    }

    #[test]
    fn what_is_said_is_told_from_what_is_not() {
        let known = Known::find(r#"{"$os":"","$host":null,"\u0024ip":"::1","cf_asn":1,"$bot":7}"#);
        assert!(!known.says(Name::Os) && !known.says(Name::Host) && !known.says(Name::Lib));
        assert!(known.says(Name::Bot) && known.has_own_place);
        assert_eq!(known.text(Name::Ip).as_deref(), Some("::1"));
        assert_eq!(known.text(Name::Bot), None);
    }
}
