//! Functions that clients call and the engine does not have, or answers as somebody else.

use std::any::Any;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use super::{DATABASE, SCHEMA};
use crate::settings::SERVER_VERSION;

/// All of them, for a user with these settings.
pub(super) fn all(user: &str, settings: &BTreeMap<String, String>) -> Vec<ScalarUDF> {
    let text = |value: &str| ScalarValue::from(value);
    let nothing = || ScalarValue::Utf8(None);
    let version = format!("PostgreSQL {SERVER_VERSION} (Hogflare {})", env!("CARGO_PKG_VERSION"));
    let constants = [
        ("version", text(&version)),
        ("current_database", text(DATABASE)),
        ("current_catalog", text(DATABASE)),
        ("current_schema", text(SCHEMA)),
        ("current_user", text(user)),
        ("current_role", text(user)),
        ("session_user", text(user)),
        ("user", text(user)),
        ("pg_get_userbyid", text(user)),
        ("pg_is_in_recovery", ScalarValue::from(false)),
        ("pg_table_is_visible", ScalarValue::from(true)),
        ("pg_type_is_visible", ScalarValue::from(true)),
        ("pg_function_is_visible", ScalarValue::from(true)),
        ("pg_relation_is_publishable", ScalarValue::from(false)),
        ("has_any_column_privilege", ScalarValue::from(true)),
        ("has_column_privilege", ScalarValue::from(true)),
        ("has_database_privilege", ScalarValue::from(true)),
        ("has_function_privilege", ScalarValue::from(true)),
        ("has_schema_privilege", ScalarValue::from(true)),
        ("has_table_privilege", ScalarValue::from(true)),
        ("obj_description", nothing()),
        ("shobj_description", nothing()),
        ("col_description", nothing()),
        ("pg_get_expr", nothing()),
        ("pg_get_viewdef", nothing()),
        ("pg_get_indexdef", nothing()),
        ("pg_get_ruledef", nothing()),
        ("pg_get_triggerdef", nothing()),
        ("pg_get_serial_sequence", nothing()),
        ("pg_get_function_result", nothing()),
        ("pg_get_function_arguments", nothing()),
        ("inet_server_addr", nothing()),
        ("pg_database_size", ScalarValue::from(0_i64)),
        ("pg_table_size", ScalarValue::from(0_i64)),
        ("pg_relation_size", ScalarValue::from(0_i64)),
        ("pg_total_relation_size", ScalarValue::from(0_i64)),
        ("pg_indexes_size", ScalarValue::from(0_i64)),
        ("txid_current", ScalarValue::from(1_i64)),
    ];
    let constants = constants.map(|(name, value)| function(name, Does::Constant(value)));
    let others = [
        function("current_setting", Does::Setting(settings.clone())),
        function("set_config", Does::Second),
        function("format", Does::Format),
    ];
    constants.into_iter().chain(others).collect()
}

/// What a function does with its arguments, whatever they are.
#[derive(Clone, Debug, PartialEq)]
enum Does {
    /// Gives the same always.
    Constant(ScalarValue),
    /// Gives the value of the setting that is named first.
    Setting(BTreeMap<String, String>),
    /// Gives the second argument.
    Second,
    /// Fills the first argument's places with the others.
    Format,
}

#[derive(Debug)]
struct Function {
    name: &'static str,
    does: Does,
    signature: Signature,
}

fn function(name: &'static str, does: Does) -> ScalarUDF {
    let any = TypeSignature::OneOf(vec![TypeSignature::Nullary, TypeSignature::VariadicAny]);
    let signature = Signature::new(any, Volatility::Stable);
    ScalarUDF::new_from_impl(Function { name, does, signature })
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.does == other.does
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match &self.does {
            Does::Constant(value) => value.data_type(),
            _ => DataType::Utf8,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Does::Constant(value) = &self.does {
            return Ok(ColumnarValue::Scalar(value.clone()));
        }
        let rows = args.number_rows;
        let arrays = args.args.iter().map(|arg| {
            let array = arg.to_array(rows)?;
            Ok(cast(&array, &DataType::Utf8)?)
        });
        let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
        let texts: Vec<&StringArray> =
            arrays.iter().map(|array| array.as_string::<i32>()).collect();
        let made = (0..rows).map(|row| {
            let given = texts.iter().map(|texts| texts.is_valid(row).then(|| texts.value(row)));
            self.make(&given.collect::<Vec<_>>())
        });
        Ok(ColumnarValue::Array(Arc::new(made.collect::<Result<StringArray>>()?)))
    }
}

impl Function {
    fn make(&self, given: &[Option<&str>]) -> Result<Option<String>> {
        let first = given.first().copied().flatten();
        match (&self.does, first) {
            (Does::Setting(settings), Some(name)) => {
                let found = settings.get(&name.to_ascii_lowercase()).cloned();
                match found {
                    None if given.len() < 2 => Err(DataFusionError::Plan(format!(
                        "unrecognized configuration parameter \"{name}\""
                    ))),
                    found => Ok(found),
                }
            }
            (Does::Second, _) => Ok(given.get(1).copied().flatten().map(str::to_owned)),
            (Does::Format, Some(pattern)) => {
                Ok(Some(format_text(pattern, given.get(1..).unwrap_or_default())))
            }
            _ => Ok(None),
        }
    }
}

/// PostgreSQL's `format`, without its positions and widths.
fn format_text(pattern: &str, values: &[Option<&str>]) -> String {
    let mut made = String::with_capacity(pattern.len());
    let mut values = values.iter().copied();
    let mut rest = pattern.chars();
    while let Some(next) = rest.next() {
        if next != '%' {
            made.push(next);
            continue;
        }
        match rest.next() {
            Some('s') => made.push_str(values.next().flatten().unwrap_or_default()),
            Some('I') => made.push_str(&identifier(values.next().flatten().unwrap_or_default())),
            Some('L') => match values.next().flatten() {
                Some(value) => made.push_str(&format!("'{}'", value.replace('\'', "''"))),
                None => made.push_str("NULL"),
            },
            Some(other) => made.push(other),
            None => made.push('%'),
        }
    }
    made
}

fn identifier(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match !name.is_empty() && name.chars().all(is_plain) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_as_postgresql_does() {
        let values = [Some("public"), Some("My \"table\""), Some("it's"), None];
        assert_eq!(
            format_text("%s.%I = %L, %L %%", &values),
            "public.\"My \"\"table\"\"\" = 'it''s', NULL %"
        );
    }
}
