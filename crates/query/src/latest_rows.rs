//! The step of a plan that keeps of rows with the same key the last.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat_batches, partition, take};
use arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexOrdering, OrderingRequirements, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::{StreamExt, TryStreamExt};

/// Takes rows of which the first columns are a key and a version, sorted by these. The column behind
/// them says what is gone, if it is called so.
#[derive(Debug)]
pub(crate) struct LatestRows {
    input: Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
    /// How many columns are key and version.
    order: usize,
    /// Where the columns of the answer stand.
    output: Vec<usize>,
    properties: Arc<PlanProperties>,
}

impl LatestRows {
    pub(crate) fn try_new(
        input: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        order: usize,
        output: Vec<usize>,
    ) -> Result<Self> {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { input, schema, order, output, properties: Arc::new(properties) })
    }
}

/// The first columns of a schema, ascending.
pub(crate) fn ordering(schema: &SchemaRef, columns: &[usize]) -> Option<LexOrdering> {
    let ascending = |&column: &usize| {
        let name = schema.field(column).name();
        PhysicalSortExpr::new_default(Arc::new(Column::new(name, column)))
    };
    LexOrdering::new(columns.iter().map(ascending))
}

impl DisplayAs for LatestRows {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LatestRows")
    }
}

impl ExecutionPlan for LatestRows {
    fn name(&self) -> &'static str {
        "LatestRows"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let columns: Vec<usize> = (0..self.order).collect();
        vec![ordering(&self.input.schema(), &columns).map(OrderingRequirements::from)]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input =
            children.pop().ok_or_else(|| exec_datafusion_err!("LatestRows has no input"))?;
        let (schema, output) = (Arc::clone(&self.schema), self.output.clone());
        Ok(Arc::new(Self::try_new(input, schema, self.order, output)?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let mut latest = LatestOf {
            key: self.order - 1,
            output: self.output.clone(),
            schema: self.schema(),
            held: None,
        };
        // After the last batch comes the row that was held back.
        let batches =
            input.map(|batch| batch.map(Some)).chain(futures::stream::once(async { Ok(None) }));
        let rows = batches.and_then(move |batch| {
            futures::future::ready(match batch {
                Some(batch) => latest.take(batch),
                None => latest.finish(),
            })
        });
        let rows = rows.try_filter_map(|rows| futures::future::ready(Ok(rows)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows)))
    }
}

/// The latest rows of batches that come one by one.
struct LatestOf {
    /// How many columns are the key.
    key: usize,
    output: Vec<usize>,
    schema: SchemaRef,
    /// The last row, since the next batch may begin with a later version.
    held: Option<RecordBatch>,
}

impl LatestOf {
    fn take(&mut self, batch: RecordBatch) -> Result<Option<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let rows = match self.held.take() {
            Some(held) => concat_batches(&batch.schema(), [&held, &batch])?,
            None => batch,
        };
        let keys = partition(&rows.columns()[..self.key])?.ranges();
        let last = rows.num_rows() - 1;
        self.held = Some(rows.slice(last, 1));
        let ends = keys.into_iter().map(|key| key.end - 1).filter(|end| *end != last);
        self.shown(&rows, ends).map(Some)
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        self.held.take().map(|held| self.shown(&held, 0..1)).transpose()
    }

    /// Those of the rows that are not gone.
    fn shown(
        &self,
        rows: &RecordBatch,
        latest: impl Iterator<Item = usize>,
    ) -> Result<RecordBatch> {
        let gone = rows.column_by_name("is_deleted");
        let gone = gone.and_then(|gone| gone.as_primitive_opt::<Int64Type>());
        let is_there = |row: &usize| gone.is_none_or(|gone| gone.value(*row) == 0);
        let shown: UInt32Array =
            latest.filter(is_there).map(|row| u32::try_from(row).ok()).collect();
        let columns = self.output.iter().map(|&column| take(rows.column(column), &shown, None));
        // Who only counts asks for no column.
        let count = RecordBatchOptions::new().with_row_count(Some(shown.len()));
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &count)?)
    }
}
