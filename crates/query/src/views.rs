//! Views: what users see of the tables.
//!
//! - `events` has the rows of `events_raw` with the person that each belongs to now, and the names
//!   under which the first rows were published.
//! - `persons`, `person_distinct_ids`, `person_overrides`, `groups` and `group_types` have of each key
//!   the row of the highest version, unless that says that it is gone; `persons_raw` and so on have
//!   every version that the lake still keeps.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::prelude::{SessionContext, col};
use lake::{Latest, Table};

use crate::merged_person::merged_person;
use crate::overrides::Overrides;

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
pub(crate) async fn register(context: &SessionContext, overrides: Overrides) -> Result<()> {
    let overrides = Arc::new(overrides);
    for table in Table::all() {
        let view = match table.latest() {
            Some(latest) => context.sql(&latest_rows(table, latest)).await?,
            None if is_events(table) => {
                context.table(name_of(table)).await?.select(merged(table, &overrides))?
            }
            None => continue,
        };
        context.register_table(table.name(), view.into_view())?;
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

/// The query for the rows that count.
fn latest_rows(table: &Table, latest: Latest<'_>) -> String {
    let schema = table.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let key: Vec<&str> = latest.key.iter().map(|&position| names[position]).collect();
    let is_there = match names.contains(&"is_deleted") {
        true => "AND is_deleted = 0",
        false => "",
    };
    format!(
        "SELECT {} FROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY {} DESC) AS newest \
         FROM {}) WHERE newest = 1 {is_there}",
        names.join(", "),
        key.join(", "),
        names[latest.version],
        name_of(table),
    )
}
