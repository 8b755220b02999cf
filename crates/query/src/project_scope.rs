//! Queries of some projects only: every table and view is there, with the rows of these alone.

use std::collections::BTreeSet;

use datafusion::error::Result;
use datafusion::logical_expr::lit;
use datafusion::prelude::{SessionContext, col};

/// The column that says whose a row is.
const TEAM: &str = "team_id";

/// Leaves in a session what is of these projects. What does not say whose it is goes.
pub(crate) async fn limit(context: &SessionContext, teams: &BTreeSet<i64>) -> Result<()> {
    let state = context.state();
    let options = &state.config_options().catalog;
    let (catalog, schema) = (options.default_catalog.clone(), options.default_schema.clone());
    drop(state);
    let schema = context.catalog(&catalog).and_then(|catalog| catalog.schema(&schema));
    let names = schema.map(|schema| schema.table_names()).unwrap_or_default();
    let teams: Vec<_> = teams.iter().map(|team| lit(*team)).collect();
    for name in names {
        let table = context.table(name.as_str()).await?;
        let says_whose = table.schema().fields().iter().any(|field| field.name() == TEAM);
        context.deregister_table(name.as_str())?;
        if says_whose {
            let ours = table.filter(col(TEAM).in_list(teams.clone(), false))?;
            context.register_table(name.as_str(), ours.into_view())?;
        }
    }
    Ok(())
}
