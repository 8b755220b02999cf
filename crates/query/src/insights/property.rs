//! Where a property is found in SQL.
//!
//! Every property is in `properties`, as JSON. Some are in a column of `events` besides, which is far
//! cheaper to read, and not quite the same: the column takes text and numbers, and is NULL for `true`,
//! `[…]` and `{…}`, the misfits. So the column answers only where it answers the same for them as the
//! JSON would ([`Property::column_for`]): their text is `true` or `false`, or begins with a bracket,
//! and whatever no such text fulfils, NULL does not fulfil either.

use super::filter::{PropertyFilter, PropertyType};
use super::sql;
use super::wrong::{Wrong, wrong};

/// Properties whose text a column has, where it fits. Whole numbers are cut for their columns, so
/// these are not here.
const COLUMNS: [(&str, &str); 24] = [
    ("$current_url", "current_url"),
    ("$host", "host"),
    ("$pathname", "pathname"),
    ("$referrer", "referrer"),
    ("$referring_domain", "referring_domain"),
    ("$browser", "browser"),
    ("$browser_version", "browser_version"),
    ("$os", "os"),
    ("$os_version", "os_version"),
    ("$device_type", "device_type"),
    ("$lib", "lib"),
    ("$lib_version", "lib_version"),
    ("$geoip_country_code", "country_code"),
    ("$geoip_subdivision_1_name", "region"),
    ("$geoip_city_name", "city"),
    ("utm_source", "utm_source"),
    ("utm_medium", "utm_medium"),
    ("utm_campaign", "utm_campaign"),
    ("utm_content", "utm_content"),
    ("utm_term", "utm_term"),
    ("$ip", "ip"),
    ("$bot", "bot"),
    ("$channel_type", "channel_type"),
    ("$screen_name", "screen_name"),
];

/// What an event has as a column alone.
const METADATA: [(&str, &str); 12] = [
    ("event", "event"),
    ("distinct_id", "distinct_id"),
    ("person_id", "person_id"),
    ("uuid", "uuid"),
    ("person_mode", "person_mode"),
    ("$session_id", "session_id"),
    ("$window_id", "window_id"),
    ("$group_0", "group_0"),
    ("$group_1", "group_1"),
    ("$group_2", "group_2"),
    ("$group_3", "group_3"),
    ("$group_4", "group_4"),
];

/// Tables that a statement joins to its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Joins {
    pub(crate) persons: bool,
    pub(crate) groups: [bool; 5],
}

impl Joins {
    /// What stands behind `FROM`.
    pub(crate) fn from(&self) -> String {
        let mut from = "events AS e".to_owned();
        if self.persons {
            from.push_str(
                "\n  LEFT JOIN persons AS p ON p.team_id = e.team_id AND p.id = e.person_id",
            );
        }
        for index in
            self.groups.iter().enumerate().filter_map(|(index, is_used)| is_used.then_some(index))
        {
            from.push_str(&format!(
                "\n  LEFT JOIN groups AS g{index} ON g{index}.team_id = e.team_id \
                 AND g{index}.group_type_index = {index} AND g{index}.group_key = e.group_{index}"
            ));
        }
        from
    }
}

/// A property of an event, its person or its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    /// SQL for its text, NULL where it is not there or `null`.
    pub(crate) text: String,
    column: Option<&'static str>,
}

impl Property {
    /// Finds a property, and notes what must be joined for it.
    pub(crate) fn find(
        key: &str,
        of: PropertyType,
        group: Option<u8>,
        joins: &mut Joins,
        field: &str,
    ) -> Result<Self, Wrong> {
        match of {
            PropertyType::EventMetadata => metadata(key, field),
            PropertyType::Event | PropertyType::Feature if key == "$elements_chain" => {
                Ok(Self { text: "e.elements_chain".to_owned(), column: None })
            }
            PropertyType::Event | PropertyType::Feature => {
                let known = COLUMNS.iter().find(|(name, _)| *name == key);
                Ok(Self { text: json("e.properties", key), column: known.map(|known| known.1) })
            }
            PropertyType::Person if key == "distinct_id" => metadata(key, field),
            PropertyType::Person => {
                joins.persons = true;
                Ok(Self { text: json("p.properties", key), column: None })
            }
            PropertyType::Group => {
                let index = group.map(usize::from);
                let Some((index, is_joined)) =
                    index.and_then(|index| Some((index, joins.groups.get_mut(index)?)))
                else {
                    return Err(wrong(format!("{field}.group_type_index"), "it is from 0 to 4"));
                };
                *is_joined = true;
                Ok(Self { text: json(&format!("g{index}.group_properties"), key), column: None })
            }
        }
    }

    /// Finds what a filter is on.
    pub(crate) fn of(
        filter: &PropertyFilter,
        joins: &mut Joins,
        field: &str,
    ) -> Result<Self, Wrong> {
        Self::find(&filter.key, filter.of, filter.group_type_index, joins, field)
    }

