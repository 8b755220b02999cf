//! The step of a plan that gives texts which are kept for long memory of their own.
//!
//! A text of [`crate::text_views`] points into what was read, and so do those of rows that were merged
//! from many batches: each batch then holds all of what was read. As these rows wait to be sorted again
//! the memory would be counted once for each batch, and the query be refused for what it does not use.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::exec_datafusion_err;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

/// Puts the step below every sort that keeps all its rows.
#[derive(Debug)]
pub(crate) struct CompactBelowSorts;

impl PhysicalOptimizerRule for CompactBelowSorts {
    fn name(&self) -> &str {
        "CompactBelowSorts"
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|step| {
            // One that keeps few rows copies them by itself.
            let sort = step.as_any().downcast_ref::<SortExec>();
            let Some(sort) = sort.filter(|sort| sort.fetch().is_none() && has_views(sort)) else {
                return Ok(Transformed::no(step));
            };
            let compact = Arc::new(CompactViews { input: Arc::clone(sort.input()) });
            Ok(Transformed::yes(step.with_new_children(vec![compact])?))
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn has_views(sort: &SortExec) -> bool {
    let schema = sort.input().schema();
    schema.fields().iter().any(|field| field.data_type() == &DataType::Utf8View)
}

/// The same rows, with texts that hold little more than themselves.
#[derive(Debug)]
struct CompactViews {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for CompactViews {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompactViews")
    }
}

impl ExecutionPlan for CompactViews {
    fn name(&self) -> &'static str {
        "CompactViews"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input =
            children.pop().ok_or_else(|| exec_datafusion_err!("CompactViews has no input"))?;
        Ok(Arc::new(Self { input }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let rows = input.map(|rows| Ok(compact(&rows?)?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

fn compact(rows: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = rows.columns().iter().map(with_own_memory).collect();
    RecordBatch::try_new(rows.schema(), columns)
}

/// Copies texts where more than half of what they hold is none of theirs.
fn with_own_memory(column: &ArrayRef) -> ArrayRef {
    let Some(texts) = column.as_string_view_opt() else {
        return Arc::clone(column);
    };
    let held: usize = texts.data_buffers().iter().map(|buffer| buffer.len()).sum();
    match held > 2 * texts.total_buffer_bytes_used() {
        true => Arc::new(texts.gc()),
        false => Arc::clone(column),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, StringViewArray};

    use super::*;

    #[test]
    fn texts_let_go_of_what_is_not_theirs() {
        let text = |number: usize| format!("a text of more than twelve bytes, number {number}");
        let all = StringViewArray::from_iter_values((0..10_000).map(text));
        let few: ArrayRef = Arc::new(all.slice(10, 3));
        let own = with_own_memory(&few);
        assert_eq!(own.as_string_view(), few.as_string_view());
        assert!(own.get_buffer_memory_size() < 1000 && few.get_buffer_memory_size() > 100_000);
        let whole: ArrayRef = Arc::new(all);
        assert!(Arc::ptr_eq(&whole, &with_own_memory(&whole)));
    }
}
