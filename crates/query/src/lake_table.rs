//! A table of the lake: its files in one version, and its tail.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use lake::{DataFile, Erasing, FilesByErasure, Table, Version};

use crate::erased_rows::ErasedRows;
use crate::latest_rows;

/// A table in one version of the lake; holding it keeps its files.
#[derive(Debug)]
pub(crate) struct LakeTable {
    table: &'static Table,
    files: Vec<Arc<DataFile>>,
    /// Files that may have rows which are erased, each with what is to be taken out.
    erased: Vec<(Arc<DataFile>, Arc<Erasing>)>,
    tail: Vec<RecordBatch>,
}

impl LakeTable {
    pub(crate) fn new(version: &Version, table: &'static Table) -> Self {
        let tail = version.batches(table).cloned().collect();
        let FilesByErasure { whole, erased } = version.files_by_erasure(table);
        Self { table, files: whole, erased, tail }
    }

    /// Some of a table's files alone.
    pub(crate) const fn of_files(table: &'static Table, files: Vec<Arc<DataFile>>) -> Self {
        Self { table, files, erased: Vec::new(), tail: Vec::new() }
    }

    /// Reads the files, each a partition's share, skipping row groups that the filters rule out.
    fn scan_files(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let partitions = state.config().target_partitions().max(1);
        let config = FileScanConfigBuilder::new(
            ObjectStoreUrl::local_filesystem(),
            self.source(state, filters)?,
        )
        .with_file_groups(self.file_groups(partitions)?)
        .with_projection_indices(projection.cloned())?
        .with_limit(limit)
        .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// Reads a file that may have erased rows, without these. No filter skips any of it, since an
    /// anonymous row is another one than the file has.
    fn scan_erased(
        &self,
        file: &Arc<DataFile>,
        erasing: &Arc<Erasing>,
        projection: Option<&Vec<usize>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.table.schema().fields().len()).collect();
        self.without_erased(file, erasing, projection.unwrap_or(&all), None)
    }

    /// Some columns of a file that may have erased rows, without these; in the order that the file
    /// has.
    fn without_erased(
        &self,
        file: &Arc<DataFile>,
        erasing: &Arc<Erasing>,
        wanted: &[usize],
        ordering: Option<LexOrdering>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.table.schema();
        let columns = match erasing.columns(self.table) {
            None => (0..schema.fields().len()).collect(),
            Some(asked) => {
                let asked = asked.iter().map(|name| schema.index_of(name));
                let mut columns = asked.collect::<std::result::Result<Vec<_>, _>>()?;
                columns.extend(wanted);
                columns.sort_unstable();
                columns.dedup();
                columns
            }
        };
        let place = |column: &usize| columns.iter().position(|other| other == column);
        let output = wanted.iter().filter_map(place).collect();
        let source = Arc::new(ParquetSource::new(schema));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(vec![FileGroup::new(vec![partitioned(file)?])])
            .with_projection_indices(Some(columns))?
            .with_output_ordering(ordering.into_iter().collect())
            .build();
        let rows = DataSourceExec::from_data_source(config);
        Ok(Arc::new(ErasedRows::try_new(rows, self.table, Arc::clone(erasing), output)?))
    }

    /// Reads the files of a table of versions, each sorted by the first `order` of these columns, and
    /// the tail, which is not.
    pub(crate) fn scan_sorted(
        &self,
        state: &dyn Session,
        columns: &[usize],
        filters: &[Expr],
        order: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let ordering = latest_rows::ordering(&self.table.schema(), &columns[..order]);
        let mut parts = Vec::new();
        for (file, erasing) in &self.erased {
            parts.push(self.without_erased(file, erasing, columns, ordering.clone())?);
        }
        let columns = Some(columns.to_vec());
        if !self.files.is_empty() {
            let config = FileScanConfigBuilder::new(
                ObjectStoreUrl::local_filesystem(),
                self.source(state, filters)?,
            )
            .with_file_groups(self.file_groups(self.files.len())?)
            .with_projection_indices(columns.clone())?
            .with_output_ordering(ordering.into_iter().collect())
            .build();
            parts.push(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>);
        }
        if parts.is_empty() || !self.tail.is_empty() {
            parts.push(self.scan_tail(columns.as_ref())?);
        }
        match parts.len() {
            1 => Ok(parts.remove(0)),
            _ => UnionExec::try_new(parts),
        }
    }

    fn source(&self, state: &dyn Session, filters: &[Expr]) -> Result<Arc<ParquetSource>> {
        let source = ParquetSource::new(self.table.schema());
        let Some(filter) = conjunction(filters.to_vec()) else {
            return Ok(Arc::new(source));
        };
        let schema = DFSchema::try_from(self.table.schema())?;
        Ok(Arc::new(source.with_predicate(state.create_physical_expr(filter, &schema)?)))
    }

    fn file_groups(&self, partitions: usize) -> Result<Vec<FileGroup>> {
        let files = self.files.iter().map(|file| partitioned(file));
        let all = FileGroup::new(files.collect::<Result<_>>()?);
        Ok(all.split_files(partitions))
    }

    fn scan_tail(&self, projection: Option<&Vec<usize>>) -> Result<Arc<dyn ExecutionPlan>> {
        let (batches, schema) = (self.tail.clone(), self.table.schema());
        Ok(MemorySourceConfig::try_new_exec(&[batches], schema, projection.cloned())?)
    }
}

fn partitioned(file: &DataFile) -> Result<PartitionedFile> {
    let path = object_store::path::Path::from_absolute_path(&file.path)
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(PartitionedFile::new(path.to_string(), file.bytes))
}

#[async_trait]
impl TableProvider for LakeTable {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut parts = Vec::new();
        if !self.files.is_empty() {
            parts.push(self.scan_files(state, projection, filters, limit)?);
        }
        for (file, erasing) in &self.erased {
            parts.push(self.scan_erased(file, erasing, projection)?);
        }
        if parts.is_empty() || !self.tail.is_empty() {
            parts.push(self.scan_tail(projection)?);
        }
        match parts.len() {
            1 => Ok(parts.remove(0)),
            _ => UnionExec::try_new(parts),
        }
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // Files and row groups are skipped by statistics; the rows that remain are filtered again.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
