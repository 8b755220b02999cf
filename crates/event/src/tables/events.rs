//! `events`: what PostHog's table of that name holds.
//!
//! The lake's Arrow, Parquet and Iceberg schemas, the schema of the Cloudflare pipeline, its JSON rows
//! and the reference in the docs come from this list.

use crate::PersonMode;
use crate::column::{
    Column, Kind, Value, group, number, optional, optional_text, property, required, text,
    timestamp,
};

/// The columns of `events`, in order.
pub const COLUMNS: &[Column] = &[
    required(1, "uuid", Kind::Text, "The event's uuid, from the SDK or made by the server", |s| {
        Value::Uuid(s.row.uuid())
    }),
    required(2, "event", Kind::Text, "Event name", |s| text(&s.row.event)),
    required(
        3,
        "distinct_id",
        Kind::Text,
        "Whose event it is, as the application names the user",
        |s| text(&s.row.distinct_id),
    ),
    required(
        4,
        "timestamp",
        Kind::Timestamp,
        "When it happened, corrected for the client's clock",
        |s| Value::Timestamp(s.row.timestamp_micros),
    ),
    required(5, "created_at", Kind::Timestamp, "When the server received it", |s| {
        Value::Timestamp(s.row.created_at_micros)
    }),
    required(
        6,
        "team_id",
        Kind::Integer,
        "Project number; 0 for a token that no project has claimed",
        |s| Value::Integer(s.row.team_id),
    ),
    required(7, "token", Kind::Text, "Project API key", |s| text(&s.row.token)),
    required(8, "person_id", Kind::Text, "The person", |s| Value::Uuid(s.row.person_id().0)),
    required(9, "person_mode", Kind::Text, "`full`, `propertyless` or `force_upgrade`", |s| {
        text(PersonMode::try_from(s.row.person_mode).unwrap_or(PersonMode::Full).name())
    }),
    optional(10, "person_created_at", Kind::Timestamp, "When the person came to be", |s| {
        timestamp(s.row.person_created_at_micros)
    }),
    optional(
        11,
        "person_properties",
        Kind::Json,
        "`$set_once` and `$set` of the event, the latter winning; the whole person after the event \
         with `HOGFLARE_PERSON_PROPERTIES=on_events`",
        |s| s.row.known_person_properties().map_or(Value::Null, Value::Text),
    ),
    required(
        12,
        "properties",
        Kind::Json,
        "Event properties: the members as sent, and appended ones (`$ip`, `$geoip_…`, `$group_0` …)",
        |s| Value::Text(s.row.properties_with_groups()),
    ),
    optional(
        13,
        "elements_chain",
        Kind::Text,
        "Clicked elements in PostHog's text form, from `$elements_chain` or `$elements`",
        |s| match s.row.elements_chain.as_str() {
            "" => Value::Null,
            chain => text(chain),
        },
    ),
    optional(
        14,
        "group_0",
        Kind::Text,
        "Key of the group of the project's first group type",
        |s| group(s.row, 0),
    ),
    optional(15, "group_1", Kind::Text, "Likewise of the second", |s| group(s.row, 1)),
    optional(16, "group_2", Kind::Text, "Likewise of the third", |s| group(s.row, 2)),
    optional(17, "group_3", Kind::Text, "Likewise of the fourth", |s| group(s.row, 3)),
    optional(18, "group_4", Kind::Text, "Likewise of the fifth", |s| group(s.row, 4)),
    optional(19, "group_properties", Kind::Json, "`$group_set` of a `$groupidentify`", |s| {
        optional_text(&s.row.group_properties)
    }),
    optional(20, "session_id", Kind::Text, "Property `$session_id`", |s| {
        optional_text(&s.row.session_id)
    }),
    optional(21, "window_id", Kind::Text, "Property `$window_id`", |s| {
        optional_text(&s.row.window_id)
    }),
    optional(22, "current_url", Kind::Text, "Property `$current_url`", |s| {
        property(s, "$current_url")
    }),
    optional(23, "host", Kind::Text, "Property `$host`", |s| property(s, "$host")),
    optional(24, "pathname", Kind::Text, "Property `$pathname`", |s| property(s, "$pathname")),
    optional(25, "referrer", Kind::Text, "Property `$referrer`", |s| property(s, "$referrer")),
    optional(26, "referring_domain", Kind::Text, "Property `$referring_domain`", |s| {
        property(s, "$referring_domain")
    }),
    optional(27, "browser", Kind::Text, "Property `$browser`", |s| property(s, "$browser")),
    optional(28, "browser_version", Kind::Text, "Property `$browser_version`", |s| {
        property(s, "$browser_version")
    }),
    optional(29, "os", Kind::Text, "Property `$os`", |s| property(s, "$os")),
    optional(30, "os_version", Kind::Text, "Property `$os_version`", |s| {
        property(s, "$os_version")
    }),
    optional(31, "device_type", Kind::Text, "Property `$device_type`", |s| {
        property(s, "$device_type")
    }),
    optional(32, "screen_width", Kind::Integer, "Property `$screen_width`", |s| {
        number(s, "$screen_width")
    }),
    optional(33, "screen_height", Kind::Integer, "Property `$screen_height`", |s| {
        number(s, "$screen_height")
    }),
    optional(34, "lib", Kind::Text, "Property `$lib`", |s| property(s, "$lib")),
    optional(35, "lib_version", Kind::Text, "Property `$lib_version`", |s| {
        property(s, "$lib_version")
    }),
    optional(36, "country_code", Kind::Text, "Property `$geoip_country_code`", |s| {
        property(s, "$geoip_country_code")
    }),
    optional(37, "region", Kind::Text, "Property `$geoip_subdivision_1_name`", |s| {
        property(s, "$geoip_subdivision_1_name")
    }),
    optional(38, "city", Kind::Text, "Property `$geoip_city_name`", |s| {
        property(s, "$geoip_city_name")
    }),
    optional(39, "utm_source", Kind::Text, "Property `utm_source`", |s| property(s, "utm_source")),
    optional(40, "utm_medium", Kind::Text, "Property `utm_medium`", |s| property(s, "utm_medium")),
    optional(41, "utm_campaign", Kind::Text, "Property `utm_campaign`", |s| {
        property(s, "utm_campaign")
    }),
    optional(42, "utm_content", Kind::Text, "Property `utm_content`", |s| {
        property(s, "utm_content")
    }),
    optional(43, "utm_term", Kind::Text, "Property `utm_term`", |s| property(s, "utm_term")),
    optional(
        44,
        "ip",
        Kind::Text,
        "Property `$ip`: what the SDK set, else the client's address",
        |s| property(s, "$ip"),
    ),
    optional(45, "bot", Kind::Text, "Property `$bot`", |s| property(s, "$bot")),
    required(
        46,
        "source",
        Kind::Text,
        "Always `posthog`: the protocol that the event came by",
        |_| text("posthog"),
    ),
    optional(47, "context", Kind::Json, "Member `context` of the request", |s| {
        optional_text(&s.row.context)
    }),
    optional(48, "extra", Kind::Json, "Members of the request that have no other place", |s| {
        optional_text(&s.row.extra)
    }),
    optional(
        49,
        "sent_at",
        Kind::Timestamp,
        "When the client says it sent the event, by its own clock",
        |s| timestamp(s.row.sent_at_micros),
    ),
    required(50, "journal_id", Kind::Text, "The journal that took the event", |s| {
        Value::Uuid(s.journal_id)
    }),
    required(51, "journal_offset", Kind::Integer, "The row's number in that journal", |s| {
        s.offset()
    }),
    optional(52, "channel_type", Kind::Text, "Property `$channel_type`", |s| {
        property(s, "$channel_type")
    }),
    optional(53, "screen_name", Kind::Text, "Property `$screen_name`", |s| {
        property(s, "$screen_name")
    }),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Promoted, Row, StoredRow};
    use uuid::Uuid;

    fn value_of(column: &str, row: &Row) -> String {
        let promoted = Promoted::of(&row.properties);
        let stored =
            StoredRow { row, promoted: &promoted, journal_id: Uuid::nil(), journal_offset: 7 };
        let column = COLUMNS.iter().find(|candidate| candidate.name == column).unwrap();
        format!("{:?}", (column.value)(stored))
    }

    #[test]
    fn promoted_columns_read_their_property() {
        let row = Row {
            properties: r#"{"$browser":"Chrome","$screen_width":1280}"#.into(),
            groups: vec![String::new(), "acme".into()],
            ..Row::default()
        };
        assert_eq!(value_of("browser", &row), r#"Text("Chrome")"#);
        assert_eq!(value_of("screen_width", &row), "Integer(1280)");
        assert_eq!(value_of("os", &row), "Null");
        assert_eq!(value_of("group_0", &row), "Null");
        assert_eq!(value_of("group_1", &row), r#"Text("acme")"#);
        assert_eq!(value_of("journal_offset", &row), "Integer(7)");
    }
}
