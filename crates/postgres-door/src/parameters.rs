//! Values that clients bind to parameters.

use std::sync::Arc;

use arrow_pg::datatypes::df::deserialize_parameters;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{ParamValues, ScalarValue};
use pgwire::api::Type;
use pgwire::api::portal::{Format, Portal};
use pgwire::api::stmt::StoredStatement;
use pgwire::error::PgWireResult;

use crate::error::wrong;
use crate::rows::Column;

/// PostgreSQL's type of a parameter: what the client says, else what the statement needs, else text.
pub(crate) fn told(declared: Option<&Type>, needed: Option<&DataType>) -> Type {
    match (said(declared), needed) {
        (Some(kind), _) => kind.clone(),
        (None, Some(needed)) => {
            let field = datafusion::arrow::datatypes::Field::new("", needed.clone(), true);
            Column::of(&field).kind
        }
        (None, None) => Type::TEXT,
    }
}

/// What the client says of a type, unless that it does not know.
fn said(declared: Option<&Type>) -> Option<&Type> {
    declared.filter(|kind| **kind != Type::UNKNOWN)
}

/// A NULL of the type that a parameter will have, by which an answer can be described.
pub(crate) fn null(
    declared: Option<&Type>,
    needed: Option<&DataType>,
) -> PgWireResult<ScalarValue> {
    let kind = match (said(declared), needed) {
        (_, Some(needed)) => needed.clone(),
        (Some(declared), None) => of_type(declared),
        (None, None) => DataType::Utf8,
    };
    ScalarValue::try_from(&kind).map_err(|error| wrong("42P18", error.to_string()))
}

/// The value of a parameter.
pub(crate) fn value<S>(
    portal: &Portal<S>,
    index: usize,
    declared: Option<&Type>,
    needed: Option<&DataType>,
) -> PgWireResult<ScalarValue> {
    let Some(bytes) = portal.parameters.get(index).and_then(Option::as_ref) else {
        return null(declared, needed);
    };
    let kind = told(declared, needed);
    match portal.parameter_format.is_binary(index) {
        true => binary(bytes, &kind, needed),
        false => {
            let text =
                std::str::from_utf8(bytes).map_err(|_| wrong("22021", "text must be UTF-8"))?;
            from_text(text, said(declared), needed)
        }
    }
}

fn from_text(
    text: &str,
    declared: Option<&Type>,
    needed: Option<&DataType>,
) -> PgWireResult<ScalarValue> {
    let target = match (needed, declared) {
        (Some(needed), _) => needed.clone(),
        (None, Some(declared)) => of_type(declared),
        (None, None) => DataType::Utf8,
    };
    if matches!(target, DataType::List(_)) {
        let kind = told(declared, needed);
        return library(text.as_bytes(), Format::UnifiedText, kind, needed);
    }
    let hyphenated = declared.filter(|kind| **kind == Type::UUID).and_then(|_| hyphenated(text));
    let text = hyphenated.as_deref().unwrap_or(text);
    // PostgreSQL writes an offset of whole hours without minutes.
    let text = match (&target, text.rsplit_once(['+', '-'])) {
        (DataType::Timestamp(..), Some((_, offset))) if text.contains(':') && offset.len() == 2 => {
            format!("{text}:00")
        }
        _ => text.to_owned(),
    };
    let value = ScalarValue::Utf8(Some(text));
    value.cast_to(&target).map_err(|error| wrong("22P02", error.strip_backtrace()))
}

/// A uuid as the lake has it; drivers may send its digits alone, or capital ones.
fn hyphenated(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let digits = digits.to_ascii_lowercase();
    let part = |range: std::ops::Range<usize>| digits.get(range);
    let parts = [part(0..8)?, part(8..12)?, part(12..16)?, part(16..20)?, part(20..32)?];
    (digits.len() == 32).then(|| parts.join("-"))
}

fn binary(bytes: &[u8], kind: &Type, needed: Option<&DataType>) -> PgWireResult<ScalarValue> {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => from_text(text, Some(&Type::TEXT), needed),
        Err(_) => Err(wrong("22021", "text must be UTF-8")),
    };
    match *kind {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON => text(bytes),
        Type::JSONB => text(bytes.get(1..).unwrap_or_default()),
        Type::UUID => {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let part = |range: std::ops::Range<usize>| digits.get(range).map(<[String]>::concat);
            let parts = [part(0..4), part(4..6), part(6..8), part(8..10), part(10..16)];
            let parts: Option<Vec<String>> = parts.into_iter().collect();
            let parts = parts.filter(|_| bytes.len() == 16);
            let uuid = parts.ok_or_else(|| wrong("22P03", "a uuid has 16 bytes"))?.join("-");
            text(uuid.as_bytes())
        }
        _ => library(bytes, Format::UnifiedBinary, kind.clone(), needed),
    }
}

