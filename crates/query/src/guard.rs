//! What may be asked: queries, and nothing that changes anything.

use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;

use crate::Error;

/// Refuses a plan that writes, defines, sets or copies.
pub(crate) fn check(plan: &LogicalPlan) -> Result<(), Error> {
    let read_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    read_only.verify_plan(plan).map_err(|_| refusal())
}

/// Why a statement is refused before it is planned, if it is.
///
/// Planning some statements already touches what they name, so these never reach the planner.
pub(crate) fn check_text(sql: &str) -> Result<(), Error> {
    let first_word = first_word(sql);
    let asks = ["select", "with", "explain", "describe", "desc", "show", "values", "table", "("];
    match asks.iter().any(|word| first_word.eq_ignore_ascii_case(word)) {
        true => Ok(()),
        false => Err(refusal()),
    }
}

fn refusal() -> Error {
    Error::Refused("only read-only queries (SELECT, WITH, VALUES, SHOW, DESCRIBE, EXPLAIN)".into())
}

/// The first word behind white space and comments.
fn first_word(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start()
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest).trim_start()
        } else {
            break;
        };
    }
    if rest.starts_with('(') {
        return "(";
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_hide_no_statement() {
        assert!(check_text("-- hello\n /* there */ SELECT 1").is_ok());
        assert!(check_text("(select 1)").is_ok());
        assert!(check_text("-- select\ndrop table events").is_err());
        assert!(check_text("/* select */ copy events to '/tmp/x'").is_err());
        assert!(check_text("").is_err());
        assert!(check_text("-- select").is_err());
    }
}
