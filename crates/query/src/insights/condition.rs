//! Filters as SQL: the one place that knows what an operator means.
//!
//! A condition is TRUE or FALSE, or NULL where that is as good as FALSE; nothing here is put under a
//! `NOT` that would turn a NULL around. What is not there fulfils the operators that say *not* and no
//! other, as in PostHog.

mod semver;

use jiff::Timestamp;
use regex::Regex;

use super::filter::{Filter, FilterGroup, Filters, Logic, Operator, PropertyFilter, Value};
use super::property::{Joins, Misfits, Property};
use super::range::Clock;
use super::sql;
use super::wrong::{Wrong, wrong};
use crate::functions::told;

/// Turns filters into conditions, and collects what they join.
#[derive(Debug)]
pub(crate) struct Conditions<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) joins: Joins,
}

impl<'a> Conditions<'a> {
    pub(crate) fn new(clock: &'a Clock) -> Self {
        Self { clock, joins: Joins::default() }
    }

    /// What all filters of a member say together.
    pub(crate) fn filters(&mut self, filters: &Filters, field: &str) -> Result<String, Wrong> {
        match filters {
            Filters::List(list) => self.list(list, Logic::And, field),
            Filters::Group(group) => self.group(group, field),
        }
    }

    /// Filters that must all hold, or one of them.
    pub(crate) fn list(
        &mut self,
        list: &[Filter],
        logic: Logic,
        field: &str,
    ) -> Result<String, Wrong> {
        let parts = list.iter().enumerate().map(|(index, filter)| {
            let field = format!("{field}[{index}]");
            match filter {
                Filter::Group(group) => self.group(group, &field),
                Filter::Property(filter) => self.property(filter, &field),
            }
        });
        let parts: Vec<String> = parts.collect::<Result<_, _>>()?;
        Ok(match logic {
            // An empty group asks for nothing.
            _ if parts.is_empty() => sql::all([]),
            Logic::And => sql::all(parts),
            Logic::Or => sql::any(parts),
        })
    }

    fn group(&mut self, group: &FilterGroup, field: &str) -> Result<String, Wrong> {
        self.list(&group.values, group.logic, &format!("{field}.values"))
    }

    fn property(&mut self, filter: &PropertyFilter, field: &str) -> Result<String, Wrong> {
        let property = Property::of(filter, &mut self.joins, field)?;
        let asked = Asked { filter, property, clock: self.clock, field };
        asked.condition()
    }
}

struct Asked<'a> {
    filter: &'a PropertyFilter,
    property: Property,
    clock: &'a Clock,
    field: &'a str,
}

