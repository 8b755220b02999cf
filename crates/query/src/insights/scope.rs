//! Which events an insight is of, before it asks for any by name: the project's, without those that
//! its toggles leave out, and with its filters.

use super::Project;
use super::condition::Conditions;
use super::filter::{Filters, Logic};
use super::property::Joins;
use super::range::Range;
use super::sql;
use super::wrong::Wrong;

/// What a request says of all its events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) properties: Option<&'a Filters>,
    pub(crate) filter_test_accounts: bool,
    pub(crate) filter_bots: bool,
}

/// What a statement takes its events from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// What holds for all of them, time apart.
    pub(crate) conditions: Vec<String>,
    pub(crate) joins: Joins,
}

impl Scope<'_> {
    /// The conditions of the whole insight.
    pub(crate) fn conditions(
        &self,
        project: &Project,
        conditions: &mut Conditions<'_>,
    ) -> Result<Vec<String>, Wrong> {
        let mut found = vec![format!("e.team_id = {}", project.team)];
        if self.filter_bots {
            found.push("e.bot IS NULL".to_owned());
        }
        if self.filter_test_accounts {
            let filters = &project.test_account_filters;
            found.push(conditions.list(filters, Logic::And, "test_account_filters")?);
        }
        if let Some(filters) = self.properties {
            found.push(conditions.filters(filters, "properties")?);
        }
        found.retain(|condition| condition != "TRUE");
        Ok(found)
    }
}

impl Source {
    pub(crate) fn new(conditions: Vec<String>, joins: Joins) -> Self {
        Self { conditions, joins }
    }

    /// Likewise, with one more condition.
    pub(crate) fn and(mut self, condition: String) -> Self {
        if condition != "TRUE" {
            self.conditions.push(condition);
        }
        self
    }

    /// `FROM … WHERE …`.
    pub(crate) fn sql(&self) -> String {
        let conditions = self.conditions.join("\n  AND ");
        format!("FROM {}\nWHERE {conditions}", self.joins.from())
    }
}

/// Since a moment, and before another.
pub(crate) fn within(since: jiff::Timestamp, until: jiff::Timestamp) -> String {
    format!("e.timestamp >= {} AND e.timestamp < {}", sql::moment(since), sql::moment(until))
}

/// Within a range.
pub(crate) fn in_range(range: &Range) -> String {
    within(range.since, range.until)
}
