//! The step of a plan that takes what is erased out of the rows of one file, until the file is
//! written anew without it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::exec_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_expr::projection::ProjectionMapping;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties,
};
use futures::StreamExt;
use lake::{Erasing, Table};

/// Takes rows of a file with the columns that the erasing asks for, and gives some of these columns
/// of the rows that stay.
#[derive(Debug)]
pub(crate) struct ErasedRows {
    input: Arc<dyn ExecutionPlan>,
    table: &'static Table,
    erasing: Arc<Erasing>,
    /// Where the columns of the answer stand.
    output: Vec<usize>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl ErasedRows {
    pub(crate) fn try_new(
        input: Arc<dyn ExecutionPlan>,
        table: &'static Table,
        erasing: Arc<Erasing>,
        output: Vec<usize>,
    ) -> Result<Self> {
        let schema = Arc::new(input.schema().project(&output)?);
        // What the rows are sorted by, which matters for versions; these never become anonymous.
        let shown = ProjectionMapping::from_indices(&output, &input.schema())?;
        let equivalences = match table.latest() {
            Some(_) => input.equivalence_properties().project(&shown, Arc::clone(&schema)),
            None => EquivalenceProperties::new(Arc::clone(&schema)),
        };
        let properties = PlanProperties::new(
            equivalences,
            Partitioning::UnknownPartitioning(
                input.properties().output_partitioning().partition_count(),
            ),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { input, table, erasing, output, schema, properties: Arc::new(properties) })
    }
}

impl DisplayAs for ErasedRows {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErasedRows")
    }
}

impl ExecutionPlan for ErasedRows {
    fn name(&self) -> &'static str {
        "ErasedRows"
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

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![self.table.latest().is_some()]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input =
            children.pop().ok_or_else(|| exec_datafusion_err!("ErasedRows has no input"))?;
        let (erasing, output) = (Arc::clone(&self.erasing), self.output.clone());
        Ok(Arc::new(Self::try_new(input, self.table, erasing, output)?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (table, erasing) = (self.table, Arc::clone(&self.erasing));
        let output = self.output.clone();
        let shown = move |rows: Result<RecordBatch>| {
            let rows = erasing.shown(table, rows?);
            let rows = rows.map_err(|error| DataFusionError::External(Box::new(error)))?;
            Ok(rows.project(&output)?)
        };
        let schema = Arc::clone(&self.schema);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, input.map(shown))))
    }
}
