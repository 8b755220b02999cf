//! What the library knows of PostgreSQL, taken out of a session that it has set up.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use datafusion::catalog::SchemaProvider;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_pg_catalog::setup_pg_catalog;

use super::DATABASE;

/// See the module.
#[derive(Debug)]
pub(super) struct Library {
    /// Tables of types, functions, operators.
    pub(super) schema: Arc<dyn SchemaProvider>,
    /// Functions that the engine does not have.
    pub(super) functions: Vec<ScalarUDF>,
}

static LIBRARY: LazyLock<std::result::Result<Library, String>> =
    LazyLock::new(|| read().map_err(|error| error.to_string()));

impl Library {
    /// Reads it once.
    pub(super) fn get() -> Result<&'static Self> {
        LIBRARY.as_ref().map_err(|error| DataFusionError::Internal(error.clone()))
    }
}

fn read() -> Result<Library> {
    let config = SessionConfig::new().with_default_catalog_and_schema(DATABASE, "default");
    let context = SessionContext::new_with_config(config);
    let known: HashSet<String> = context.state().scalar_functions().keys().cloned().collect();
    setup_pg_catalog(&context, DATABASE, EmptyContextProvider).map_err(|error| *error)?;
    let schema = context.catalog(DATABASE).and_then(|catalog| catalog.schema("pg_catalog"));
    let schema = schema.ok_or_else(|| DataFusionError::Internal("no pg_catalog".into()))?;
    let state = context.state();
    let added = state.scalar_functions().iter().filter(|(name, _)| !known.contains(*name));
    let functions = added.map(|(_, function)| function.as_ref().clone()).collect();
    Ok(Library { schema, functions })
}
