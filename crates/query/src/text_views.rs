//! Texts as views: sixteen bytes that point at a value.
//!
//! Files have most texts once in a dictionary, and a view points there, where a text of Arrow's plain
//! kind is copied for each row. Most questions compare or count them and copy none.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;

/// The same columns with texts as views.
pub(crate) fn viewed(schema: &SchemaRef) -> SchemaRef {
    retyped(schema, &DataType::Utf8, &DataType::Utf8View)
}

/// The same columns with plain texts, which every reader knows.
pub(crate) fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    retyped(schema, &DataType::Utf8View, &DataType::Utf8)
}

fn retyped(schema: &SchemaRef, from: &DataType, to: &DataType) -> SchemaRef {
    let retyped = |field: &FieldRef| match field.data_type() == from {
        true => Arc::new(Field::clone(field).with_data_type(to.clone())),
        false => Arc::clone(field),
    };
    let fields: Vec<FieldRef> = schema.fields().iter().map(retyped).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The step of a plan that makes views of texts.
pub(crate) fn view(input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = input.schema();
    let columns = schema.fields().iter().enumerate().map(|(place, field)| {
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), place));
        let shown = match field.data_type() {
            DataType::Utf8 => Arc::new(CastExpr::new(column, DataType::Utf8View, None)),
            _ => column,
        };
        (shown, field.name().clone())
    });
    Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), input)?))
}
