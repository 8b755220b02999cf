//! Filters on properties, in PostHog's words.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

/// What a property belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PropertyType {
    /// The event.
    #[default]
    Event,
    /// The event's `$feature/…`.
    Feature,
    /// A column of `events`: `event`, `distinct_id`, `person_id`, `uuid`, `$group_0` …
    EventMetadata,
    /// The person that the event belongs to now, as that is now.
    Person,
    /// A group of the event, as that is now.
    Group,
}

/// How a property is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "docs/insights.md has their meaning, each in a line")]
pub enum Operator {
    #[default]
    Exact,
    IsNot,
    Icontains,
    NotIcontains,
    IcontainsMulti,
    NotIcontainsMulti,
    Regex,
    NotRegex,
    Gt,
    Gte,
    Lt,
    Lte,
    Min,
    Max,
    Between,
    NotBetween,
    In,
    NotIn,
    IsSet,
    IsNotSet,
    IsDateExact,
    IsDateBefore,
    IsDateAfter,
    SemverEq,
    SemverNeq,
    SemverGt,
    SemverGte,
    SemverLt,
    SemverLte,
    SemverTilde,
    SemverCaret,
    SemverWildcard,
}

/// A value, or a list of them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(no_recursion)]
pub enum Value {
    /// `true` or `false`
    Boolean(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
    /// Any of these.
    List(Vec<Value>),
}

/// A filter on one property.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PropertyFilter {
    /// The property's name.
    pub key: String,
    /// How it is compared.
    #[serde(default)]
    pub operator: Operator,
    /// With what.
    #[serde(default)]
    pub value: Option<Value>,
    /// Whose property it is.
    #[serde(default, rename = "type")]
    pub of: PropertyType,
    /// Which of the groups, 0 to 4.
    #[serde(default)]
    pub group_type_index: Option<u8>,
}

/// Whether all must hold, or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Logic {
    /// All.
    And,
    /// At least one.
    Or,
}

/// Filters that belong together.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterGroup {
    /// How.
    #[serde(rename = "type")]
    pub logic: Logic,
    /// Filters, and further groups.
    #[schema(no_recursion)]
    pub values: Vec<Filter>,
}

/// A filter, or a group of them.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Filter {
    /// Several.
    Group(FilterGroup),
    /// One.
    Property(PropertyFilter),
}

/// Member `properties`: a list of filters that must all hold, or a group.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Filters {
    /// All of these.
    List(Vec<Filter>),
    /// A group.
    Group(FilterGroup),
}

/// What has `values` is a group, so that an error is about the one that is meant.
impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(filter: D) -> Result<Self, D::Error> {
        let filter = Json::deserialize(filter)?;
        let read = match filter.get("values") {
            Some(_) => parse(filter).map(Self::Group),
            None => parse(filter).map(Self::Property),
        };
        read.map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Filters {
    fn deserialize<D: Deserializer<'de>>(filters: D) -> Result<Self, D::Error> {
        let filters = Json::deserialize(filters)?;
        let read = match filters.is_array() {
            true => parse(filters).map(Self::List),
            false => parse(filters).map(Self::Group),
        };
        read.map_err(D::Error::custom)
    }
}

/// Reads a part, or says which member of it is wrong.
fn parse<T: DeserializeOwned>(part: Json) -> Result<T, String> {
    serde_path_to_error::deserialize(part).map_err(|error| match error.path().to_string() {
        path if path == "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    })
}

impl Default for Filters {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_saved_insights_are_read() {
        let text = r#"{"type":"AND","values":[{"type":"OR","values":[
            {"key":"$browser","value":["Chrome","Safari"],"operator":"exact","type":"event"},
            {"key":"email","value":"is_set","operator":"is_set","type":"person"}]}]}"#;
        let Filters::Group(group) = serde_json::from_str(text).unwrap() else {
            panic!("it is a group");
        };
        let [Filter::Group(inner)] = group.values.as_slice() else { panic!("{group:?}") };
        assert_eq!((inner.logic, inner.values.len()), (Logic::Or, 2));
        let [Filter::Property(browser), _] = inner.values.as_slice() else { panic!("{inner:?}") };
        assert_eq!((browser.of, browser.operator), (PropertyType::Event, Operator::Exact));
    }
}
