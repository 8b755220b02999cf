//! `bucket('day', timestamp, 'Europe/Berlin')`: when the span began that a moment is in.
//!
//! The spans are `minute`, `hour`, `day`, `week` (from Sunday), `week_monday` and `month`.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{ScalarValue, exec_datafusion_err, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::interval::{Bucket, Calendar, Interval, WeekStart};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct BucketOf(Signature);

impl Default for BucketOf {
    fn default() -> Self {
        Self(Signature::any(3, Volatility::Immutable))
    }
}

/// UTC, as the lake writes it.
fn moments() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl ScalarUDFImpl for BucketOf {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "bucket"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [_, DataType::Timestamp(..), _] => Ok(moments()),
            _ => plan_err!("bucket takes a span, a timestamp and a time zone"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [span, times, zone] = args.args.as_slice() else {
            return exec_err!("bucket takes a span, a timestamp and a time zone");
        };
        let calendar = calendar(text(span)?, text(zone)?)?;
        match times {
            ColumnarValue::Array(times) => Ok(ColumnarValue::Array(buckets(&calendar, times)?)),
            ColumnarValue::Scalar(time) => {
                let bucket = buckets(&calendar, &time.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&bucket, 0)?))
            }
        }
    }
}

fn text(value: &ColumnarValue) -> Result<&str> {
    match value {
        ColumnarValue::Scalar(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)),
        ) => Ok(text),
        _ => exec_err!("the span and the time zone of bucket are texts, the same for every row"),
    }
}

fn calendar(span: &str, zone: &str) -> Result<Calendar> {
    let (interval, week_start) = match span {
        "minute" => (Interval::Minute, WeekStart::Sunday),
        "hour" => (Interval::Hour, WeekStart::Sunday),
        "day" => (Interval::Day, WeekStart::Sunday),
        "week" => (Interval::Week, WeekStart::Sunday),
        "week_monday" => (Interval::Week, WeekStart::Monday),
        "month" => (Interval::Month, WeekStart::Sunday),
        other => return exec_err!("{other} is no span of bucket"),
    };
    let zone = TimeZone::get(zone).map_err(|error| exec_datafusion_err!("{error}"))?;
    Ok(Calendar { interval, week_start, zone })
}

/// Rows that follow each other are mostly of one span, so the last one is asked first.
fn buckets(calendar: &Calendar, times: &ArrayRef) -> Result<ArrayRef> {
    let times = cast(times, &moments())?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let mut starts = PrimitiveBuilder::<TimestampMicrosecondType>::with_capacity(times.len())
        .with_data_type(moments());
    let mut last: Option<(i64, i64)> = None;
    for row in 0..times.len() {
        if times.is_null(row) {
            starts.append_null();
            continue;
        }
        let time = times.value(row);
        let bucket = match last.filter(|(start, end)| (*start..*end).contains(&time)) {
            Some(known) => known,
            None => micros(bucket(calendar, time)?),
        };
        starts.append_value(bucket.0);
        last = Some(bucket);
    }
    Ok(Arc::new(starts.finish()))
}

fn bucket(calendar: &Calendar, micros: i64) -> Result<Bucket> {
    Timestamp::from_microsecond(micros)
        .and_then(|time| calendar.bucket(time))
        .map_err(|error| exec_datafusion_err!("{error}"))
}

fn micros(bucket: Bucket) -> (i64, i64) {
    (bucket.start.as_microsecond(), bucket.end.as_microsecond())
}
