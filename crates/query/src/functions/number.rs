//! `number_of(text)`: the number that a text is, NULL where it is none.
//!
//! `NaN` and what is too large for a number are none: a single one would make every sum nothing, and
//! whoever has the project's key can send one.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NumberOf(Signature);

impl Default for NumberOf {
    fn default() -> Self {
        Self(Signature::any(1, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for NumberOf {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "number_of"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(texts)] => Ok(ColumnarValue::Array(numbers(texts)?)),
            [ColumnarValue::Scalar(text)] => {
                let numbers = numbers(&text.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&numbers, 0)?))
            }
            _ => exec_err!("number_of takes a text"),
        }
    }
}

fn numbers(texts: &ArrayRef) -> Result<ArrayRef> {
    let told = cast(texts, &DataType::Float64)?;
    let told = told.as_primitive::<Float64Type>();
    let finite = told.iter().map(|number| number.filter(|number| number.is_finite()));
    Ok(Arc::new(finite.collect::<Float64Array>()))
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;

    use super::*;

    #[test]
    fn what_is_no_number_is_nothing() {
        let texts = ["7", "-1.5e3", "", "abc", "NaN", "inf", "-Infinity", "1e999", "true", "[1]"];
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
        let told = numbers(&texts).unwrap();
        let told: Vec<Option<f64>> = told.as_primitive::<Float64Type>().iter().collect();
        assert_eq!(told[..2], [Some(7.0), Some(-1500.0)]);
        assert!(told[2..].iter().all(Option::is_none), "{told:?}");
    }
}
