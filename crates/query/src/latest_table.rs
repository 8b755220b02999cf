//! A table of versions as it stands: of each key the row of the highest version, unless that says
//! that it is gone.
//!
//! Files are sorted by key and version, so they are read side by side, and of rows with the same key
//! the last passes. Only the tail is sorted.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::project_schema;
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use lake::{Latest, Table, Version};

use crate::lake_table::LakeTable;
use crate::latest_rows::LatestRows;

/// The column of what is gone.
const IS_DELETED: &str = "is_deleted";

/// What counts of a table in one version of the lake.
#[derive(Debug)]
pub(crate) struct LatestTable {
    rows: LakeTable,
    schema: SchemaRef,
    latest: Latest<'static>,
}

impl LatestTable {
    /// `None` for a table of which every row counts.
    pub(crate) fn new(version: &Version, table: &'static Table) -> Option<Self> {
        let latest = table.latest()?;
        let rows = LakeTable::new(version, table);
        Some(Self { schema: rows.schema(), rows, latest })
    }

    fn is_of_key(&self, filter: &Expr) -> bool {
        let is_of_key = |name: &str| {
            self.latest.key.iter().any(|&position| self.schema.field(position).name() == name)
        };
        filter.column_refs().into_iter().all(|column| is_of_key(&column.name))
    }
}

#[async_trait]
impl TableProvider for LatestTable {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = project_schema(&self.schema, projection)?;
        let all = (0..self.schema.fields().len()).collect();
        let wanted = projection.unwrap_or(&all);
        // The key and the version come first, then whether it is gone, then what else is asked for.
        let mut columns: Vec<usize> = [self.latest.key, &[self.latest.version]].concat();
        let order = columns.len();
        columns.extend(self.schema.index_of(IS_DELETED));
        let others: Vec<_> =
            wanted.iter().copied().filter(|column| !columns.contains(column)).collect();
        columns.extend(others);
        let place = |column: &usize| columns.iter().position(|other| other == column);
        let output = wanted.iter().filter_map(place).collect();
        let input = self.rows.scan_sorted(state, &columns, filters, order)?;
        Ok(Arc::new(LatestRows::try_new(input, schema, order, output)?))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // All versions of a key are kept or left out together. Another filter might keep an older one.
        let support = |filter: &&Expr| match self.is_of_key(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }
}
