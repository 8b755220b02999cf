//! Functions of SQL that insights use, and that anybody may.
//!
//! `docs/insights.md` has the same as macros of DuckDB, so that what an insight shows runs there too.

mod bucket;
mod epoch;
mod exception;
mod moment;
mod number;
mod semver;

pub(crate) use self::moment::told;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;

/// Adds them to a session.
pub(crate) fn register(context: &SessionContext) {
    context.register_udf(ScalarUDF::from(bucket::BucketOf::default()));
    context.register_udf(ScalarUDF::from(moment::Moment::default()));
    context.register_udf(ScalarUDF::from(number::NumberOf::default()));
    context.register_udf(ScalarUDF::from(semver::Semver::default()));
    context.register_udf(ScalarUDF::from(epoch::EpochMicros::default()));
    for part in exception::Part::ALL {
        context.register_udf(ScalarUDF::from(exception::ExceptionPart::new(part)));
    }
}
