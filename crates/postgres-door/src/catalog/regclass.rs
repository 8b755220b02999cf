//! `'events'::regclass`: the number of a relation by its name.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Statement, Value, VisitMut, VisitorMut};

/// Tables of the catalog that others refer to, as PostgreSQL numbers them.
pub(super) const CATALOG: &[(&str, i32)] = &[
    ("pg_attribute", 1249),
    ("pg_class", 1259),
    ("pg_constraint", 2606),
    ("pg_database", 1262),
    ("pg_description", 2609),
    ("pg_namespace", 2615),
    ("pg_proc", 1255),
    ("pg_type", 1247),
];

/// Puts numbers in place of names; a name that is none becomes 0, which no relation has.
pub(super) fn resolve(mut statement: Statement, oids: &BTreeMap<String, i32>) -> Statement {
    match statement.visit(&mut Names { oids }) {
        ControlFlow::Continue(()) | ControlFlow::Break(()) => statement,
    }
}

struct Names<'a> {
    oids: &'a BTreeMap<String, i32>,
}

impl VisitorMut for Names<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        let Expr::Cast { expr, data_type, .. } = &*expression else {
            return ControlFlow::Continue(());
        };
        let kind = data_type.to_string().to_lowercase();
        if kind.trim_start_matches("pg_catalog.") == "regclass" {
            // A name that is worked out is looked up for comments, which no relation has.
            let oid = match expr.as_ref() {
                Expr::Value(value) => match &value.value {
                    Value::SingleQuotedString(name) => self.oid(name),
                    _ => 0,
                },
                _ => 0,
            };
            *expression = Expr::Value(Value::Number(oid.to_string(), false).into());
        }
        ControlFlow::Continue(())
    }
}

impl Names<'_> {
    fn oid(&self, name: &str) -> i32 {
        if let Ok(oid) = name.parse() {
            return oid;
        }
        let name = name.rsplit('.').next().unwrap_or_default().trim_matches('"');
        let ours = self.oids.get(name).copied();
        let known = CATALOG.iter().find(|(known, _)| *known == name).map(|(_, oid)| *oid);
        ours.or(known).unwrap_or_default()
    }
}
