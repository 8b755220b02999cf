//! `semver(text)`: a version as text that sorts as versions do, NULL where there is none.
//!
//! The first two or more numbers with points between them count: `v1.10.2-beta` is 1.10.2. What has
//! fewer numbers comes before what goes on, as 1.2 before 1.2.0.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// Digits that a number is filled up to.
const DIGITS: usize = 20;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Semver(Signature);

impl Default for Semver {
    fn default() -> Self {
        Self(Signature::any(1, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Semver {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "semver"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(texts)] => Ok(ColumnarValue::Array(versions(texts)?)),
            [ColumnarValue::Scalar(text)] => {
                let versions = versions(&text.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&versions, 0)?))
            }
            _ => exec_err!("semver takes a text"),
        }
    }
}

fn versions(texts: &ArrayRef) -> Result<ArrayRef> {
    let texts = cast(texts, &DataType::Utf8)?;
    let texts = texts.as_string::<i32>();
    let mut versions = StringBuilder::new();
    for row in 0..texts.len() {
        let text = texts.is_valid(row).then(|| texts.value(row));
        versions.append_option(text.and_then(sortable));
    }
    Ok(Arc::new(versions.finish()))
}

/// A version as text that sorts as versions do.
fn sortable(text: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let candidates = text.split(|c| !is_part(c));
    let numbers = candidates.filter_map(first_numbers).next()?;
    let padded = numbers.iter().map(|number| format!("{number:0>DIGITS$}"));
    Some(padded.collect::<Vec<_>>().join("."))
}

/// The first numbers with single points between them, if there are two or more.
fn first_numbers(text: &str) -> Option<Vec<&str>> {
    text.split("..").find_map(|run| {
        let numbers: Vec<&str> = run.split('.').filter(|number| !number.is_empty()).collect();
        (numbers.len() > 1).then_some(numbers)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_by_their_numbers() {
        let sorted = ["1.2", "1.2.0", "1.2.3-beta.4", "1.9.0", "v1.10.0", "2.0.0"];
        let keys: Vec<_> = sorted.iter().map(|text| sortable(text).unwrap()).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(sortable("1.2.3-beta"), sortable("app 1.2.3"));
    }

    #[test]
    fn what_has_no_version_is_none() {
        for nothing in ["", "7", "true", "beta", "1..", "..", "{\"a\":1}"] {
            assert_eq!(sortable(nothing), None, "{nothing}");
        }
    }
}
