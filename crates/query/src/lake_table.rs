//! A table of the lake: its files in one version, and its tail.
//!
//! What a query does not need is not read:
//!
//! - Files are opened the newest first, and know their first and last time. A query for the latest rows
//!   learns from the first file how old a row may be, and opens none that is older.
//! - Row groups are skipped by their statistics, and by bloom filters of ids; pages by the page index.
//! - JSON, which is most of a file, is read of rows only that pass the filters, and so are all columns
//!   where somebody looks for an id, which few rows have.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use event::Timestamp;
use lake::{DataFile, Erasing, FilesByErasure, Table, Version};

use crate::erased_rows::ErasedRows;
use crate::later_columns::LaterColumns;
use crate::remote_files::RemoteFiles;
use crate::{latest_rows, merged_person, remote_files, text_views};

/// A table in one version of the lake; holding it keeps its files.
#[derive(Debug)]
pub(crate) struct LakeTable {
    table: &'static Table,
    /// The columns as queries see them.
    schema: SchemaRef,
    files: Vec<Arc<DataFile>>,
    /// Files that may have rows which are erased, each with what is to be taken out.
    erased: Vec<(Arc<DataFile>, Arc<Erasing>)>,
    tail: Vec<RecordBatch>,
    /// Where the files are, if not on this machine.
    remote: Option<RemoteFiles>,
}

impl LakeTable {
    pub(crate) fn new(version: &Version, table: &'static Table) -> Self {
        let tail = version.batches(table).cloned().collect();
        let FilesByErasure { whole, erased } = version.files_by_erasure(table);
        Self { erased, tail, ..Self::of_files(version, table, whole) }
    }

