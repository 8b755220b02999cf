//! Which column means what.

use anyhow::{bail, ensure};

use crate::record::{Cell, Record, quoted};

/// What members of an event a column may be mapped to, besides `properties.NAME`.
const FIELDS: &[&str] =
    &["uuid", "event", "distinct_id", "timestamp", "created_at", "properties", "elements_chain"];

/// Columns of other names, and what they mean here.
#[derive(Clone, Debug, Default)]
pub struct Mapping(Vec<(String, String)>);

impl Mapping {
    /// Of `column=field`.
    ///
    /// # Errors
    /// When one has no `=`, or names a field that events do not have.
    pub fn new<'a>(pairs: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Self> {
        let mut mapping = Vec::new();
        for pair in pairs {
            let Some((column, field)) = pair.rsplit_once('=') else {
                bail!("--map {pair}: expected column=field")
            };
            let property = field.strip_prefix("properties.").filter(|name| !name.is_empty());
            let is_field = FIELDS.contains(&field) || property.is_some();
            ensure!(
                is_field && !column.is_empty(),
                "--map {pair}: expected one of {}, or properties.NAME, behind =",
                FIELDS.join(", ")
            );
            mapping.push((column.to_owned(), field.to_owned()));
        }
        Ok(Self(mapping))
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The columns of these names that are mapped and not there.
    pub(crate) fn missing<'a>(&'a self, columns: &'a [String]) -> Option<&'a str> {
        self.0
            .iter()
            .map(|(column, _)| column)
            .find(|column| !columns.contains(column))
            .map(String::as_str)
    }

    /// Whether a column is mapped.
    pub(crate) fn names(&self, column: &str) -> bool {
        self.0.iter().any(|(from, _)| from == column)
    }

    /// The record with the names that events have. Columns that are not mapped stay what they are.
    pub(crate) fn apply(&self, record: Record) -> Record {
        if self.is_empty() {
            return record;
        }
        let (mut named, mut properties) = (Vec::new(), Vec::new());
        for (column, cell) in record.0 {
            let mut fields =
                self.0.iter().filter(|(from, _)| *from == column).map(|(_, to)| to).peekable();
            if fields.peek().is_none() {
                named.push((column, cell));
                continue;
            }
            for field in fields {
                match field.strip_prefix("properties.") {
                    Some(name) => {
                        properties.extend(cell.value().map(|value| (name.to_owned(), value)))
                    }
                    None => {
                        named.retain(|(name, _): &(String, Cell)| name != field);
                        named.push((field.clone(), cell.clone()));
                    }
                }
            }
        }
        if !properties.is_empty() {
            let members =
                properties.iter().map(|(name, value)| format!("{}:{value}", quoted(name)));
            let members = members.collect::<Vec<_>>().join(",");
            named.push((MAPPED.to_owned(), Cell::Json(format!("{{{members}}}"))));
        }
        Record(named)
    }
}

/// Where mapped properties are put together.
pub(crate) const MAPPED: &str = "\u{0}properties";

/// What a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An event a row.
    Events,
    /// A distinct id of a person a row.
    Persons,
}

impl Kind {
    /// By the names of columns; `None` where they are of nothing that is known.
    pub(crate) fn of(columns: &[String]) -> Option<Self> {
        let has = |name: &str| columns.iter().any(|column| column == name);
        if has("event") && has("distinct_id") {
            return Some(Self::Events);
        }
        let is_persons = has("person_id") && has("distinct_id") && !has("timestamp");
        is_persons.then_some(Self::Persons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn exports_are_told_by_their_columns() {
        let events =
            names(&["uuid", "event", "properties", "distinct_id", "person_id", "timestamp"]);
        assert_eq!(Kind::of(&events), Some(Kind::Events));
        let persons =
            names(&["team_id", "distinct_id", "person_id", "properties", "person_version"]);
        assert_eq!(Kind::of(&persons), Some(Kind::Persons));
        assert_eq!(Kind::of(&names(&["a", "b"])), None);
    }

    #[test]
    fn a_column_may_be_a_field_or_a_property_or_both() {
        let mapping = Mapping::new([
            "what=event",
            "who=distinct_id",
            "who=properties.user",
            "n=properties.count",
        ]);
        let text = |text: &str| Cell::Text(text.into());
        let row = [("what", "buy"), ("who", "ann"), ("n", "3")];
        let row = Record(row.iter().map(|(name, cell)| ((*name).to_owned(), text(cell))).collect());
        let mapped = mapping.unwrap().apply(row);
        assert_eq!(mapped.text("event"), Some("buy".into()));
        assert_eq!(mapped.text("distinct_id"), Some("ann".into()));
        assert_eq!(mapped.get(MAPPED), Some(&Cell::Json(r#"{"user":"ann","count":3}"#.into())));
        assert!(Mapping::new(["what"]).is_err());
        assert!(Mapping::new(["what=verb"]).is_err());
    }
}
