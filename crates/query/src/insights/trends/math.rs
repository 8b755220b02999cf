//! What is computed of events, in SQL.

use super::super::filter::PropertyType;
use super::super::property::{Joins, Property};
use super::super::series::{Math, MathPropertyType, Node};
use super::super::sql;
use super::super::wrong::{Wrong, wrong};
use crate::Interval;

/// A way to compute a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Aggregate {
    /// An aggregate of the events themselves.
    Plain(String),
    /// How many different ones there are: persons, groups.
    Distinct(String),
    /// An aggregate of `total`, the events of each person.
    PerPerson(String),
    /// Persons that came within so many days.
    Active(i64),
    /// Persons whose first event it is: of the name, or of the name with all filters.
    First {
        /// Whether filters decide which one is the first.
        of_matching: bool,
    },
}

impl Aggregate {
    pub(super) fn of(
        node: &Node,
        interval: Interval,
        joins: &mut Joins,
        field: &str,
    ) -> Result<Self, Wrong> {
        let person = || Self::Distinct(PERSON.to_owned());
        let property = |joins: &mut Joins| value(node, joins, field);
        Ok(match node.math() {
            Math::Total => Self::Plain("count(*)".to_owned()),
            Math::Dau => person(),
            // A span that is no shorter than what is looked back to needs no looking back.
            Math::WeeklyActive if interval >= Interval::Week => person(),
            Math::MonthlyActive if interval >= Interval::Month => person(),
            Math::WeeklyActive => Self::Active(7),
            Math::MonthlyActive => Self::Active(30),
            Math::UniqueSession => Self::Distinct("e.session_id".to_owned()),
            Math::UniqueGroup => Self::Distinct(group(node, field)?),
            Math::FirstTimeForUser => Self::First { of_matching: false },
            Math::FirstMatchingEventForUser => Self::First { of_matching: true },
            Math::Sum => Self::Plain(of("sum", &property(joins)?)),
            Math::Avg => Self::Plain(of("avg", &property(joins)?)),
            Math::Min => Self::Plain(of("min", &property(joins)?)),
            Math::Max => Self::Plain(of("max", &property(joins)?)),
            Math::Median => Self::Plain(percentile("0.5", &property(joins)?)),
            Math::P75 => Self::Plain(percentile("0.75", &property(joins)?)),
            Math::P90 => Self::Plain(percentile("0.9", &property(joins)?)),
            Math::P95 => Self::Plain(percentile("0.95", &property(joins)?)),
            Math::P99 => Self::Plain(percentile("0.99", &property(joins)?)),
            Math::AvgCountPerActor => Self::PerPerson(of("avg", TOTAL)),
            Math::MinCountPerActor => Self::PerPerson(of("min", TOTAL)),
            Math::MaxCountPerActor => Self::PerPerson(of("max", TOTAL)),
            Math::MedianCountPerActor => Self::PerPerson(percentile("0.5", TOTAL)),
            Math::P75CountPerActor => Self::PerPerson(percentile("0.75", TOTAL)),
            Math::P90CountPerActor => Self::PerPerson(percentile("0.9", TOTAL)),
            Math::P95CountPerActor => Self::PerPerson(percentile("0.95", TOTAL)),
            Math::P99CountPerActor => Self::PerPerson(percentile("0.99", TOTAL)),
        })
    }
}

/// The person of an event.
pub(super) const PERSON: &str = "e.person_id";
const TOTAL: &str = "CAST(total AS DOUBLE)";

/// Nothing adds up to 0, and has no other value either.
fn of(function: &str, value: &str) -> String {
    format!("coalesce({function}({value}), 0)")
}

/// Between two values by how far it is, as ClickHouse has it.
fn percentile(fraction: &str, value: &str) -> String {
    format!("coalesce(percentile_cont({fraction}) WITHIN GROUP (ORDER BY {value}), 0)")
}

fn value(node: &Node, joins: &mut Joins, field: &str) -> Result<String, Wrong> {
    let Some(key) = &node.math_property else {
        return Err(wrong(format!("{field}.math_property"), "the math is of a property"));
    };
    let of = match node.math_property_type.unwrap_or_default() {
        MathPropertyType::EventProperties => PropertyType::Event,
        MathPropertyType::PersonProperties => PropertyType::Person,
    };
    let number = Property::find(key, of, None, joins, field)?.number();
    Ok(match node.math_multiplier {
        None => number,
        Some(factor) => format!("{number} * {}", sql::number(factor)),
    })
}

fn group(node: &Node, field: &str) -> Result<String, Wrong> {
    match node.math_group_type_index {
        Some(index @ 0..=4) => Ok(format!("e.group_{index}")),
        _ => Err(wrong(format!("{field}.math_group_type_index"), "it is from 0 to 4")),
    }
}
