//! What may be asked: queries, and nothing that changes anything.

use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::{Error, as_meant};

/// Links of all chains of operators together, `a OR b OR c` having two.
const MOST_LINKS: usize = 1_000;

/// Refuses a statement whose chains of operators are so long that a thread's stack would not do for it.
///
/// The parser makes a tree of them that is as deep as they are long, whatever its limit of recursion, and
/// whoever copies such a tree, or only lets go of it, needs stack for each level.
///
/// # Errors
/// [`Error::Invalid`], which names the limit.
pub fn check_chains(sql: &str) -> Result<(), Error> {
    // What is no text of SQL never becomes a tree.
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize() else { return Ok(()) };
    let links = tokens.iter().filter(|token| is_link(token)).count();
    match links <= MOST_LINKS {
        true => Ok(()),
        false => Err(Error::Invalid(format!(
            "the statement has {links} operators (AND, OR, +, ::, UNION and so on), more than {MOST_LINKS}; \
             IN (…) takes a list instead"
        ))),
    }
}

/// Whether an operator may stand behind another one of its kind without end. Names, texts, lists and
/// parentheses do not, and the parser limits what is within what.
fn is_link(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::NOTNULL
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::SIMILAR
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::BETWEEN
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::OVERLAPS
                | Keyword::OPERATOR
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::MINUS
        ),
        Token::EOF
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::Placeholder(_)
        | Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::SemiColon
        | Token::LParen
        | Token::RParen
        | Token::RBracket
        | Token::LBrace
        | Token::RBrace => false,
        _ => true,
    }
}

/// Refuses a plan that writes, defines, sets or copies, or means what it does not say.
pub(crate) fn check(plan: &LogicalPlan) -> Result<(), Error> {
    let read_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    read_only.verify_plan(plan).map_err(|_| refusal())?;
    as_meant::check_orders(plan)
}

/// Why a statement is refused before it is planned, if it is.
///
/// Planning some statements already touches what they name, so these never reach the planner.
pub(crate) fn check_text(sql: &str) -> Result<(), Error> {
    let first_word = first_word(sql);
    let asks = ["select", "with", "explain", "describe", "desc", "show", "values", "table", "("];
    match asks.iter().any(|word| first_word.eq_ignore_ascii_case(word)) {
        true => check_chains(sql),
        false => Err(refusal()),
    }
}

/// Likewise for a statement that is parsed already.
pub(crate) fn check_statement(statement: &Statement) -> Result<(), Error> {
    match statement {
        Statement::Query(_)
        | Statement::ExplainTable { .. }
        | Statement::ShowTables { .. }
        | Statement::ShowColumns { .. } => Ok(()),
        Statement::Explain { statement, .. } => check_statement(statement),
        _ => Err(refusal()),
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
    fn chains_have_a_limit_and_lists_have_none() {
        let is_fine = |sql: &str| check_chains(sql).is_ok();
        let chain = |link: &str, count| format!("select 1{}", link.repeat(count));
        for link in ["+1", " or a = 1", "::int", "[1]", "->'a'", " union select 1", " is null"] {
            assert!(is_fine(&chain(link, 400)), "{link}");
            assert!(!is_fine(&chain(link, 1_500)), "{link}");
        }
        assert!(is_fine(&format!("select 1 in ({}1)", "1, ".repeat(50_000))));
        assert!(is_fine(&format!("select '{}'", "+".repeat(50_000))));
    }

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
