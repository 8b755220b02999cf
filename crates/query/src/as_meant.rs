//! What is read in another way than it was meant, or passed over, without a word: mended, or refused.

use std::ops::ControlFlow;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::sql::parser;
use datafusion::sql::sqlparser::ast::{
    DataType as SqlType, ExactNumberInfo, Expr as SqlExpr, Statement, TableFactor, VisitMut,
    VisitorMut,
};

use crate::Error;

/// A statement as whoever knows PostgreSQL means it: `FLOAT` has 64 bits.
///
/// # Errors
/// [`Error::Invalid`] for `TABLESAMPLE`, of which nothing would come.
pub(crate) fn statement(statement: &mut parser::Statement) -> Result<(), Error> {
    match statement {
        parser::Statement::Statement(inner) => parsed(inner),
        parser::Statement::Explain(explain) => self::statement(&mut explain.statement),
        _ => Ok(()),
    }
}

/// Likewise.
pub(crate) fn parsed(statement: &mut Statement) -> Result<(), Error> {
    match statement.visit(&mut Mend) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Mend;

impl VisitorMut for Mend {
    type Break = Error;

    fn pre_visit_expr(&mut self, expression: &mut SqlExpr) -> ControlFlow<Error> {
        if let SqlExpr::Cast { data_type, .. } = expression
            && matches!(data_type, SqlType::Float(ExactNumberInfo::None))
        {
            *data_type = SqlType::DoublePrecision;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<Error> {
        match table {
            TableFactor::Table { sample: Some(_), .. } => ControlFlow::Break(Error::Invalid(
                "TABLESAMPLE is not there; WHERE random() < 0.1 takes a tenth".into(),
            )),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Refuses what asks whether a text is more or less than a number: texts would be compared, and
/// `'9' > '100'`.
pub(crate) fn check_orders(plan: &LogicalPlan) -> Result<(), Error> {
    let mut wrong = None;
    plan.apply_with_subqueries(|node| {
        let mut schema = DFSchema::empty();
        node.inputs().iter().for_each(|input| schema.merge(input.schema()));
        if let LogicalPlan::TableScan(scan) = node {
            schema.merge(&scan.projected_schema);
        }
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if wrong.is_none() {
                    wrong = disorder(part, &schema);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    match wrong {
        None => Ok(()),
        Some(text) => Err(Error::Invalid(format!(
            "{text} is a text, and no number is more or less than that; number_of({text}) is its number"
        ))),
    }
}

/// The text that is put in order with a number.
fn disorder(expression: &Expr, schema: &DFSchema) -> Option<String> {
    let ordered: Vec<&Expr> = match expression {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq,
            right,
        }) => vec![left, right],
        Expr::Between(Between { expr, low, high, .. }) => vec![expr, low, high],
        _ => return None,
    };
    // Of what is not known here, like columns of a query around this one, nothing is said.
    let kinds = ordered.iter().map(|one| one.get_type(schema).ok());
    let kinds: Vec<_> = kinds.collect::<Option<_>>()?;
    let text = kinds.iter().position(|kind| kind.is_string())?;
    // A literal is whatever it is compared with.
    let is_literal = matches!(ordered[text], Expr::Literal(..));
    let is_mixed = kinds.iter().any(|kind| kind.is_numeric());
    (is_mixed && !is_literal).then(|| ordered[text].human_display().to_string())
}