impl Asked<'_> {
    fn condition(&self) -> Result<String, Wrong> {
        let text = &self.property.text;
        let operator = self.filter.operator;
        let is_empty = matches!(&self.filter.value, Some(Value::List(list)) if list.is_empty());
        match operator {
            Operator::IsSet => return Ok(format!("{text} IS NOT NULL")),
            Operator::IsNotSet => return Ok(format!("{text} IS NULL")),
            // PostHog's way to say that no value was chosen yet.
            _ if is_empty => return Ok(sql::all([])),
            _ => {}
        }
        match operator {
            Operator::Exact | Operator::In => self.equal(),
            Operator::IsNot | Operator::NotIn => self.not_equal(),
            Operator::Icontains | Operator::IcontainsMulti => Ok(sql::any(self.contained()?)),
            Operator::NotIcontains | Operator::NotIcontainsMulti => {
                Ok(format!("({text} IS NULL OR NOT {})", sql::any(self.contained()?)))
            }
            Operator::Regex => Ok(sql::any(self.matched()?)),
            Operator::NotRegex => {
                Ok(format!("({text} IS NULL OR NOT {})", sql::any(self.matched()?)))
            }
            Operator::Gt => self.ordered(">"),
            Operator::Gte | Operator::Min => self.ordered(">="),
            Operator::Lt => self.ordered("<"),
            Operator::Lte | Operator::Max => self.ordered("<="),
            Operator::Between => self.between("({} >= {from} AND {} <= {to})"),
            Operator::NotBetween => self.between("({} < {from} OR {} > {to})"),
            Operator::IsDateExact => self.dated("="),
            Operator::IsDateBefore => self.dated("<"),
            Operator::IsDateAfter => self.dated(">"),
            operator => self.versioned(operator),
        }
    }

    fn wrong(&self, message: impl Into<String>) -> Wrong {
        wrong(format!("{}.value", self.field), message)
    }

    fn values(&self) -> Result<Vec<&Value>, Wrong> {
        match &self.filter.value {
            None => Err(self.wrong("there is none")),
            Some(Value::List(list)) => Ok(list.iter().collect()),
            Some(one) => Ok(vec![one]),
        }
    }

    fn one(&self) -> Result<&Value, Wrong> {
        match self.values()?.as_slice() {
            [one] => Ok(one),
            several => Err(self.wrong(format!("one is expected, not {}", several.len()))),
        }
    }

    fn text_of(&self, value: &Value) -> Result<String, Wrong> {
        match value {
            Value::Boolean(value) => Ok(value.to_string()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Text(text) => Ok(text.clone()),
            Value::List(_) => Err(self.wrong("a list within a list")),
        }
    }

    fn texts(&self) -> Result<Vec<String>, Wrong> {
        self.values()?.into_iter().map(|value| self.text_of(value)).collect()
    }

    /// Text is compared as text, and a number with whatever is that number.
    fn parts(&self) -> Result<(Vec<String>, Vec<f64>), Wrong> {
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        for value in self.values()? {
            match value {
                Value::Number(number) => numbers.push(*number),
                value => texts.push(self.text_of(value)?),
            }
        }
        Ok((texts, numbers))
    }

    fn equal(&self) -> Result<String, Wrong> {
        let (texts, numbers) = self.parts()?;
        let mut conditions = Vec::new();
        if !texts.is_empty() {
            let text = self.property.column_for(Misfits::equal_to(&texts));
            conditions.push(compared(&text, &texts, "=", "IN"));
        }
        let number = self.property.number();
        let equal = |value: f64| format!("{number} = {}", sql::number(value));
        conditions.extend(numbers.into_iter().map(equal));
        Ok(sql::any(conditions))
    }

    /// The opposite of [`Self::equal`], so that it may read the column where that may.
    fn not_equal(&self) -> Result<String, Wrong> {
        let (texts, numbers) = self.parts()?;
        let mut conditions = Vec::new();
        if !texts.is_empty() {
            let text = self.property.column_for(Misfits::equal_to(&texts));
            let other = compared(&text, &texts, "<>", "NOT IN");
            conditions.push(format!("({text} IS NULL OR {other})"));
        }
        let number = self.property.number();
        conditions.extend(
            numbers
                .into_iter()
                .map(|value| format!("({number} IS NULL OR {number} <> {})", sql::number(value))),
        );
        Ok(sql::all(conditions))
    }

    fn contained(&self) -> Result<Vec<String>, Wrong> {
        let text = &self.property.text;
        let contains =
            |part: &String| format!("contains(lower({text}), {})", sql::text(&part.to_lowercase()));
        Ok(self.texts()?.iter().map(contains).collect())
    }

    fn matched(&self) -> Result<Vec<String>, Wrong> {
        let text = &self.property.text;
        let matches = |pattern: &String| {
            let correct = Regex::new(pattern);
            correct.map_err(|error| self.wrong(error.to_string()))?;
            Ok(format!("regexp_like({text}, {})", sql::text(pattern)))
        };
        self.texts()?.iter().map(matches).collect()
    }

    fn number_of(&self, value: &Value) -> Option<f64> {
        match value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    /// By number, if the value is one; else by the order of texts.
    fn ordered(&self, operator: &str) -> Result<String, Wrong> {
        let value = self.one()?;
        Ok(match self.number_of(value) {
            Some(number) => {
                format!("{} {operator} {}", self.property.number(), sql::number(number))
            }
            None => {
                let value = sql::text(&self.text_of(value)?);
                format!("{} {operator} {value}", self.property.text)
            }
        })
    }

    fn between(&self, template: &str) -> Result<String, Wrong> {
        let values = self.values()?;
        let numbers: Vec<f64> = values.iter().filter_map(|value| self.number_of(value)).collect();
        match numbers.as_slice() {
            [from, to] if values.len() == 2 && from <= to => Ok(template
                .replace("{from}", &sql::number(*from))
                .replace("{to}", &sql::number(*to))
                .replace("{}", &self.property.number())),
            _ => Err(self.wrong("two numbers are expected, the lower one first")),
        }
    }

    fn dated(&self, operator: &str) -> Result<String, Wrong> {
        let asked = self.text_of(self.one()?)?;
        let value = sql::moment(self.moment(&asked)?);
        let zone = self.clock.calendar.zone.iana_name().unwrap_or("UTC");
        let text = self.property.column_for(Misfits::NeverFulfil);
        Ok(format!("moment({text}, {}) {operator} {value}", sql::text(zone)))
    }

    fn moment(&self, asked: &str) -> Result<Timestamp, Wrong> {
        self.clock
            .ago(asked)
            .or_else(|| told(asked, &self.clock.calendar.zone))
            .ok_or_else(|| self.wrong(format!("{asked} is no date and no span like -7d")))
    }

    fn versioned(&self, operator: Operator) -> Result<String, Wrong> {
        let asked = self.text_of(self.one()?)?;
        let no_version = || self.wrong(format!("{asked} is no version like 1.2.3"));
        let version = |text: &str| format!("semver({})", sql::text(text));
        // A version is found within `{…}`, too.
        let own = format!("semver({})", self.property.text);
        if let Some((from, to)) = semver::bounds(operator, &asked) {
            return Ok(format!("({own} >= {} AND {own} < {})", version(&from), version(&to)));
        }
        let compared = match operator {
            Operator::SemverEq => "=",
            Operator::SemverNeq => "<>",
            Operator::SemverGt => ">",
            Operator::SemverGte => ">=",
            Operator::SemverLt => "<",
            Operator::SemverLte => "<=",
            _ => return Err(no_version()),
        };
        if !semver::is_version(&asked) {
            return Err(no_version());
        }
        let condition = format!("{own} {compared} {}", version(&asked));
        Ok(match operator {
            Operator::SemverNeq => format!("({own} IS NULL OR {condition})"),
            _ => condition,
        })
    }
}

fn compared(text: &str, values: &[String], one: &str, several: &str) -> String {
    match values {
        [value] => format!("{text} {one} {}", sql::text(value)),
        values => format!("{text} {several} ({})", sql::texts(values.iter().map(String::as_str))),
    }
}

#[cfg(test)]
mod tests;
