//! By which channel a visit came, by PostHog's default rules.
//!
//! PostHog works the channel out when it is asked, from the first event of a session or a person;
//! here a page view has it as `$channel_type`, so that any engine that reads the table can group by
//! it. Only `$pageview` has it: that is where visits begin, and SDKs repeat the campaign and the
//! session's referrer on every other event.

mod domains;
mod words;

use std::borrow::Cow;

use crate::known::{Known, Name};

/// How a visit began, as the page view says it.
#[derive(Debug, Default)]
struct Arrival<'a> {
    /// `utm_*` in small letters.
    campaign: Option<String>,
    medium: Option<String>,
    source: Option<String>,
    /// A domain, or `$direct`.
    referring_domain: Option<Cow<'a, str>>,
    has_gclid: bool,
    has_fbclid: bool,
    gad_source: Option<Cow<'a, str>>,
}

/// What `$referring_domain` is where nothing referred.
const DIRECT: &str = "$direct";

/// The channel of a page view; `None` where it does not say anything about how the visit began.
pub(crate) fn of(known: &Known<'_>) -> Option<&'static str> {
    let arrival = Arrival::of(known);
    arrival.says_anything().then(|| arrival.channel())
}

impl<'a> Arrival<'a> {
    fn of(known: &Known<'a>) -> Self {
        let said = |name| known.text(name).filter(|text| text != "null");
        let lower = |name| said(name).map(|text| text.to_lowercase());
        Self {
            campaign: lower(Name::UtmCampaign),
            medium: lower(Name::UtmMedium),
            source: lower(Name::UtmSource),
            referring_domain: said(Name::ReferringDomain),
            has_gclid: said(Name::Gclid).is_some(),
            has_fbclid: said(Name::Fbclid).is_some(),
            // In the address it is a number, and some SDKs make it one.
            gad_source: said(Name::GadSource).or_else(|| number(known.raw(Name::GadSource)?)),
        }
    }

    fn says_anything(&self) -> bool {
        let texts = [&self.campaign, &self.medium, &self.source];
        let has_click = self.has_gclid || self.has_fbclid || self.gad_source.is_some();
        has_click || self.referring_domain.is_some() || texts.iter().any(|text| text.is_some())
    }

    fn channel(&self) -> &'static str {
        if self.has_campaign(|campaign| campaign.contains("cross-network")) {
            "Cross Network"
        } else if self.is_paid() {
            self.paid()
        } else if self.is_direct() {
            "Direct"
        } else {
            self.organic()
        }
    }

    fn is_paid(&self) -> bool {
        let is_paid_medium = self.medium.as_deref().is_some_and(|medium| {
            medium.starts_with("paid")
                || matches!(medium, "cpc" | "cpm" | "cpv" | "cpa" | "ppc" | "retargeting")
        });
        is_paid_medium || self.has_gclid || self.gad_source.is_some()
    }

    fn paid(&self) -> &'static str {
        let of_source = self.source.as_deref().and_then(domains::paid);
        let of_shop = || self.has_campaign(is_of_shop).then_some("Paid Shopping");
        let of_medium = || self.medium.as_deref().and_then(words::paid);
        let of_referrer = || self.referring_domain.as_deref().and_then(domains::paid);
        of_source.or_else(of_shop).or_else(of_medium).or_else(of_referrer).unwrap_or_else(|| {
            if self.gad_source.as_deref() == Some("1") {
                "Paid Search"
            } else if self.has_campaign(|campaign| campaign.contains("video")) {
                "Paid Video"
            } else if self.has_fbclid {
                "Paid Social"
            } else {
                "Paid Unknown"
            }
        })
    }

    fn is_direct(&self) -> bool {
        let is_said_so =
            matches!(self.source.as_deref(), None | Some("(direct)" | "direct" | "$direct"));
        self.referring_domain.as_deref() == Some(DIRECT)
            && self.medium.is_none()
            && is_said_so
            && !self.has_fbclid
    }

    fn organic(&self) -> &'static str {
        let of_source = self.source.as_deref().and_then(domains::organic);
        let of_shop = || self.has_campaign(is_of_shop).then_some("Organic Shopping");
        let of_medium = || self.medium.as_deref().and_then(words::organic);
        let of_referrer = || self.referring_domain.as_deref().and_then(domains::organic);
        of_source.or_else(of_shop).or_else(of_medium).or_else(of_referrer).unwrap_or_else(|| {
            if self.has_campaign(|campaign| campaign.contains("video")) {
                "Organic Video"
            } else if self.medium.as_deref().is_some_and(|medium| medium.ends_with("push")) {
                "Push"
            } else if self.has_fbclid {
                "Organic Social"
            } else {
                match self.referring_domain.as_deref() {
                    Some(DIRECT) => "Direct",
                    Some(_) => "Referral",
                    None => "Unknown",
                }
            }
        })
    }

    fn has_campaign(&self, is_wanted: fn(&str) -> bool) -> bool {
        self.campaign.as_deref().is_some_and(is_wanted)
    }
}

