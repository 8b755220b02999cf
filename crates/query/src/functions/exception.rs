//! `exception_type(properties)`, `exception_message(…)`, `exception_frame(…)` and
//! `exception_fingerprint(…)`: what an `$exception` is about.
//!
//! The first of `$exception_list` counts; older SDKs say `$exception_type` and `$exception_message`.
//! The frame is the one that the error was thrown in, the last of its stack: function and file,
//! without a line, which changes with every release. The fingerprint is `$exception_fingerprint`, or
//! else made of all three.

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
use serde::Deserialize;
use serde_json::Value;

/// What is asked of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Type,
    Message,
    Frame,
    Fingerprint,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Type, Self::Message, Self::Frame, Self::Fingerprint];

    const fn name(self) -> &'static str {
        match self {
            Self::Type => "exception_type",
            Self::Message => "exception_message",
            Self::Frame => "exception_frame",
            Self::Fingerprint => "exception_fingerprint",
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExceptionPart {
    part: Part,
    signature: Signature,
}

impl ExceptionPart {
    pub(super) fn new(part: Part) -> Self {
        Self { part, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ExceptionPart {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        self.part.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(texts)] => Ok(ColumnarValue::Array(self.parts(texts)?)),
            [ColumnarValue::Scalar(text)] => {
                let parts = self.parts(&text.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&parts, 0)?))
            }
            _ => exec_err!("{} takes properties", self.part.name()),
        }
    }
}

impl ExceptionPart {
    fn parts(&self, properties: &ArrayRef) -> Result<ArrayRef> {
        let properties = cast(properties, &DataType::Utf8)?;
        let properties = properties.as_string::<i32>();
        let mut parts = StringBuilder::new();
        for row in 0..properties.len() {
            let text = properties.is_valid(row).then(|| properties.value(row));
            let exception = text.and_then(|text| serde_json::from_str::<Exception>(text).ok());
            parts.append_option(exception.and_then(|exception| exception.part(self.part)));
        }
        Ok(Arc::new(parts.finish()))
    }
}

/// What properties say of an exception; whatever else they have is skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Exception {
    #[serde(rename = "$exception_fingerprint")]
    fingerprint: Value,
    #[serde(rename = "$exception_list")]
    list: Value,
    #[serde(rename = "$exception_type")]
    of: Value,
    #[serde(rename = "$exception_message")]
    message: Value,
}

impl Exception {
    fn part(&self, part: Part) -> Option<String> {
        match part {
            Part::Type => told(&self.list[0]["type"]).or_else(|| told(&self.of)),
            Part::Message => told(&self.list[0]["value"]).or_else(|| told(&self.message)),
            Part::Frame => self.frame(),
            Part::Fingerprint => Some(self.fingerprint()),
        }
    }

    fn frame(&self) -> Option<String> {
        let frames = self.list[0]["stacktrace"]["frames"].as_array()?;
        let frame = frames.last()?;
        let joined = joined(" ", [told(&frame["function"]), told(&frame["filename"])]);
        Some(joined).filter(|joined| !joined.is_empty())
    }

    fn fingerprint(&self) -> String {
        let own = told(&self.fingerprint).filter(|own| !own.is_empty());
        own.unwrap_or_else(|| {
            let what = joined(": ", [self.part(Part::Type), self.part(Part::Message)]);
            joined(" @ ", [Some(what), self.frame()])
        })
    }
}

fn told(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn joined(separator: &str, parts: [Option<String>; 2]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(properties: &str) -> [Option<String>; 4] {
        let exception: Exception = serde_json::from_str(properties).unwrap();
        Part::ALL.map(|part| exception.part(part))
    }

    fn some(parts: [&str; 4]) -> [Option<String>; 4] {
        parts.map(|part| Some(part.to_owned()))
    }

    #[test]
    fn the_last_frame_of_the_first_exception_counts() {
        let of_list = r#"{"$exception_list":[{"type":"TypeError","value":"x is undefined","stacktrace":{"frames":[
            {"function":"main","filename":"a.js","lineno":1},{"function":"click","filename":"b.js","lineno":7}]}},
            {"type":"Other"}],"$exception_type":"Old"}"#;
        let fingerprint = "TypeError: x is undefined @ click b.js";
        assert_eq!(
            parts(of_list),
            some(["TypeError", "x is undefined", "click b.js", fingerprint])
        );
    }

    #[test]
    fn a_fingerprint_of_its_own_stands_above_all() {
        let own =
            r#"{"$exception_fingerprint":"mine","$exception_type":"E","$exception_message":"m"}"#;
        let [of, message, frame, fingerprint] = parts(own);
        assert_eq!((of.as_deref(), message.as_deref(), frame), (Some("E"), Some("m"), None));
        assert_eq!(fingerprint.as_deref(), Some("mine"));
    }

    #[test]
    fn whatever_an_sdk_sends_is_some_issue() {
        for odd in [
            r#"{}"#,
            r#"{"$exception_list":[]}"#,
            r#"{"$exception_list":"x","$exception_fingerprint":""}"#,
            r#"{"$exception_list":[{"stacktrace":{"frames":[]}}]}"#,
        ] {
            assert_eq!(parts(odd), [None, None, None, Some(String::new())], "{odd}");
        }
    }
}
