//! What is counted: events by name, with filters of their own, or any of several such.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::condition::Conditions;
use super::filter::Filters;
use super::sql;
use super::wrong::Wrong;

/// What is computed of the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "docs/insights.md has their meaning, each in a line")]
pub enum Math {
    #[default]
    Total,
    Dau,
    WeeklyActive,
    MonthlyActive,
    UniqueSession,
    UniqueGroup,
    FirstTimeForUser,
    FirstMatchingEventForUser,
    Sum,
    Avg,
    Min,
    Max,
    Median,
    P75,
    P90,
    P95,
    P99,
    AvgCountPerActor,
    MinCountPerActor,
    MaxCountPerActor,
    MedianCountPerActor,
    P75CountPerActor,
    P90CountPerActor,
    P95CountPerActor,
    P99CountPerActor,
}

/// Whose property a math is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MathPropertyType {
    /// The event's.
    #[default]
    EventProperties,
    /// The person's.
    PersonProperties,
}

/// The kind of a member of `series`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub enum NodeKind {
    /// Events of one name, or all.
    #[default]
    EventsNode,
    /// Events that any of `nodes` means.
    GroupNode,
}

/// A member of `series`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Node {
    /// `EventsNode`, or `GroupNode` with `nodes`.
    pub kind: NodeKind,
    /// The event's name; all events where it is `null`.
    pub event: Option<String>,
    /// What a `GroupNode` is any of.
    #[schema(no_recursion)]
    pub nodes: Vec<Node>,
    /// How it is called in answers.
    pub custom_name: Option<String>,
    /// What is computed.
    pub math: Option<Math>,
    /// Of which property.
    pub math_property: Option<String>,
    /// Whose property that is.
    pub math_property_type: Option<MathPropertyType>,
    /// Which groups are counted, 0 to 4.
    pub math_group_type_index: Option<u8>,
    /// What the property is multiplied with.
    pub math_multiplier: Option<f64>,
    /// Filters.
    pub properties: Option<Filters>,
}

impl Node {
    pub(crate) fn math(&self) -> Math {
        self.math.unwrap_or_default()
    }

    /// How answers call it.
    pub(crate) fn label(&self) -> String {
        let of_event = |node: &Self| node.event.clone().unwrap_or_else(|| "All events".to_owned());
        match (&self.custom_name, self.kind) {
            (Some(name), _) => name.clone(),
            (None, NodeKind::EventsNode) => of_event(self),
            (None, NodeKind::GroupNode) => {
                self.nodes.iter().map(of_event).collect::<Vec<_>>().join(" or ")
            }
        }
    }

    /// The condition on names alone, and the one on properties.
    pub(crate) fn conditions(
        &self,
        conditions: &mut Conditions<'_>,
        field: &str,
    ) -> Result<(String, String), Wrong> {
        let filters = match &self.properties {
            Some(filters) => conditions.filters(filters, &format!("{field}.properties"))?,
            None => sql::all([]),
        };
        let events = match (self.kind, &self.event) {
            (NodeKind::EventsNode, Some(event)) => format!("e.event = {}", sql::text(event)),
            (NodeKind::EventsNode, None) => sql::all([]),
            (NodeKind::GroupNode, _) => {
                let nodes = self.nodes.iter().enumerate().map(|(index, node)| {
                    node.condition(conditions, &format!("{field}.nodes[{index}]"))
                });
                sql::any(nodes.collect::<Result<Vec<_>, _>>()?)
            }
        };
        Ok((events, filters))
    }

    /// The condition that its events fulfil.
    pub(crate) fn condition(
        &self,
        conditions: &mut Conditions<'_>,
        field: &str,
    ) -> Result<String, Wrong> {
        let (events, filters) = self.conditions(conditions, field)?;
        Ok(sql::all([events, filters].into_iter().filter(|condition| condition != "TRUE")))
    }
}

/// How errors call a series.
pub(crate) fn field(series: usize) -> String {
    format!("series[{series}]")
}
