//! By what a table of web analytics is cut.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::super::filter::Value;
use super::super::sql;

/// What stands between the values of several columns: no text has it.
const SEPARATOR: char = '\u{1f}';

/// PostHog's `WebStatsBreakdown`, and `Host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[allow(missing_docs, reason = "docs/insights.md has them, each in a line")]
pub enum WebBreakdown {
    Page,
    Host,
    InitialPage,
    ExitPage,
    ScreenName,
    InitialChannelType,
    InitialReferringDomain,
    #[serde(rename = "InitialReferringURL")]
    InitialReferringUrl,
    #[serde(rename = "InitialUTMSource")]
    InitialUtmSource,
    #[serde(rename = "InitialUTMCampaign")]
    InitialUtmCampaign,
    #[serde(rename = "InitialUTMMedium")]
    InitialUtmMedium,
    #[serde(rename = "InitialUTMTerm")]
    InitialUtmTerm,
    #[serde(rename = "InitialUTMContent")]
    InitialUtmContent,
    Browser,
    #[serde(rename = "OS")]
    Os,
    DeviceType,
    Country,
    Region,
    City,
}

/// Whose value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// The view's own.
    View,
    /// That of the session's first event which says it.
    Entry,
    /// That of its last.
    Exit,
}

/// A breakdown in SQL.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    /// What an event says; NULL where it says nothing.
    pub(super) said: String,
    pub(super) level: Level,
    /// Whether bounces are those of the sessions that began with the value.
    pub(super) bounces_of_entry: bool,
    /// What those have that have none; left out where this is `None`.
    pub(super) of_none: OfNone,
    /// How many columns it is.
    parts: usize,
}

/// What becomes of sessions and views without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OfNone {
    /// They are left out.
    LeftOut,
    /// They have a row of their own, without a value.
    Shown,
    /// They have this value.
    Called(&'static str),
}

impl WebBreakdown {
    /// PostHog's name.
    pub(super) fn name(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|name| Some(name.as_str()?.to_owned()))
            .unwrap_or_default()
    }

    pub(super) fn cut(self) -> Cut {
        let column = |name: &str| format!("nullif(e.{name}, '')");
        let of = |said: String, level: Level| Cut {
            said,
            level,
            bounces_of_entry: false,
            of_none: OfNone::LeftOut,
            parts: 1,
        };
        let campaign =
            |name: &str| Cut { of_none: OfNone::Shown, ..of(column(name), Level::Entry) };
        let placed = |name: &str| Cut {
            said: format!(
                "CASE WHEN {0} IS NULL THEN NULL ELSE coalesce(e.country_code, '') || {1} || {0} END",
                column(name),
                sql::text(&SEPARATOR.to_string()),
            ),
            parts: 2,
            ..of(String::new(), Level::View)
        };
        match self {
            Self::Page => Cut { bounces_of_entry: true, ..of(column("pathname"), Level::View) },
            Self::Host => of(column("host"), Level::View),
            Self::InitialPage => of(column("pathname"), Level::Entry),
            Self::ExitPage => of(column("pathname"), Level::Exit),
            Self::ScreenName => of(column("screen_name"), Level::View),
            Self::InitialChannelType => Cut {
                of_none: OfNone::Called("Unknown"),
                ..of(column("channel_type"), Level::Entry)
            },
            Self::InitialReferringDomain => of(column("referring_domain"), Level::Entry),
            Self::InitialReferringUrl => of(
                "nullif(split_part(split_part(e.referrer, '?', 1), '#', 1), '')".to_owned(),
                Level::Entry,
            ),
            Self::InitialUtmSource => campaign("utm_source"),
            Self::InitialUtmCampaign => campaign("utm_campaign"),
            Self::InitialUtmMedium => campaign("utm_medium"),
            Self::InitialUtmTerm => campaign("utm_term"),
            Self::InitialUtmContent => campaign("utm_content"),
            Self::Browser => of(column("browser"), Level::View),
            Self::Os => of(column("os"), Level::View),
            Self::DeviceType => of(column("device_type"), Level::View),
            Self::Country => of(column("country_code"), Level::View),
            Self::Region => placed("region"),
            Self::City => placed("city"),
        }
    }
}

impl Cut {
    /// How an answer tells a value.
    pub(super) fn told(&self, value: Option<&str>) -> Json {
        match (value, self.parts) {
            (None, _) => Json::Null,
            (Some(value), 1) => value.into(),
            (Some(value), _) => value.split(SEPARATOR).collect::<Vec<_>>().into(),
        }
    }

    /// The value that a point names; nothing is the empty text.
    pub(super) fn asked(&self, point: &Value) -> Option<Option<String>> {
        match (point, self.parts) {
            (Value::Text(text), 1) => Some(Some(text.clone()).filter(|text| !text.is_empty())),
            (Value::List(list), parts) if parts > 1 && list.len() == parts => {
                let texts = list.iter().map(|value| match value {
                    Value::Text(text) => Some(text.as_str()),
                    _ => None,
                });
                let texts: Vec<&str> = texts.collect::<Option<_>>()?;
                Some(Some(texts.join(&SEPARATOR.to_string())))
            }
            _ => None,
        }
    }
}
