//! `epoch_us(timestamp)`: a moment in microseconds since 1970, as in DuckDB.

use std::any::Any;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct EpochMicros(Signature);

impl Default for EpochMicros {
    fn default() -> Self {
        Self(Signature::any(1, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for EpochMicros {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "epoch_us"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(moments)] => Ok(ColumnarValue::Array(micros(moments)?)),
            [ColumnarValue::Scalar(moment)] => {
                let micros = micros(&moment.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&micros, 0)?))
            }
            _ => exec_err!("epoch_us takes a timestamp"),
        }
    }
}

fn micros(moments: &ArrayRef) -> Result<ArrayRef> {
    let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let moments = cast(moments, &kind)?;
    let micros = moments.as_primitive::<TimestampMicrosecondType>();
    Ok(std::sync::Arc::new(micros.reinterpret_cast::<Int64Type>()))
}