fn number(raw: &str) -> Option<Cow<'_, str>> {
    raw.starts_with(|c: char| c.is_ascii_digit()).then_some(Cow::Borrowed(raw))
}

/// Whether a campaign is a shop's: `shop` where it is no part of another word than one in `e`
/// (`eshop`, not `workshop` or `bishop`), or `shopping` anywhere.
fn is_of_shop(campaign: &str) -> bool {
    let begins_word = |(at, _): (usize, &str)| {
        let before = campaign.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| !before.is_ascii_lowercase() || before == 'e')
    };
    campaign.contains("shopping") || campaign.match_indices("shop").any(begins_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(properties: &str) -> Option<&'static str> {
        of(&Known::find(properties))
    }

    fn is(properties: &str, expected: &str) {
        assert_eq!(channel(properties), Some(expected), "{properties}");
    }

    #[test]
    fn nothing_said_is_no_channel() {
        assert_eq!(channel(r#"{"$current_url":"https://x.example"}"#), None);
        assert_eq!(channel(r#"{"utm_source":null,"$referring_domain":"","gad_source":""}"#), None);
    }

    #[test]
    fn referrers_alone_tell_organic_channels() {
        for (domain, expected) in [
            ("$direct", "Direct"),
            ("www.google.com", "Organic Search"),
            ("google.co.uk", "Organic Search"),
            ("duckduckgo.com", "Organic Search"),
            ("m.facebook.com", "Organic Social"),
            ("t.co", "Organic Social"),
            ("news.ycombinator.com", "Organic Social"),
            ("www.youtube.com", "Organic Video"),
            ("www.amazon.de", "Organic Shopping"),
            ("mail.google.com", "Email"),
            ("com.google.android.gm", "Email"),
            ("chatgpt.com", "AI Assistant"),
            ("www.perplexity.ai", "AI Assistant"),
            ("claude.ai", "AI Assistant"),
            ("gemini.google.com", "AI Assistant"),
            ("copilot.microsoft.com", "AI Assistant"),
            ("blog.example.com", "Referral"),
            ("notgoogle.com", "Referral"),
        ] {
            is(&format!(r#"{{"$referring_domain":"{domain}"}}"#), expected);
        }
    }

    #[test]
    fn what_is_paid_for_is_paid() {
        is(r#"{"utm_source":"google","utm_medium":"CPC"}"#, "Paid Search");
        is(r#"{"utm_source":"facebook","utm_medium":"paid_social"}"#, "Paid Social");
        is(r#"{"gclid":"x","$referring_domain":"www.google.com"}"#, "Paid Search");
        is(r#"{"gad_source":"1","$referring_domain":"$direct"}"#, "Paid Search");
        is(r#"{"gad_source":1,"$referring_domain":"$direct"}"#, "Paid Search");
        is(r#"{"gclid":"x","$referring_domain":"www.youtube.com"}"#, "Paid Video");
        is(r#"{"utm_medium":"cpc","utm_campaign":"Summer-Shopping"}"#, "Paid Shopping");
        is(r#"{"utm_medium":"cpc","utm_campaign":"video-7"}"#, "Paid Video");
        is(r#"{"utm_medium":"cpm"}"#, "Display");
        is(r#"{"utm_medium":"cpc","fbclid":"x"}"#, "Paid Social");
        is(r#"{"utm_medium":"ppc"}"#, "Paid Unknown");
        is(r#"{"utm_campaign":"a Cross-Network b","gclid":"x"}"#, "Cross Network");
    }

    #[test]
    fn campaigns_tell_their_channel() {
        is(r#"{"utm_medium":"email","$referring_domain":"$direct"}"#, "Email");
        is(r#"{"utm_source":"sms"}"#, "SMS");
        is(r#"{"utm_medium":"affiliate"}"#, "Affiliate");
        is(r#"{"utm_medium":"audio"}"#, "Audio");
        is(r#"{"utm_medium":"web-push"}"#, "Push");
        is(r#"{"utm_medium":"banner"}"#, "Display");
        is(r#"{"utm_medium":"social"}"#, "Organic Social");
        is(r#"{"utm_source":"chatgpt.com"}"#, "AI Assistant");
        is(r#"{"utm_campaign":"workshop","$referring_domain":"$direct"}"#, "Direct");
        is(r#"{"utm_campaign":"eshop"}"#, "Organic Shopping");
        is(r#"{"utm_source":"direct","$referring_domain":"$direct"}"#, "Direct");
        is(r#"{"utm_source":"somewhere","$referring_domain":"$direct"}"#, "Direct");
        is(r#"{"fbclid":"x","$referring_domain":"$direct"}"#, "Organic Social");
        is(r#"{"utm_source":"somewhere"}"#, "Unknown");
    }
}
