//! What is asked of a funnel.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::breakdown::BreakdownFilter;
use super::super::filter::Filters;
use super::super::persons::Point;
use super::super::range::DateRange;
use super::super::series::{Node, NodeKind};
use super::super::wrong::{Wrong, wrong};
use super::over_time::Between;
use crate::Interval;

/// PostHog's `FunnelsQuery`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Funnels {
    /// The steps.
    pub series: Vec<Node>,
    /// From when until when.
    #[serde(rename = "dateRange")]
    pub date_range: DateRange,
    /// How long a point over time is; decides where a range ends that ends now.
    pub interval: Interval,
    /// Filters on every event.
    pub properties: Option<Filters>,
    /// Leaves out internal and test users, as the project defines them.
    #[serde(rename = "filterTestAccounts")]
    pub filter_test_accounts: bool,
    /// Leaves out what bots sent.
    #[serde(rename = "filterBots")]
    pub filter_bots: bool,
    /// A funnel for each value of a property.
    #[serde(rename = "breakdownFilter")]
    pub breakdown_filter: BreakdownFilter,
    /// What counts.
    #[serde(rename = "funnelsFilter")]
    pub funnels_filter: FunnelsFilter,
    /// Instead of the chart the persons behind one of its steps.
    pub persons: Option<Point>,
}

/// Member `funnelsFilter`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FunnelsFilter {
    /// In which order the steps are done.
    #[serde(rename = "funnelOrderType")]
    pub order: Order,
    /// How long it may take; 14 where nothing is said.
    #[serde(rename = "funnelWindowInterval")]
    pub window: Option<u32>,
    /// Of which unit; days where nothing is said.
    #[serde(rename = "funnelWindowIntervalUnit")]
    pub window_unit: WindowUnit,
    /// Which event's value of a breakdown is a person's.
    #[serde(rename = "breakdownAttributionType")]
    pub attribution: Attribution,
    /// Of `step`: which step, from 0 on.
    #[serde(rename = "breakdownAttributionValue")]
    pub attribution_step: Option<usize>,
    /// What must not happen in between.
    pub exclusions: Vec<Exclusion>,
    /// What is shown.
    #[serde(rename = "funnelVizType")]
    pub shown: Shown,
    /// Of `trends` and `time_to_convert`: the step from which it is told, from 0 on.
    #[serde(rename = "funnelFromStep")]
    pub from_step: Option<usize>,
    /// And the step to which; the last where nothing is said.
    #[serde(rename = "funnelToStep")]
    pub to_step: Option<usize>,
    /// Of `time_to_convert`: how many bars; by the number of persons where nothing is said.
    #[serde(rename = "binCount")]
    pub bars: Option<i64>,
}

/// An event that must not happen between two steps.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exclusion {
    /// As of a member of `series`.
    pub kind: NodeKind,
    /// The event's name; all events where it is `null`.
    pub event: Option<String>,
    /// Filters.
    pub properties: Option<Filters>,
    /// How it is called.
    pub custom_name: Option<String>,
    /// After which step, from 0 on.
    #[serde(rename = "funnelFromStep")]
    pub from_step: usize,
    /// And before which.
    #[serde(rename = "funnelToStep")]
    pub to_step: usize,
}

impl Exclusion {
    pub(super) fn node(&self) -> Node {
        Node {
            kind: self.kind,
            event: self.event.clone(),
            properties: self.properties.clone(),
            ..Node::default()
        }
    }

    /// The steps that it may not come before.
    pub(super) fn steps(&self, count: usize, field: &str) -> Result<RangeInclusive<usize>, Wrong> {
        let (from, to) = (self.from_step, self.to_step);
        match from < to && to < count {
            true => Ok(from + 1..=to),
            false => Err(wrong(
                format!("{field}.funnelToStep"),
                format!("{from} to {to} is not from a step to a later one"),
            )),
        }
    }
}

/// In which order steps are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// One after the other.
    #[default]
    Ordered,
    /// With nothing between.
    Strict,
    /// In any.
    Unordered,
}

/// Units of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum WindowUnit {
    Second,
    Minute,
    Hour,
    #[default]
    Day,
    Week,
    /// 30 days.
    Month,
}

/// Which event's value of a breakdown is a person's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attribution {
    /// The first that has one.
    #[default]
    FirstTouch,
    /// The last that has one.
    LastTouch,
    /// Those of one step.
    Step,
    /// All of them, each value for itself.
    AllEvents,
}

/// What is shown of a funnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// How many reach each step.
    #[default]
    Steps,
    /// How many of those who begin in a span get to the last step.
    Trends,
    /// How long that takes.
    TimeToConvert,
}

impl FunnelsFilter {
    /// The window in microseconds.
    pub(super) fn window(&self) -> i64 {
        let seconds = match self.window_unit {
            WindowUnit::Second => 1,
            WindowUnit::Minute => 60,
            WindowUnit::Hour => 3_600,
            WindowUnit::Day => 86_400,
            WindowUnit::Week => 7 * 86_400,
            WindowUnit::Month => 30 * 86_400,
        };
        i64::from(self.window.unwrap_or(14)).saturating_mul(seconds * 1_000_000)
    }
}

impl FunnelsFilter {
    /// What does not go together.
    pub(super) fn check(&self, steps: usize) -> Result<(), Wrong> {
        let is_unordered = self.order == Order::Unordered;
        if is_unordered && !self.exclusions.is_empty() {
            return Err(wrong("funnelsFilter.exclusions", "steps in any order have no between"));
        }
        if is_unordered && self.attribution == Attribution::Step {
            let message = "steps in any order have no places";
            return Err(wrong("funnelsFilter.breakdownAttributionType", message));
        }
        if is_unordered && self.shown == Shown::Trends {
            let message = "over time steps have an order";
            return Err(wrong("funnelsFilter.funnelVizType", message));
        }
        match self.attribution_step.filter(|step| *step >= steps) {
            None => Ok(()),
            Some(step) => Err(wrong(
                "funnelsFilter.breakdownAttributionValue",
                format!("{step} is not below {steps}"),
            )),
        }
    }

    /// The steps that it is told between.
    pub(super) fn between(&self, steps: usize) -> Result<Between, Wrong> {
        let (from, to) = (self.from_step.unwrap_or(0), self.to_step.unwrap_or(steps - 1));
        match from < to && to < steps {
            true => Ok(Between { from, to }),
            false => Err(wrong(
                "funnelsFilter.funnelToStep",
                format!("{from} to {to} is not from a step to a later one"),
            )),
        }
    }
}