    /// Some of a table's files alone.
    pub(crate) fn of_files(
        version: &Version,
        table: &'static Table,
        files: Vec<Arc<DataFile>>,
    ) -> Self {
        let remote = RemoteFiles::of(version, table);
        // Tables of versions are merged by their keys, which plain texts do best.
        let schema = match table.latest() {
            Some(_) => table.schema(),
            None => text_views::viewed(&table.schema()),
        };
        let schema = match remote {
            // What others wrote may lack any column.
            Some(_) => nullable(&schema),
            None => schema,
        };
        Self { table, schema, files, erased: Vec::new(), tail: Vec::new(), remote }
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
        let written_with = filters.iter().filter_map(merged_person::written_with);
        let filters: Vec<Expr> = written_with.chain(filters.iter().cloned()).collect();
        let is_late = is_of_few(&filters) || self.reads_wide(projection);
        let source = self.source(state, &filters)?.with_pushdown_filters(is_late);
        let config = self
            .config(self.reading(state, source.with_reorder_filters(is_late)))
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
        let config = self
            .config(ParquetSource::new(schema))
            .with_file_groups(vec![FileGroup::new(vec![self.partitioned(file)?])])
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
        let sorted = latest_rows::ordering(&self.table.schema(), &columns[..order]);
        // Whoever wrote remote files need not have sorted them.
        let ordering = sorted.filter(|_| self.remote.is_none());
        let mut parts = Vec::new();
        for (file, erasing) in &self.erased {
            parts.push(self.without_erased(file, erasing, columns, ordering.clone())?);
        }
        let columns = Some(columns.to_vec());
        if !self.files.is_empty() {
            let group = |file: &Arc<DataFile>| Ok(FileGroup::new(vec![self.partitioned(file)?]));
            let groups = self.files.iter().map(group);
            let config = self
                .config(self.reading(state, self.source(state, filters)?))
                .with_file_groups(groups.collect::<Result<_>>()?)
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

    /// A scan of files, which may lack columns that came later.
    fn config(&self, source: ParquetSource) -> FileScanConfigBuilder {
        let url = self.remote.as_ref().map(|remote| remote.url.clone());
        let url = url.unwrap_or_else(ObjectStoreUrl::local_filesystem);
        FileScanConfigBuilder::new(url, Arc::new(source))
            .with_expr_adapter(Some(Arc::new(LaterColumns { table: self.table })))
    }

    fn reading(&self, state: &dyn Session, source: ParquetSource) -> ParquetSource {
        match &self.remote {
            Some(remote) => remote.read(state, source),
            None => source,
        }
    }

    fn partitioned(&self, file: &DataFile) -> Result<PartitionedFile> {
        match self.remote {
            Some(_) => remote_files::partitioned(file),
            None => partitioned(file),
        }
    }

    fn source(&self, state: &dyn Session, filters: &[Expr]) -> Result<ParquetSource> {
        let source = ParquetSource::new(Arc::clone(&self.schema));
        let Some(filter) = conjunction(filters.to_vec()) else {
            return Ok(source);
        };
        let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
        Ok(source.with_predicate(state.create_physical_expr(filter, &schema)?))
    }

    /// Deals the files out, the newest first.
    fn file_groups(&self, partitions: usize) -> Result<Vec<FileGroup>> {
        let mut files: Vec<&Arc<DataFile>> = self.files.iter().collect();
        files.sort_by_key(|file| std::cmp::Reverse(file.max_timestamp));
        let mut groups = vec![FileGroup::default(); partitions.min(files.len())];
        for (file, group) in files.into_iter().zip((0..groups.len()).cycle()) {
            groups[group].push(self.timed(file)?);
        }
        Ok(groups)
    }

    /// A file that is skipped by its times.
    fn timed(&self, file: &DataFile) -> Result<PartitionedFile> {
        let schema = self.table.schema();
        let mut statistics = Statistics::new_unknown(&schema);
        statistics.num_rows = Precision::Exact(usize::try_from(file.rows).unwrap_or(usize::MAX));
        let time = self.table.time_position();
        let zone = match schema.field(time).data_type() {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        };
        let at = |time: Timestamp| {
            Precision::Exact(ScalarValue::TimestampMicrosecond(
                Some(time.as_micros()),
                zone.clone(),
            ))
        };
        if let Some((first, last)) = file.times() {
            let of_time = &mut statistics.column_statistics[time];
            (of_time.min_value, of_time.max_value) = (at(first), at(last));
        }
        Ok(self.partitioned(file)?.with_statistics(Arc::new(statistics)))
    }

    /// Whether columns are asked for that are most of a file.
    fn reads_wide(&self, projection: Option<&Vec<usize>>) -> bool {
        let wide = self.table.wide_positions();
        projection.is_none_or(|columns| columns.iter().any(|column| wide.contains(column)))
    }

    /// Rows in the columns of the table, as queries see them.
    fn as_seen(&self, rows: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        match self.table.latest() {
            Some(_) => Ok(rows),
            None => text_views::view(rows),
        }
    }

    fn scan_tail(&self, projection: Option<&Vec<usize>>) -> Result<Arc<dyn ExecutionPlan>> {
        let batches = self.tail.clone();
        let schema = match self.remote {
            Some(_) => nullable(&self.table.schema()),
            None => self.table.schema(),
        };
        Ok(MemorySourceConfig::try_new_exec(&[batches], schema, projection.cloned())?)
    }
}

/// Columns whose values few rows have.
const IDS: [&str; 4] = ["uuid", "distinct_id", "person_id", "session_id"];

/// Whether somebody looks for an id, or some.
fn is_of_few(filters: &[Expr]) -> bool {
    let is_id = |expression: &Expr| match expression {
        Expr::Column(column) => IDS.contains(&column.name.as_str()),
        _ => false,
    };
    filters.iter().any(|filter| match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            is_id(left) || is_id(right)
        }
        Expr::InList(list) => !list.negated && is_id(&list.expr),
        _ => false,
    })
}

/// The same columns, each of which may lack values.
fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields: Vec<_> = fields.map(|field| Field::clone(field).with_nullable(true)).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
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
        Arc::clone(&self.schema)
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
            parts.push(self.as_seen(self.scan_erased(file, erasing, projection)?)?);
        }
        if parts.is_empty() || !self.tail.is_empty() {
            parts.push(self.as_seen(self.scan_tail(projection)?)?);
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
