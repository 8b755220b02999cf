//! Columns that came later than a file: read as what they would be, had they been written.

use std::any::Any;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};
use lake::{LaterColumn, Table};

/// Reads files of a table that lack some of its columns.
#[derive(Debug)]
pub(crate) struct LaterColumns {
    pub(crate) table: &'static Table,
}

impl PhysicalExprAdapterFactory for LaterColumns {
    fn create(
        &self,
        logical: SchemaRef,
        physical: SchemaRef,
    ) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let rest = DefaultPhysicalExprAdapterFactory
            .create(Arc::clone(&logical), Arc::clone(&physical))?;
        Ok(Arc::new(OfFile { table: self.table, logical, physical, rest }))
    }
}

/// The same for one file.
#[derive(Debug)]
struct OfFile {
    table: &'static Table,
    logical: SchemaRef,
    physical: SchemaRef,
    /// Whatever else files and table differ in.
    rest: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for OfFile {
    fn rewrite(&self, expression: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let made = expression.transform(|part| {
            let column = part.as_any().downcast_ref::<Column>();
            Ok(match column.and_then(|column| self.made(column.name())) {
                Some(made) => Transformed::yes(made),
                None => Transformed::no(part),
            })
        });
        self.rest.rewrite(made.data()?)
    }
}

impl OfFile {
    /// What makes a column that the file lacks of its properties.
    fn made(&self, name: &str) -> Option<Arc<dyn PhysicalExpr>> {
        if self.physical.index_of(name).is_ok() {
            return None;
        }
        let later = LaterColumn::of(self.table, name)?;
        let source = self.physical.index_of(LaterColumn::SOURCE).ok()?;
        let field: FieldRef = Arc::new(self.logical.field_with_name(name).ok()?.clone());
        let source = Arc::new(Column::new(LaterColumn::SOURCE, source));
        let made = Arc::new(ScalarUDF::from(Made::new(later, field.data_type().clone())));
        let options = Arc::new(ConfigOptions::default());
        Some(Arc::new(ScalarFunctionExpr::new(
            made.name().to_owned().as_str(),
            made,
            vec![source],
            field,
            options,
        )))
    }
}

/// Makes a column of properties.
#[derive(Debug)]
struct Made {
    later: LaterColumn,
    name: String,
    kind: DataType,
    signature: Signature,
}

impl Made {
    fn new(later: LaterColumn, kind: DataType) -> Self {
        let signature = Signature::exact(vec![DataType::Utf8View], Volatility::Immutable);
        Self { later, name: format!("later_{}", later.name()), kind, signature }
    }
}

impl PartialEq for Made {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.kind) == (&other.name, &other.kind)
    }
}

impl Eq for Made {}

impl std::hash::Hash for Made {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Made {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.kind.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let properties = arguments.args[0].to_array(arguments.number_rows)?;
        let properties = cast(&properties, &DataType::Utf8)?;
        let made = self.later.of_properties(properties.as_string());
        Ok(ColumnarValue::Array(cast(&made, &self.kind)?))
    }
}
