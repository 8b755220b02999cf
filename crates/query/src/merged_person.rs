//! The column `person_id` of `events`: the person that a row belongs to now.
//!
//! It stands where the column would, so whatever does not ask for persons is planned as if there
//! were no overrides; filters on other columns reach the files, and those on this one see the
//! present person. Files are searched for whoever became that person.

use std::any::Any;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringViewArray, StringViewBuilder};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::prelude::{col, lit};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::overrides::Overrides;

/// The present person of a row, by the overrides of one version.
pub(crate) fn merged_person(overrides: Arc<Overrides>) -> Expr {
    let signature =
        Signature::exact(vec![DataType::Int64, DataType::Utf8View], Volatility::Immutable);
    let function = ScalarUDF::from(MergedPerson { signature, overrides });
    function.call(vec![col("team_id"), col("person_id")]).alias("person_id")
}

/// The most ids of a person by which files are searched.
const MOST_IDS: usize = 1_000;

/// What a filter for a present person says of the column in files: the row was written with that person,
/// or with one who became that person. `None` for any other filter.
pub(crate) fn written_with(filter: &Expr) -> Option<Expr> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else {
        return None;
    };
    let (function, wanted) = match (&**left, &**right) {
        (Expr::ScalarFunction(function), Expr::Literal(wanted, _))
        | (Expr::Literal(wanted, _), Expr::ScalarFunction(function)) => (function, wanted),
        _ => return None,
    };
    let merged = function.func.inner().as_any().downcast_ref::<MergedPerson>()?;
    let wanted = wanted.try_as_str().flatten()?;
    let former = Uuid::parse_str(wanted).map(|person| merged.overrides.formerly(person));
    let mut ids = vec![lit(wanted)];
    ids.extend(former.unwrap_or_default().into_iter().map(|id| lit(id.hyphenated().to_string())));
    (ids.len() <= MOST_IDS).then(|| col("person_id").in_list(ids, false))
}

#[derive(Debug)]
struct MergedPerson {
    signature: Signature,
    overrides: Arc<Overrides>,
}

/// Alike are those of the same overrides.
impl PartialEq for MergedPerson {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.overrides, &other.overrides)
    }
}

impl Eq for MergedPerson {}

impl Hash for MergedPerson {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.overrides).hash(state);
    }
}

impl ScalarUDFImpl for MergedPerson {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &'static str {
        "merged_person"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let [teams, persons] = columns.as_slice() else {
            return exec_err!("a person is resolved by project and id");
        };
        let (Some(teams), Some(ids)) =
            (teams.as_primitive_opt::<Int64Type>(), persons.as_string_view_opt())
        else {
            return exec_err!("a person is resolved by a number and a text");
        };
        Ok(ColumnarValue::Array(self.resolve(teams, ids).unwrap_or_else(|| Arc::clone(persons))))
    }
}

impl MergedPerson {
    /// The column with present persons; `None` where all are as they were written.
    fn resolve(&self, teams: &Int64Array, ids: &StringViewArray) -> Option<ArrayRef> {
        let present: Vec<Option<Uuid>> =
            (0..ids.len()).map(|row| self.present(teams, ids, row)).collect();
        if present.iter().all(Option::is_none) {
            return None;
        }
        let mut column = StringViewBuilder::with_capacity(ids.len());
        let mut text = [0; Hyphenated::LENGTH];
        for (row, person) in present.into_iter().enumerate() {
            match person {
                Some(person) => column.append_value(person.hyphenated().encode_lower(&mut text)),
                None => column.append_option(ids.is_valid(row).then(|| ids.value(row))),
            }
        }
        Some(Arc::new(column.finish()))
    }

    fn present(&self, teams: &Int64Array, ids: &StringViewArray, row: usize) -> Option<Uuid> {
        let is_known = teams.is_valid(row) && ids.is_valid(row);
        let person = is_known.then(|| Uuid::parse_str(ids.value(row)).ok()).flatten()?;
        self.overrides.person(teams.value(row), person)
    }
}
