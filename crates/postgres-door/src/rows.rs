//! Rows of the engine as PostgreSQL's.
//!
//! Every column gets one of few types, to which its values are cast; what PostgreSQL has no type for is
//! text, as the engine writes it.

use std::sync::Arc;

use arrow_pg::encoder::{Encoder, encode_value};
use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, Schema, TimeUnit};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use pgwire::api::Type;
use pgwire::api::portal::Format;
use pgwire::api::results::{DataRowEncoder, FieldInfo};
use pgwire::messages::data::DataRow;
use query::Error;

/// What marks a column whose text is JSON.
const EXTENSION: &str = "ARROW:extension:name";
const JSON: &str = "arrow.json";

/// What the library that writes numbers can hold.
const DECIMAL_DIGITS: u8 = 28;

/// A column on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// PostgreSQL's type.
    pub(crate) kind: Type,
    /// What values are cast to; `None` for what is written as text.
    target: Option<DataType>,
}

impl Column {
    /// The column of a field.
    pub(crate) fn of(field: &Field) -> Self {
        match field.metadata().get(EXTENSION).is_some_and(|name| name == JSON) {
            true => Self { kind: Type::JSON, target: Some(DataType::Utf8) },
            false => Self::of_type(field.data_type()),
        }
    }

    fn of_type(kind: &DataType) -> Self {
        let list = match kind {
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::FixedSizeList(item, _)
            | DataType::ListView(item)
            | DataType::LargeListView(item) => scalar(item.data_type())
                .and_then(|(kind, target)| Some((array_of(&kind)?, list_of(target)))),
            _ => scalar(kind),
        };
        match list {
            Some((kind, target)) => Self { kind, target: Some(target) },
            None => Self { kind: Type::TEXT, target: None },
        }
    }
}

/// PostgreSQL's type of a single value, and what it is cast to.
fn scalar(kind: &DataType) -> Option<(Type, DataType)> {
    Some(match kind {
        DataType::Boolean => (Type::BOOL, DataType::Boolean),
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => (Type::INT2, DataType::Int16),
        DataType::Int32 | DataType::UInt16 => (Type::INT4, DataType::Int32),
        DataType::Int64 | DataType::UInt32 => (Type::INT8, DataType::Int64),
        DataType::UInt64 => (Type::NUMERIC, DataType::Decimal128(20, 0)),
        DataType::Float16 | DataType::Float32 => (Type::FLOAT4, DataType::Float32),
        DataType::Float64 => (Type::FLOAT8, DataType::Float64),
        DataType::Decimal32(digits, scale)
        | DataType::Decimal64(digits, scale)
        | DataType::Decimal128(digits, scale)
            if *digits <= DECIMAL_DIGITS && *scale >= 0 =>
        {
            (Type::NUMERIC, DataType::Decimal128(*digits, *scale))
        }
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            (Type::TEXT, DataType::Utf8)
        }
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => (Type::BYTEA, DataType::Binary),
        DataType::Date32 | DataType::Date64 => (Type::DATE, DataType::Date32),
        DataType::Time32(_) | DataType::Time64(_) => {
            (Type::TIME, DataType::Time64(TimeUnit::Microsecond))
        }
        DataType::Timestamp(_, None) => {
            (Type::TIMESTAMP, DataType::Timestamp(TimeUnit::Microsecond, None))
        }
        DataType::Timestamp(_, Some(_)) => {
            let utc = Some("+00:00".into());
            (Type::TIMESTAMPTZ, DataType::Timestamp(TimeUnit::Microsecond, utc))
        }
        DataType::Interval(_) => (Type::INTERVAL, DataType::Interval(IntervalUnit::MonthDayNano)),
        DataType::Duration(_) => (Type::INTERVAL, DataType::Duration(TimeUnit::Microsecond)),
        DataType::Dictionary(_, values) => return scalar(values),
        _ => return None,
    })
}

fn array_of(kind: &Type) -> Option<Type> {
    Some(match *kind {
        Type::BOOL => Type::BOOL_ARRAY,
        Type::INT2 => Type::INT2_ARRAY,
        Type::INT4 => Type::INT4_ARRAY,
        Type::INT8 => Type::INT8_ARRAY,
        Type::FLOAT4 => Type::FLOAT4_ARRAY,
        Type::FLOAT8 => Type::FLOAT8_ARRAY,
        Type::TEXT => Type::TEXT_ARRAY,
        Type::DATE => Type::DATE_ARRAY,
        Type::TIMESTAMP => Type::TIMESTAMP_ARRAY,
        Type::TIMESTAMPTZ => Type::TIMESTAMPTZ_ARRAY,
        _ => return None,
    })
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

/// The columns of an answer as they are described.
pub(crate) fn described(schema: &Schema, format: &Format) -> Vec<FieldInfo> {
    let fields = schema.fields().iter().enumerate();
    fields
        .map(|(index, field)| {
            let Column { kind, .. } = Column::of(field);
            let size = size_of(&kind);
            FieldInfo::new(field.name().clone(), None, None, kind, format.format_for(index))
                .with_type_size(size)
        })
        .collect()
}

/// How many bytes every value of a type has, if all have the same.
pub(crate) fn size_of(kind: &Type) -> i16 {
    match *kind {
        Type::BOOL => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => 8,
        Type::INTERVAL => 16,
        _ => -1,
    }
}

/// Writes rows of an answer that was described so.
pub(crate) struct Writer {
    columns: Vec<Column>,
    fields: Arc<Vec<FieldInfo>>,
    encoder: DataRowEncoder,
}

impl Writer {
    pub(crate) fn new(schema: &Schema, fields: Arc<Vec<FieldInfo>>) -> Self {
        let columns = schema.fields().iter().map(|field| Column::of(field)).collect();
        let encoder = DataRowEncoder::new(Arc::clone(&fields));
        Self { columns, fields, encoder }
    }

    /// The rows of a batch.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<Vec<DataRow>, Error> {
        let columns = self.columns.iter().zip(batch.columns());
        let columns = columns.map(|(column, values)| {
            let values = cast(values, column.target.as_ref())?;
            let field = Field::new("", values.data_type().clone(), true);
            Ok((values, field))
        });
        let columns: Vec<(ArrayRef, Field)> = columns.collect::<Result<_, ArrowError>>()?;
        let mut rows = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            for ((values, field), told) in columns.iter().zip(self.fields.iter()) {
                let written = match values.is_null(row) {
                    true => Encoder::encode_field(&mut self.encoder, &None::<&str>, told),
                    false => encode_value(&mut self.encoder, values, row, field, told),
                };
                written.map_err(|error| Error::Failed(error.to_string()))?;
            }
            rows.push(self.encoder.take_row());
        }
        Ok(rows)
    }
}

