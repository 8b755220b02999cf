//! The query string. Nothing in it can make a request fail.

use std::borrow::Cow;

use event::Timestamp;

use crate::form;

/// What PostHog's capture reads of a query; the rest (`ip`, `ver`, `retry_count`) is for its logs, or is
/// seen from the payload itself.
#[derive(Debug, Default)]
pub(crate) struct Query<'a> {
    /// The payload of a GET, which wins over a body.
    pub(crate) data: Option<Cow<'a, [u8]>>,
    /// When the client sent it, from `sent_at` or `_`.
    pub(crate) sent_at: Option<Timestamp>,
    /// `api_key` or `token`.
    pub(crate) token: Option<String>,
    /// Whether `compression` names LZString, the one wrapping that no look tells from base64.
    pub(crate) is_lz_string: bool,
    /// Whether to answer 204: browsers ignore the answer to a beacon.
    pub(crate) beacon: bool,
}

impl<'a> Query<'a> {
    pub(crate) fn parse(query: Option<&'a str>) -> Self {
        let mut parsed = Self::default();
        let mut underscore = None;
        for (name, value) in form::pairs(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                b"data" if !value.is_empty() => parsed.data = Some(value),
                b"sent_at" => parsed.sent_at = milliseconds(&value).or(parsed.sent_at),
                b"_" => underscore = milliseconds(&value).or(underscore),
                b"compression" => parsed.is_lz_string = form::is_lz_string(&value),
                b"api_key" | b"token" => parsed.token = parsed.token.or_else(|| text(&value)),
                b"beacon" => parsed.beacon = matches!(value.as_ref(), b"1" | b"true"),
                _ => {}
            }
        }
        parsed.sent_at = parsed.sent_at.or(underscore);
        parsed
    }
}

/// Milliseconds since the epoch, after 2020: PostHog ignores seconds, which would be in 1970.
fn milliseconds(value: &[u8]) -> Option<Timestamp> {
    const START_OF_2021_MILLIS: i64 = 1_609_459_200_000;
    let millis: i64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    let sent_at = Timestamp::from_millis(millis);
    (millis >= START_OF_2021_MILLIS && sent_at.has_four_digit_year()).then_some(sent_at)
}

fn text(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_parsed_is_ignored() {
        let query = Query::parse(Some("_=abc&sent_at=&beacon=maybe&%ff=%zz&api_key=%ff"));
        assert!(query.sent_at.is_none() && query.token.is_none() && !query.beacon);
    }

    #[test]
    fn sent_at_wins_over_underscore_and_seconds_do_not_count() {
        let both = Query::parse(Some("sent_at=1751367605000&_=1751367600000"));
        assert_eq!(both.sent_at.map(Timestamp::as_millis), Some(1_751_367_605_000));
        assert!(Query::parse(Some("_=1751367600")).sent_at.is_none());
        assert!(Query::parse(Some("_=9223372036854775807")).sent_at.is_none());
    }

    #[test]
    fn a_beacon_is_one_or_true() {
        assert!(Query::parse(Some("beacon=1")).beacon);
        assert!(Query::parse(Some("beacon=true")).beacon);
        assert!(!Query::parse(Some("beacon=0")).beacon);
        assert!(!Query::parse(None).beacon);
    }
}
