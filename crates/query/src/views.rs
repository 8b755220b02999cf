//! Views: what users see of the tables.
//!
//! - `events` has the rows of `events_raw` with the person that each belongs to now, and the names
//!   under which the first rows were published.
//! - `persons`, `person_distinct_ids`, `person_overrides`, `groups` and `group_types` have of each key
//!   the row of the highest version, unless that says that it is gone; `persons_raw` and so on have
//!   every version that the lake still keeps.
//! - `sessions` has a row for each `$session_id`, made from its events when asked.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{SessionContext, col};
use lake::{Table, Version};

use crate::latest_table::LatestTable;
use crate::merged_person::merged_person;
use crate::overrides::Overrides;

/// The view of sessions. `docs/insights.md` has its meaning, and the same for DuckDB.
const SESSIONS: &str = include_str!("sessions.sql");

/// What a table is called in SQL, where a view may have its name.
pub(crate) fn name_of(table: &Table) -> String {
    match has_view(table) {
        true => format!("{}_raw", table.name()),
        false => table.name().to_owned(),
    }
}

fn has_view(table: &Table) -> bool {
    is_events(table) || table.latest().is_some()
}

fn is_events(table: &Table) -> bool {
    table.name() == event::Table::Events.name()
}

/// Adds the views to a session that has the tables.
pub(crate) async fn register(
    context: &SessionContext,
    version: &Version,
    overrides: &Arc<Overrides>,
) -> Result<()> {
    for table in Table::all() {
        if let Some(latest) = LatestTable::new(version, table) {
            context.register_table(table.name(), Arc::new(latest))?;
        } else if is_events(table) {
            let view = context.table(name_of(table)).await?.select(merged(table, overrides))?;
            context.register_table(table.name(), view.into_view())?;
        }
    }
    Ok(())
}

/// Adds the view of sessions for a statement that may name it, or lists what there is: to plan it
/// takes longer than most questions do.
pub(crate) async fn register_sessions(context: &SessionContext, statement: &str) -> Result<()> {
    let statement = statement.to_lowercase();
    if ["sessions", "schema", "show"].iter().any(|word| statement.contains(word)) {
        let sessions = context.sql(SESSIONS).await?.into_view();
        context.register_table("sessions", sessions)?;
    }
    Ok(())
}

/// The columns of `events`.
fn merged(table: &Table, overrides: &Arc<Overrides>) -> Vec<Expr> {
    let schema = table.schema();
    let column = |name: &String| match name.as_str() {
        "person_id" if !overrides.is_empty() => merged_person(Arc::clone(overrides)),
        name => col(name),
    };
    let columns = schema.fields().iter().map(|field| column(field.name()));
    columns.chain([col("event").alias("event_type"), col("token").alias("api_key")]).collect()
}