/// A value as the library reads it.
fn library(
    bytes: &[u8],
    format: Format,
    kind: Type,
    needed: Option<&DataType>,
) -> PgWireResult<ScalarValue> {
    let mut portal = Portal::<()>::default();
    portal.statement = Arc::new(StoredStatement::new(String::new(), (), vec![Some(kind)]));
    portal.parameter_format = format;
    portal.parameters = vec![Some(bytes.to_vec().into())];
    let ParamValues::List(mut values) = deserialize_parameters(&portal, &[needed])? else {
        return Err(wrong("XX000", "a parameter was lost"));
    };
    let value = values.pop().ok_or_else(|| wrong("XX000", "a parameter was lost"))?.value;
    match needed.filter(|needed| value.data_type() != **needed) {
        Some(needed) => {
            value.cast_to(needed).map_err(|error| wrong("22P02", error.strip_backtrace()))
        }
        None => Ok(value),
    }
}

/// The engine's type of a type that a client says.
fn of_type(kind: &Type) -> DataType {
    let list = |item| {
        DataType::List(Arc::new(datafusion::arrow::datatypes::Field::new("item", item, true)))
    };
    match *kind {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 | Type::OID => DataType::Int32,
        Type::INT8 => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::NUMERIC => DataType::Decimal128(38, 10),
        Type::DATE => DataType::Date32,
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        Type::BOOL_ARRAY => list(DataType::Boolean),
        Type::INT2_ARRAY => list(DataType::Int16),
        Type::INT4_ARRAY => list(DataType::Int32),
        Type::INT8_ARRAY => list(DataType::Int64),
        Type::FLOAT8_ARRAY => list(DataType::Float64),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY => list(DataType::Utf8),
        _ => DataType::Utf8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        bytes: &[u8],
        is_binary: bool,
        declared: Option<Type>,
        needed: Option<DataType>,
    ) -> ScalarValue {
        let mut portal = Portal::<()>::default();
        portal.parameter_format =
            if is_binary { Format::UnifiedBinary } else { Format::UnifiedText };
        portal.parameters = vec![Some(bytes.to_vec().into())];
        value(&portal, 0, declared.as_ref(), needed.as_ref()).unwrap()
    }

    #[test]
    fn text_becomes_what_is_needed() {
        assert_eq!(of(b"7", false, None, Some(DataType::Int64)), ScalarValue::Int64(Some(7)));
        assert_eq!(of(b"x", false, None, None), ScalarValue::Utf8(Some("x".into())));
        assert_eq!(of(b"7", false, Some(Type::INT4), None), ScalarValue::Int32(Some(7)));
        let uuid = of(b"0F0e0d0c0b0a09080706050403020100", false, Some(Type::UUID), None);
        let known = "0f0e0d0c-0b0a-0908-0706-050403020100";
        assert_eq!(uuid, ScalarValue::Utf8(Some(known.into())));
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let micros = |text: &[u8]| match of(text, false, None, Some(utc.clone())) {
            ScalarValue::TimestampMicrosecond(Some(micros), _) => micros,
            other => panic!("{other:?}"),
        };
        assert_eq!(micros(b"1970-01-02"), 86_400_000_000);
        assert_eq!(micros(b"1970-01-01 02:00:00+01"), 3_600_000_000);
        assert_eq!(micros(b"1970-01-01T01:00:00.5Z"), 3_600_500_000);
    }

    #[test]
    fn bytes_become_what_they_are() {
        let seven = 7_i32.to_be_bytes();
        assert_eq!(of(&seven, true, Some(Type::INT4), None), ScalarValue::Int32(Some(7)));
        assert_eq!(
            of(&seven, true, Some(Type::INT4), Some(DataType::Int64)),
            ScalarValue::Int64(Some(7))
        );
        let uuid = of(&[0x12; 16], true, Some(Type::UUID), None);
        assert_eq!(uuid, ScalarValue::Utf8(Some("12121212-1212-1212-1212-121212121212".into())));
        let json = of(b"\x01{}", true, Some(Type::JSONB), None);
        assert_eq!(json, ScalarValue::Utf8(Some("{}".into())));
    }
}