    /// Its text, for conditions that no misfit fulfils: from the column, if it has one.
    pub(crate) fn column_for(&self, misfits: Misfits) -> String {
        match (self.column, misfits) {
            (Some(column), Misfits::NeverFulfil) => format!("e.{column}"),
            _ => self.text.clone(),
        }
    }

    /// Its number, NULL where it is none.
    pub(crate) fn number(&self) -> String {
        format!("number_of({})", self.column_for(Misfits::NeverFulfil))
    }
}

/// What a condition says of `true`, `false`, `[…]` and `{…}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfits {
    /// No such text fulfils it.
    NeverFulfil,
    /// Some may.
    MayFulfil,
}

impl Misfits {
    /// Whether one of these texts could be that of a misfit.
    pub(crate) fn equal_to(texts: &[String]) -> Self {
        let is_like_one =
            |text: &String| text == "true" || text == "false" || text.starts_with(['[', '{']);
        match texts.iter().any(is_like_one) {
            true => Self::MayFulfil,
            false => Self::NeverFulfil,
        }
    }
}

/// The same statement, if the JSON that it reads is one property with a column: where the column has
/// it, it is what the JSON says, and the JSON is read of the other rows alone. So no row group is
/// opened for it that has the column in every row.
pub(crate) fn by_column(statement: &str, table: &str) -> Option<String> {
    let from = format!("FROM {table} AS e");
    if statement.matches(&from).count() != 1 {
        return None;
    }
    let all = statement.matches("e.properties").count();
    let found = COLUMNS.iter().find_map(|(name, column)| {
        let read = json("e.properties", name);
        let is_all = all > 0 && statement.matches(&read).count() == all;
        is_all.then(|| (read, json("properties", name), *column))
    });
    let (read, told, column) = found?;
    let rows = format!(
        "FROM (SELECT *, {column} AS told FROM {table} WHERE {column} IS NOT NULL\n\
         UNION ALL SELECT *, {told} AS told FROM {table} WHERE {column} IS NULL) AS e"
    );
    Some(statement.replace(&read, "e.told").replacen(&from, &rows, 1))
}

fn json(column: &str, key: &str) -> String {
    format!("json_as_text({column}, {})", sql::text(key))
}

fn metadata(key: &str, field: &str) -> Result<Property, Wrong> {
    match METADATA.iter().find(|(name, _)| *name == key) {
        Some((_, column)) => Ok(Property { text: format!("e.{column}"), column: None }),
        None => Err(wrong(format!("{field}.key"), format!("events have no column {key}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{Kind, Table};

    #[test]
    fn the_columns_are_those_that_copy_a_property_as_text() {
        let copies = Table::Events.columns().iter().filter_map(|column| {
            let property = column.doc.strip_prefix("Property `")?.split('`').next()?;
            // Cookieless events have sessions that the server made, and integers are cut.
            let is_text = column.kind == Kind::Text && !column.name.ends_with("_id");
            is_text.then_some((property, column.name))
        });
        assert_eq!(copies.collect::<Vec<_>>(), COLUMNS);
    }

    #[test]
    fn events_have_the_columns_that_stand_for_themselves() {
        let names: Vec<_> = Table::Events.columns().iter().map(|column| column.name).collect();
        for (_, column) in METADATA {
            assert!(names.contains(&column), "{column}");
        }
    }

    #[test]
    fn a_column_answers_where_it_has_the_property() {
        let read =
            "SELECT json_as_text(e.properties, '$os') AS os FROM events AS e WHERE e.team_id = 1";
        let rewritten = by_column(read, "events").unwrap();
        assert!(
            rewritten.starts_with("SELECT e.told AS os FROM (SELECT *, os AS told FROM events ")
        );
        assert!(rewritten.ends_with(" WHERE os IS NULL) AS e WHERE e.team_id = 1"), "{rewritten}");
        // There are two tables, other JSON is read, no column has it, or a text looks like all that.
        for other in [
            read.replace("WHERE", "JOIN (SELECT 1 FROM events AS e) WHERE"),
            read.replace("WHERE", "WHERE json_as_text(e.properties, 'a') = 'b' AND"),
            read.replace("$os", "os"),
            read.replace("= 1", "= 'json_as_text(e.properties, ''$os'')'"),
        ] {
            assert_eq!(by_column(&other, "events"), None, "{other}");
        }
        assert_eq!(by_column(read, "events_raw"), None);
    }

    #[test]
    fn keys_are_literals() {
        let mut joins = Joins::default();
        let found = Property::find("it's", PropertyType::Event, None, &mut joins, "key").unwrap();
        assert_eq!(found.text, "json_as_text(e.properties, 'it''s')");
        assert_eq!(joins, Joins::default());
    }
}
