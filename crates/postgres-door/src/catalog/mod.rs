//! What clients ask of a database beside its rows: `pg_catalog`, `information_schema`, and functions that
//! only PostgreSQL has.
//!
//! What says which tables and columns there are is made here, of the tables of one connection's engine,
//! so that a client finds what it may read and nothing else, with the types that rows will have. The rest,
//! PostgreSQL's own types and functions, comes from a library.

mod builder;
mod functions;
mod information_schema;
mod library;
mod pg_catalog;
mod regclass;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::Statement;

use library::Library;

/// The database, as clients see it; in it is everything that a session has.
pub(crate) const DATABASE: &str = "hogflare";
/// The schema that has the tables of the lake, as clients expect it.
pub(crate) const SCHEMA: &str = "public";
/// The name that it has in the lake.
const LAKE_SCHEMA: &str = "default";

/// See the module.
#[derive(Debug)]
pub(crate) struct Catalog {
    pg: Arc<Tables>,
    information: Arc<Tables>,
    functions: Vec<ScalarUDF>,
    oids: BTreeMap<String, i32>,
}

/// A table or view with its columns and its number.
pub(crate) struct Relation<'a> {
    pub(crate) oid: i32,
    pub(crate) name: &'a str,
    pub(crate) columns: &'a SchemaRef,
}

/// Numbers of relations begin here, as PostgreSQL's do.
const FIRST_OID: i32 = 16_384;

impl Catalog {
    /// Of these tables.
    pub(crate) fn new(
        tables: &BTreeMap<String, SchemaRef>,
        user: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let numbered = tables.iter().zip(FIRST_OID..);
        let relations: Vec<Relation<'_>> =
            numbered.map(|((name, columns), oid)| Relation { oid, name, columns }).collect();
        let library = Library::get()?;
        let oids = relations.iter().map(|relation| (relation.name.to_owned(), relation.oid));
        Ok(Self {
            oids: oids.collect(),
            pg: Arc::new(Tables {
                ours: pg_catalog::tables(&relations, user, settings)?,
                others: Some(Arc::clone(&library.schema)),
            }),
            information: Arc::new(Tables {
                ours: information_schema::tables(&relations, user)?,
                others: None,
            }),
            functions: functions::all(user, settings),
        })
    }

    /// Adds it to a session.
    pub(crate) fn add(&self, context: &SessionContext) -> Result<()> {
        let catalog = context
            .catalog(DATABASE)
            .ok_or_else(|| DataFusionError::Internal("the session has no catalog".into()))?;
        if let Some(lake) = catalog.schema(LAKE_SCHEMA) {
            catalog.register_schema(SCHEMA, lake)?;
        }
        // The engine's own has types and settings of the engine.
        let state = context.state_ref();
        state.write().config_mut().options_mut().catalog.information_schema = false;
        catalog.register_schema("pg_catalog", Arc::clone(&self.pg) as Arc<dyn SchemaProvider>)?;
        let information = Arc::clone(&self.information) as Arc<dyn SchemaProvider>;
        catalog.register_schema("information_schema", information)?;
        let library = Library::get()?;
        for function in library.functions.iter().chain(&self.functions) {
            context.register_udf(function.clone());
        }
        Ok(())
    }

    /// A statement with numbers of relations in place of `'name'::regclass`.
    pub(crate) fn resolve(&self, statement: Statement) -> Statement {
        regclass::resolve(statement, &self.oids)
    }
}

/// A schema of tables that are here, and perhaps of others.
#[derive(Debug)]
struct Tables {
    ours: BTreeMap<&'static str, Arc<MemTable>>,
    others: Option<Arc<dyn SchemaProvider>>,
}

#[async_trait]
impl SchemaProvider for Tables {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn table_names(&self) -> Vec<String> {
        self.ours.keys().map(|name| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match (self.ours.get(name), &self.others) {
            (Some(table), _) => Ok(Some(Arc::clone(table) as Arc<dyn TableProvider>)),
            (None, Some(others)) => others.table(name).await,
            (None, None) => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.ours.contains_key(name)
            || self.others.as_ref().is_some_and(|others| others.table_exist(name))
    }
}
