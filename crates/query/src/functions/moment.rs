//! `moment(text, 'Europe/Berlin')`: the time that a property tells, NULL where it tells none.
//!
//! A date, a date and a time, or seconds since 1970. A time without an offset is one of the zone's
//! clocks.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{ScalarValue, exec_datafusion_err, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Moment(Signature);

impl Default for Moment {
    fn default() -> Self {
        Self(Signature::any(2, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Moment {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "moment"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [texts, ColumnarValue::Scalar(ScalarValue::Utf8(Some(zone)))] = args.args.as_slice()
        else {
            return exec_err!("moment takes a text and a time zone");
        };
        let zone = TimeZone::get(zone).map_err(|error| exec_datafusion_err!("{error}"))?;
        match texts {
            ColumnarValue::Array(texts) => Ok(ColumnarValue::Array(moments(texts, &zone)?)),
            ColumnarValue::Scalar(text) => {
                let moments = moments(&text.to_array()?, &zone)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&moments, 0)?))
            }
        }
    }
}

fn moments(texts: &ArrayRef, zone: &TimeZone) -> Result<ArrayRef> {
    let texts = cast(texts, &DataType::Utf8)?;
    let texts = texts.as_string::<i32>();
    let mut moments = PrimitiveBuilder::<TimestampMicrosecondType>::with_capacity(texts.len());
    for row in 0..texts.len() {
        let text = texts.is_valid(row).then(|| texts.value(row));
        moments
            .append_option(text.and_then(|text| told(text, zone)).map(Timestamp::as_microsecond));
    }
    Ok(Arc::new(moments.finish().with_timezone("UTC")))
}

/// Seconds since 1970 as long as those of this century are.
const DIGITS_OF_SECONDS: usize = 10;

/// The time that a text tells.
pub(crate) fn told(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let is_number = text.len() == DIGITS_OF_SECONDS && text.bytes().all(|b| b.is_ascii_digit());
    if is_number {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    let local = |time: DateTime| Some(time.to_zoned(zone.clone()).ok()?.timestamp());
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(local))
        .or_else(|| text.parse::<Date>().ok().and_then(|date| local(date.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_without_an_offset_are_the_zones() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let told = |text| told(text, &zone).map(|time| time.to_string());
        let moment = |text: &str| Some(text.to_owned());
        assert_eq!(told("2026-07-01"), moment("2026-06-30T22:00:00Z"));
        assert_eq!(told("2026-07-01 12:30:00"), moment("2026-07-01T10:30:00Z"));
        assert_eq!(told("2026-07-01T12:30:00Z"), moment("2026-07-01T12:30:00Z"));
        assert_eq!(told("2026-07-01T12:30:00+05:30"), moment("2026-07-01T07:00:00Z"));
        assert_eq!(told("1760000000"), moment("2025-10-09T08:53:20Z"));
        for nothing in ["", "true", "{}", "tomorrow", "12", "2026-13-01"] {
            assert_eq!(told(nothing), None, "{nothing}");
        }
    }
}
