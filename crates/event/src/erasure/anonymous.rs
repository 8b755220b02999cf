//! What a row keeps when it must say of nobody whose it is.
//!
//! A list of what is kept, not of what goes: what an application calls its own properties, and what
//! it writes into them, nobody knows.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::Pseudonym;
use crate::Row;

/// The properties of an event that stay, where they are text, a number or a truth value.
pub const KEPT_PROPERTIES: [&str; 30] = [
    "$app_build",
    "$app_version",
    "$bot",
    "$browser",
    "$browser_language",
    "$browser_version",
    "$current_url",
    "$device_type",
    "$geoip_continent_code",
    "$geoip_continent_name",
    "$geoip_country_code",
    "$geoip_country_name",
    "$host",
    "$lib",
    "$lib_version",
    "$os",
    "$os_name",
    "$os_version",
    "$pathname",
    "$referrer",
    "$referring_domain",
    "$screen_height",
    "$screen_width",
    "$viewport_height",
    "$viewport_width",
    "utm_campaign",
    "utm_content",
    "utm_medium",
    "utm_source",
    "utm_term",
];

/// Those of them that are addresses of pages: of these, what is before query and fragment.
const ADDRESSES: [&str; 3] = ["$current_url", "$pathname", "$referrer"];

impl Row {
    /// Makes the row one of nobody's.
    pub fn anonymize(&mut self, pseudonym: &Pseudonym) {
        (self.person_id_high, self.person_id_low) = pseudonym.person_id.0.as_u64_pair();
        self.distinct_id.clone_from(&pseudonym.distinct_id);
        self.properties = anonymous_properties(&self.properties);
        self.person_created_at_micros = None;
        self.person_properties = None;
        self.set = None;
        self.set_once = None;
        self.groups = Vec::new();
        self.group_properties = None;
        self.session_id = None;
        self.window_id = None;
        self.elements_chain = String::new();
        self.context = None;
        self.extra = None;
    }
}

/// What stays of an event's properties, a JSON object: members of [`KEPT_PROPERTIES`].
///
/// Doing it twice changes nothing more. Of what is no object, nothing stays.
pub fn anonymous_properties(properties: &str) -> String {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(properties).unwrap_or_default();
    let kept = KEPT_PROPERTIES.iter().filter_map(|key| {
        let value = serde_json::from_str(members.get(*key)?.get()).ok()?;
        Some((*key, kept(key, value)?))
    });
    let kept: BTreeMap<&str, Value> = kept.collect();
    serde_json::to_string(&kept).expect("a map of JSON values is JSON")
}

fn kept(key: &str, value: Value) -> Option<Value> {
    match value {
        Value::Array(_) | Value::Object(_) => None,
        Value::String(address) if ADDRESSES.contains(&key) => Some(page(&address).into()),
        value => Some(value),
    }
}

/// An address without query and fragment, nor name and password in front of its host.
fn page(address: &str) -> String {
    let page = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = page.split_once("://") else { return page.to_owned() };
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, Some(path)),
        None => (rest, None),
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    match path {
        Some(path) => format!("{scheme}://{host}/{path}"),
        None => format!("{scheme}://{host}"),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{PersonMode, StoredRow, Table};

    #[test]
    fn only_what_is_on_the_list_stays() {
        let properties = r#"{"$browser":"Chrome","$screen_width":1280,"email":"jane@example.com",
            "$ip":"1.2.3.4","$groups":{"company":"acme"},"$session_id":"s","$os":{"jane":1},
            "$current_url":"https://jane:pw@a.b/c?token=jane#jane","$pathname":"/c?x=jane",
            "$referrer":"$direct","utm_source":null,"$geoip_city_name":"Jena",
            "$geoip_country_code":"DE","$lib":["jane"]}"#;
        let kept = anonymous_properties(properties);
        let expected = r#"{"$browser":"Chrome","$current_url":"https://a.b/c","$geoip_country_code":"DE","$pathname":"/c","$referrer":"$direct","$screen_width":1280,"utm_source":null}"#;
        assert_eq!(kept, expected);
        assert_eq!(anonymous_properties(&kept), kept);
        assert_eq!(anonymous_properties("[1]"), "{}");
    }

    #[test]
    fn the_list_is_in_order_and_names_nothing_twice() {
        assert!(KEPT_PROPERTIES.is_sorted_by(|one, next| one < next));
        assert!(ADDRESSES.iter().all(|key| KEPT_PROPERTIES.contains(key)));
    }

    #[test]
    fn no_column_of_an_anonymous_row_says_who() {
        let jane = || "jane".to_owned();
        let mut row = Row {
            uuid_low: 7,
            event: "purchase".into(),
            distinct_id: jane(),
            person_id_low: 0xabcdef,
            person_mode: PersonMode::Full.into(),
            person_created_at_micros: Some(123_456),
            person_properties: Some(r#"{"name":"jane"}"#.into()),
            properties: r#"{"$ip":"jane","name":"jane","$set":{"a":"jane"},"$browser":"Firefox"}"#
                .into(),
            elements_chain: jane(),
            groups: vec![jane()],
            group_properties: Some(r#"{"name":"jane"}"#.into()),
            session_id: Some(jane()),
            window_id: Some(jane()),
            context: Some(r#""jane""#.into()),
            extra: Some(r#"{"jane":1}"#.into()),
            set: Some(r#"{"name":"jane"}"#.into()),
            set_once: Some(r#"{"name":"jane"}"#.into()),
            ..Row::default()
        };
        let pseudonym = Pseudonym::of(Uuid::from_u128(1), Uuid::from_u128(2));
        row.anonymize(&pseudonym);
        let promoted = crate::Promoted::of(&row.properties);
        let stored = StoredRow {
            row: &row,
            promoted: &promoted,
            journal_id: Uuid::nil(),
            journal_offset: 0,
        };
        for column in Table::Events.columns() {
            let value = format!("{:?}", (column.value)(stored));
            assert!(!["jane", "abcdef", "123456"].iter().any(|who| value.contains(who)), "{value}");
        }
        assert_eq!((row.uuid_low, row.event.as_str()), (7, "purchase"));
        assert_eq!(row.distinct_id, pseudonym.distinct_id);
        assert_eq!(row.person_id(), pseudonym.person_id);
    }
}
