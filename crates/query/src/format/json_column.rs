//! Values of JSON, as `properties->'plan'` gives them, in columns that every format can write.
//!
//! The engine holds them as a union of kinds, which hardly any reader knows. They become their JSON
//! text, in a column that says so by Arrow's extension type `arrow.json`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, UnionArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, FieldRef, Float64Type, Int64Type, Schema, SchemaRef, UnionFields,
};
use arrow::error::ArrowError;
use arrow::json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use crate::text_views;

const EXTENSION: &str = "ARROW:extension:name";
const JSON: &str = "arrow.json";

/// The columns of an answer as they are written.
pub(crate) fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    let schema = text_views::plain_schema(schema);
    if !schema.fields().iter().any(|field| is_json(field)) {
        return schema;
    }
    let fields: Vec<FieldRef> = schema.fields().iter().map(plain_field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Rows of an answer as they are written, in the columns of [`plain_schema`].
pub(crate) fn plain(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| match column.as_union_opt() {
        Some(union) if is_json_union(union.fields()) => Ok(json_text(union)),
        _ => cast(column, field.data_type()),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns.collect::<Result<_, _>>()?,
        &options,
    )
}

fn plain_field(field: &FieldRef) -> FieldRef {
    match is_json(field) {
        true => {
            let metadata = [(EXTENSION.to_owned(), JSON.to_owned())].into();
            Arc::new(Field::new(field.name(), DataType::Utf8, true).with_metadata(metadata))
        }
        false => Arc::clone(field),
    }
}

fn is_json(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Union(fields, _) if is_json_union(fields))
}

fn is_json_union(fields: &UnionFields) -> bool {
    let names = fields.iter().map(|(_, field)| field.name().as_str());
    names.eq(["null", "bool", "int", "float", "str", "array", "object"])
}

fn json_text(union: &UnionArray) -> ArrayRef {
    Arc::new((0..union.len()).map(|row| text(union, row)).collect::<StringArray>())
}

/// The JSON of one value; `None` is NULL.
fn text(union: &UnionArray, row: usize) -> Option<String> {
    let kind = union.type_id(row);
    let (values, at) = (union.child(kind), union.value_offset(row));
    let fields = union.fields();
    let name = fields.iter().find(|(id, _)| *id == kind).map(|(_, field)| field.name().as_str())?;
    match name {
        "bool" => Some(values.as_boolean().value(at).to_string()),
        "int" => Some(values.as_primitive::<Int64Type>().value(at).to_string()),
        // What is no number of JSON came from none.
        "float" => serde_json::Number::from_f64(values.as_primitive::<Float64Type>().value(at))
            .map(|number| number.to_string()),
        "str" => Some(serde_json::Value::from(values.as_string::<i32>().value(at)).to_string()),
        "array" | "object" => Some(values.as_string::<i32>().value(at).to_owned()),
        _ => None,
    }
}

/// Writes columns of JSON as what they are, where the rest is JSON too.
#[derive(Debug)]
pub(super) struct JsonColumns;

impl EncoderFactory for JsonColumns {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let is_json = field.metadata().get(EXTENSION).is_some_and(|name| name == JSON);
        let Some(texts) = array.as_string_opt::<i32>().filter(|_| is_json) else { return Ok(None) };
        let encoder: Box<dyn Encoder + 'a> = Box::new(Raw(texts));
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Raw<'a>(&'a StringArray);

impl Encoder for Raw<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.value(row).as_bytes());
    }
}