fn cast(values: &ArrayRef, target: Option<&DataType>) -> Result<ArrayRef, ArrowError> {
    match target {
        Some(target) if values.data_type() == target => Ok(Arc::clone(values)),
        Some(target) => cast_with_options(
            values,
            target,
            &CastOptions { safe: false, ..CastOptions::default() },
        ),
        None => text(values),
    }
}

/// Values as the engine writes them.
fn text(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(values, &options)?;
    let texts = (0..values.len()).map(|row| {
        (!values.is_null(row)).then(|| formatter.value(row).try_to_string()).transpose()
    });
    Ok(Arc::new(texts.collect::<Result<StringArray, ArrowError>>()?))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{
        Decimal256Array, FixedSizeListArray, Int64Array, IntervalYearMonthArray, StructArray,
        TimestampNanosecondArray,
    };
    use datafusion::arrow::buffer::NullBuffer;
    use datafusion::arrow::datatypes::i256;

    use super::*;

    /// What is sent of a column, as text, with its type.
    fn sent(values: ArrayRef, format: Format) -> (Type, Vec<Option<Vec<u8>>>) {
        let field = Field::new("x", values.data_type().clone(), true);
        let schema = Schema::new(vec![field]);
        let fields = Arc::new(described(&schema, &format));
        let kind = fields[0].datatype().clone();
        let batch = RecordBatch::try_new(Arc::new(schema.clone()), vec![values]).unwrap();
        let rows = Writer::new(&schema, fields).write(&batch).unwrap();
        let cell = |row: &DataRow| {
            let length = i32::from_be_bytes(row.data[..4].try_into().unwrap());
            (length >= 0).then(|| row.data[4..].to_vec())
        };
        (kind, rows.iter().map(cell).collect())
    }

    fn texts(values: ArrayRef) -> (Type, Vec<Option<String>>) {
        let (kind, cells) = sent(values, Format::UnifiedText);
        let text = |cell: Option<Vec<u8>>| cell.map(|cell| String::from_utf8(cell).unwrap());
        (kind, cells.into_iter().map(text).collect())
    }

    #[test]
    fn numbers_are_numbers_in_both_formats() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(-7), None]));
        assert_eq!(texts(Arc::clone(&numbers)), (Type::INT8, vec![Some("-7".into()), None]));
        let (_, cells) = sent(numbers, Format::UnifiedBinary);
        assert_eq!(cells, [Some((-7_i64).to_be_bytes().to_vec()), None]);
    }

    #[test]
    fn times_have_their_zone() {
        let times = TimestampNanosecondArray::from(vec![Some(1_700_000_000_123_456_789), None])
            .with_timezone("UTC");
        let (kind, cells) = texts(Arc::new(times));
        assert_eq!(kind, Type::TIMESTAMPTZ);
        assert_eq!(cells, [Some("2023-11-14 22:13:20.123456+00".into()), None]);
    }

    #[test]
    fn what_has_no_type_there_is_text() {
        let huge = Decimal256Array::from(vec![Some(i256::from_i128(12)), None]);
        let huge: ArrayRef = Arc::new(huge.with_precision_and_scale(50, 1).unwrap());
        assert_eq!(texts(huge), (Type::TEXT, vec![Some("1.2".into()), None]));
        let inner: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let field = Arc::new(Field::new("a", DataType::Int64, true));
        let nulls = Some(NullBuffer::from(vec![true, false]));
        let fields = StructArray::new(vec![field].into(), vec![inner], nulls);
        let (kind, cells) = texts(Arc::new(fields));
        assert_eq!((kind, cells), (Type::TEXT, vec![Some("{a: 1}".into()), None]));
        let months: ArrayRef = Arc::new(IntervalYearMonthArray::from(vec![None, Some(14)]));
        let (kind, cells) = texts(months);
        assert_eq!(kind, Type::INTERVAL);
        assert!(cells[0].is_none() && cells[1].as_ref().unwrap().contains("1 year"), "{cells:?}");
    }

    #[test]
    fn arrays_keep_their_nulls() {
        let items: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)]));
        let item = Arc::new(Field::new("item", DataType::Int64, true));
        let nulls = Some(NullBuffer::from(vec![true, false]));
        let lists: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, items, nulls));
        let (kind, cells) = texts(lists);
        assert_eq!((kind, cells), (Type::INT8_ARRAY, vec![Some("{1,NULL}".into()), None]));
    }
}
