//! Breakdowns: one line of a chart for each value of a property.
//!
//! The values with the most count, ties in the order of their texts, those without one behind them
//! all; what is beyond the limit is added up as *other*. So the sum of unique users of *other* counts
//! a user once for each of its values, as in PostHog.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::filter::{PropertyType, Value};
use super::property::{Joins, Property};
use super::sql;
use super::wrong::{Wrong, wrong};

/// What stands for no value; PostHog's, so that who reads its answers reads ours.
pub(crate) const NONE: &str = "$$_posthog_breakdown_null_$$";
/// What stands for all values beyond the limit.
pub(crate) const OTHER: &str = "$$_posthog_breakdown_other_$$";
/// Values shown where nothing is said.
const USUAL_LIMIT: usize = 25;
const HIGHEST_LIMIT: usize = 1_000;
/// Properties at once.
const MOST: usize = 3;
/// What stands between the values of several properties: no text of JSON's has it but escaped.
const SEPARATOR: char = '\u{1f}';

/// Member `breakdownFilter`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakdownFilter {
    /// The property's name.
    pub breakdown: Option<String>,
    /// Whose property it is.
    pub breakdown_type: Option<PropertyType>,
    /// Which of the groups.
    pub breakdown_group_type_index: Option<u8>,
    /// Takes `/`, `?` and `#` off the end.
    pub breakdown_normalize_url: Option<bool>,
    /// Up to three properties together.
    pub breakdowns: Option<Vec<Breakdown>>,
    /// How many values are shown; 25 where nothing is said.
    pub breakdown_limit: Option<usize>,
    /// Leaves *other* out.
    pub breakdown_hide_other_aggregation: Option<bool>,
}

/// One of several.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Breakdown {
    /// The property's name.
    pub property: String,
    /// Whose property it is.
    #[serde(default, rename = "type")]
    pub of: Option<PropertyType>,
    /// Which of the groups.
    #[serde(default)]
    pub group_type_index: Option<u8>,
    /// Takes `/`, `?` and `#` off the end.
    #[serde(default)]
    pub normalize_url: Option<bool>,
}

/// A breakdown in SQL.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Broken {
    /// The text that an event is counted under.
    pub(crate) value: String,
    /// What is made that text of: nothing, or an empty text, is none.
    pub(crate) raw: Option<String>,
    pub(crate) limit: usize,
    pub(crate) shows_other: bool,
    parts: usize,
}

impl BreakdownFilter {
    fn breakdowns(&self) -> Vec<Breakdown> {
        let one = self.breakdown.as_ref().map(|property| Breakdown {
            property: property.clone(),
            of: self.breakdown_type,
            group_type_index: self.breakdown_group_type_index,
            normalize_url: self.breakdown_normalize_url,
        });
        match &self.breakdowns {
            Some(several) => several.clone(),
            None => one.into_iter().collect(),
        }
    }

    /// The breakdown, if one is asked for.
    pub(crate) fn broken(&self, joins: &mut Joins) -> Result<Option<Broken>, Wrong> {
        let breakdowns = self.breakdowns();
        if breakdowns.len() > MOST {
            let message = format!("{} are more than {MOST}", breakdowns.len());
            return Err(wrong("breakdownFilter.breakdowns", message));
        }
        let limit = self.breakdown_limit.unwrap_or(USUAL_LIMIT);
        if !(1..=HIGHEST_LIMIT).contains(&limit) {
            let message = format!("{limit} is not from 1 to {HIGHEST_LIMIT}");
            return Err(wrong("breakdownFilter.breakdown_limit", message));
        }
        let values = breakdowns.iter().enumerate().map(|(index, breakdown)| {
            breakdown.value(joins, &format!("breakdownFilter.breakdowns[{index}]"))
        });
        let (values, raw): (Vec<String>, Vec<Option<String>>) =
            values.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let raw = match raw.as_slice() {
            [only] => only.clone(),
            _ => None,
        };
        let separator = format!(" || {} || ", sql::text(&SEPARATOR.to_string()));
        Ok((!values.is_empty()).then(|| Broken {
            value: values.join(&separator),
            raw,
            limit,
            shows_other: !self.breakdown_hide_other_aggregation.unwrap_or(false),
            parts: values.len(),
        }))
    }
}

impl Breakdown {
    /// Its text, and what that is made of where it is as it stands.
    fn value(&self, joins: &mut Joins, field: &str) -> Result<(String, Option<String>), Wrong> {
        let of = self.of.unwrap_or_default();
        let found = Property::find(&self.property, of, self.group_type_index, joins, field)?;
        let mut value = format!("nullif({}, '')", found.text);
        let is_address = self.normalize_url.unwrap_or(false);
        if is_address {
            // A property that is not there has no address; one of nothing but slashes is the root.
            value = format!(
                "CASE WHEN {value} IS NULL THEN NULL \
                 ELSE coalesce(nullif(rtrim({value}, '/?#'), ''), '/') END"
            );
        }
        let raw = (!is_address).then_some(found.text);
        Ok((format!("coalesce({value}, {})", sql::text(NONE)), raw))
    }
}

impl Broken {
    /// How an answer tells a value: text, or a list where there are several properties.
    pub(crate) fn told(&self, value: &str) -> serde_json::Value {
        match self.parts {
            1 => value.into(),
            parts if value == OTHER => vec![OTHER; parts].into(),
            _ => value.split(SEPARATOR).collect::<Vec<_>>().into(),
        }
    }

    /// The value that a point names.
    pub(crate) fn asked(&self, point: &Value) -> Option<String> {
        let text = |value: &Value| match value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Boolean(value) => Some(value.to_string()),
            Value::List(_) => None,
        };
        match point {
            Value::List(parts) if parts.len() == self.parts => {
                let parts: Vec<String> = parts.iter().map(text).collect::<Option<_>>()?;
                let is_other = parts.iter().all(|part| part == OTHER);
                let separator = SEPARATOR.to_string();
                Some(if is_other { OTHER.to_owned() } else { parts.join(&separator) })
            }
            one => text(one).filter(|_| self.parts == 1),
        }
    }

    /// SQL that tells whether a value has something missing, which comes last.
    pub(crate) fn is_last(&self, column: &str) -> String {
        format!("CASE WHEN contains({column}, {}) THEN 1 ELSE 0 END", sql::text(NONE))
    }
}
