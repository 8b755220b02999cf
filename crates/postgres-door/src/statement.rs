//! What a statement is: a question to the engine, something that is answered here, or refused.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use datafusion::sql::sqlparser::ast::{
    DataType, Expr, ObjectName, Query, Set, Statement, Value, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion_pg_catalog::pg_catalog::PG_CATALOG_TABLES;
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use datafusion_pg_catalog::sql::rules::{
    CurrentUserVariableToSessionUserFunctionCall, FixArrayLiteral, RemoveQualifier,
    RemoveUnsupportedTypes, RewriteArrayAnyAllOperation, SqlStatementRewriteRule,
};
use pgwire::error::{PgWireError, PgWireResult};

use crate::error::wrong;

/// Longest text of statements.
pub(crate) const LONGEST: usize = 256 << 10;

/// One statement.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// There is none.
    Nothing,
    /// It is asked of the engine.
    Ask(Box<Question>),
    /// The value of a setting, or of all.
    Show(Option<String>),
    /// A setting gets a value, or its default.
    Set(String, Option<String>),
    /// All settings get their defaults; with what to answer.
    Reset(&'static str),
    /// Begins a transaction, which nothing depends on; with what to answer.
    Begin(&'static str),
    /// Ends it.
    End(&'static str),
    /// A prepared statement is given up, or all are.
    Deallocate(Option<String>),
    /// Nothing is done; with what to answer.
    Done(&'static str),
}

/// A statement for the engine.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// As it was asked.
    pub(crate) text: String,
    /// As the engine understands it.
    pub(crate) statement: Statement,
}

static COMPATIBLE: LazyLock<PostgresCompatibilityParser> =
    LazyLock::new(PostgresCompatibilityParser::new);

/// Understands statements.
///
/// # Errors
/// When one is none, or writes.
pub(crate) fn understand(text: &str) -> PgWireResult<Vec<Action>> {
    if text.len() > LONGEST {
        return Err(wrong("54000", format!("the statement is longer than {LONGEST} bytes")));
    }
    query::check_chains(text).map_err(|error| wrong("54001", error.to_string()))?;
    if let Some(action) = by_words(text) {
        return Ok(vec![action]);
    }
    let statements = match Parser::parse_sql(&PostgreSqlDialect {}, text) {
        Ok(statements) => statements,
        // What clients ask of the catalog may have parts that only they use.
        Err(error) => match COMPATIBLE.parse(text) {
            Ok(found)
                if !found.is_empty() && found.iter().all(|one| asks(one) == Asks::Catalog) =>
            {
                return Ok(found.into_iter().map(|one| question(text, one)).collect());
            }
            _ => return Err(wrong("42601", error.to_string())),
        },
    };
    let is_one = statements.len() == 1;
    statements.into_iter().map(|one| action(text, one, is_one)).collect()
}

/// Statements that the parser does not know.
fn by_words(text: &str) -> Option<Action> {
    let text = text.trim().trim_end_matches(';');
    let words: Vec<String> = text.split_whitespace().take(4).map(str::to_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Some(Action::Nothing),
        ["reset", "all"] => Some(Action::Reset("RESET")),
        ["reset", name] => Some(Action::Set((*name).to_owned(), None)),
        ["discard", "all"] => Some(Action::Reset("DISCARD ALL")),
        ["discard", "plans" | "sequences" | "temp" | "temporary"] => Some(Action::Done("DISCARD")),
        ["set", "session", "characteristics", "as"] => Some(Action::Done("SET")),
        ["set", "transaction", ..] if !text.contains(';') => Some(Action::Done("SET")),
        ["abort"] => Some(Action::End("ROLLBACK")),
        ["unlisten", "*"] => Some(Action::Done("UNLISTEN")),
        _ => None,
    }
}

fn action(text: &str, statement: Statement, is_one: bool) -> PgWireResult<Action> {
    Ok(match statement {
        Statement::Query(_)
        | Statement::Explain { .. }
        | Statement::ExplainTable { .. }
        | Statement::ShowTables { .. }
        | Statement::ShowColumns { .. } => {
            let text = if is_one { text.to_owned() } else { statement.to_string() };
            let statement = understood(&text, statement)?;
            question(&text, statement)
        }
        Statement::ShowVariable { variable } => {
            let name: Vec<String> = variable.iter().map(|part| part.value.to_lowercase()).collect();
            match name.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["all"] => Action::Show(None),
                ["transaction", "isolation", "level"] => {
                    Action::Show(Some("transaction_isolation".into()))
                }
                ["time", "zone"] => Action::Show(Some("timezone".into())),
                _ => Action::Show(Some(name.join("."))),
            }
        }
        Statement::Set(set) => setting(set)?,
        // One that is to write begins all the same, and fails when it does.
        Statement::StartTransaction { begin, statements, .. } if statements.is_empty() => {
            Action::Begin(if begin { "BEGIN" } else { "START TRANSACTION" })
        }
        Statement::Commit { chain: false, .. } => Action::End("COMMIT"),
        Statement::Rollback { chain: false, savepoint: None } => Action::End("ROLLBACK"),
        Statement::Rollback { .. } => Action::Done("ROLLBACK"),
        Statement::Savepoint { .. } => Action::Done("SAVEPOINT"),
        Statement::ReleaseSavepoint { .. } => Action::Done("RELEASE"),
        Statement::Deallocate { name, .. } => {
            let is_all = name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all");
            Action::Deallocate((!is_all).then_some(name.value))
        }
        other => return Err(refused(&other)),
    })
}

fn question(text: &str, mut statement: Statement) -> Action {
    let is_of_catalog = asks(&statement) == Asks::Catalog;
    let gone_through = VisitMut::visit(&mut statement, &mut Mended { is_of_catalog });
    debug_assert!(gone_through.is_continue(), "nothing ends it early");
    Action::Ask(Box::new(Question { text: text.to_owned(), statement }))
}

/// A statement as the engine understands it.
fn understood(text: &str, statement: Statement) -> PgWireResult<Statement> {
    if asks(&statement) == Asks::Catalog {
        // What clients ask of the catalog is mended without asking whether it means the same: parts that
        // the engine cannot answer become NULL there, which no answer from the lake may.
        let parsed = COMPATIBLE.parse(text);
        let mut found = parsed.map_err(|error| wrong("42601", error.to_string()))?;
        return match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Ok(statement),
        };
    }
    let rules: [&dyn SqlStatementRewriteRule; 5] = [
        &RewriteArrayAnyAllOperation,
        &RemoveQualifier,
        &RemoveUnsupportedTypes::new(),
        &FixArrayLiteral,
        &CurrentUserVariableToSessionUserFunctionCall,
    ];
    Ok(rules.iter().fold(statement, |statement, rule| rule.rewrite(statement)))
}

/// Puts into a statement what the engine takes for what clients write.
struct Mended {
    is_of_catalog: bool,
}

impl VisitorMut for Mended {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        match expression {
            // PostgreSQL takes a time of day without seconds.
            Expr::TypedString(typed) if matches!(typed.data_type, DataType::Timestamp(..)) => {
                if let Value::SingleQuotedString(text) = &mut typed.value.value
                    && let Some(with_seconds) = with_seconds(text)
                {
                    *text = with_seconds;
                }
            }
            // Of options of relations, of which there are none.
            Expr::Function(call) if self.is_of_catalog => {
                let name = call.name.to_string().to_lowercase();
                if name.trim_start_matches("pg_catalog.") == "array_to_string" {
                    *expression = Expr::Value(Value::Null.into());
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// `2026-01-01 10:30Z` with its seconds; `None` where it has them, or no time.
fn with_seconds(text: &str) -> Option<String> {
    let (date, time) = text.trim().split_once([' ', 'T'])?;
    let end = time.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(end)?;
    (clock.matches(':').count() == 1 && !zone.starts_with('.'))
        .then(|| format!("{date} {clock}:00{zone}"))
}

/// What a statement asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// The catalog alone.
    Catalog,
    /// The lake, or nothing that has rows.
    Lake,
}

fn asks(statement: &Statement) -> Asks {
    let mut relations = Relations::default();
    let visited = statement.visit(&mut relations);
    let Relations { catalog, other, named } = relations;
    match visited.is_continue() && catalog && other.is_subset(&named) {
        true => Asks::Catalog,
        false => Asks::Lake,
    }
}

/// What a statement takes rows from.
#[derive(Default)]
struct Relations {
    catalog: bool,
    other: BTreeSet<String>,
    /// What it names itself, by `WITH`.
    named: BTreeSet<String>,
}

impl Visitor for Relations {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.named.extend(tables.map(|table| table.alias.name.value.to_lowercase()));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let parts = relation.0.iter().filter_map(|part| part.as_ident());
        let parts: Vec<String> = parts.map(|part| part.value.to_lowercase()).collect();
        let is_known = |name: &str| PG_CATALOG_TABLES.contains(&name);
        let is_set = |name: &str| ["generate_series", "unnest", "pg_get_keywords"].contains(&name);
        let (name, qualifiers) =
            parts.split_last().map_or(("", &[][..]), |(name, rest)| (name, rest));
        let is_qualified = qualifiers
            .iter()
            .any(|schema| schema == "pg_catalog" || schema == "information_schema");
        match (is_qualified, qualifiers.is_empty()) {
            (true, _) => self.catalog = true,
            (false, true) if is_known(name) => self.catalog = true,
            (false, true) if is_set(name) => {}
            _ => {
                self.other.insert(parts.join("."));
            }
        }
        ControlFlow::Continue(())
    }
}

fn setting(set: Set) -> PgWireResult<Action> {
    Ok(match set {
        Set::SingleAssignment { variable, values, .. } => {
            let values: Vec<String> = values.iter().map(text_of).collect();
            let value = values.join(", ");
            let is_default = value.eq_ignore_ascii_case("default");
            Action::Set(variable.to_string(), (!is_default).then_some(value))
        }
        Set::SetTimeZone { value, .. } => Action::Set("timezone".into(), Some(text_of(&value))),
        Set::SetNames { charset_name, .. } => {
            Action::Set("client_encoding".into(), Some(charset_name.value))
        }
        Set::SetNamesDefault {} => Action::Set("client_encoding".into(), None),
        Set::SetTransaction { .. } => Action::Done("SET"),
        other => return Err(wrong("42501", format!("SET {other}: nobody may"))),
    })
}

/// The text that a setting is given.
fn text_of(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::Identifier(name) => name.value.clone(),
        other => other.to_string(),
    }
}

/// What is not a question.
fn refused(statement: &Statement) -> PgWireError {
    let text = statement.to_string();
    let command = text.split_whitespace().next().unwrap_or_default().to_uppercase();
    match statement {
        Statement::Copy { .. } | Statement::CopyIntoSnowflake { .. } => {
            wrong("42501", "COPY is not possible: ask with SELECT, or over HTTP (POST /api/sql)")
        }
        Statement::Prepare { .. }
        | Statement::Execute { .. }
        | Statement::Declare { .. }
        | Statement::Fetch { .. }
        | Statement::Close { .. }
        | Statement::LISTEN { .. }
        | Statement::NOTIFY { .. }
        | Statement::UNLISTEN { .. } => wrong("0A000", format!("{command} is not possible here")),
        _ => wrong(
            "25006",
            format!("cannot execute {command}: nothing can be changed here, only read"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Action {
        understand(text).unwrap().remove(0)
    }

    fn code(text: &str) -> String {
        match understand(text).unwrap_err() {
            PgWireError::UserError(info) => info.code,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn questions_are_asked_and_settings_kept() {
        assert!(matches!(one("select 1"), Action::Ask(_)));
        assert!(matches!(one("-- x\nselect 1"), Action::Ask(_)));
        assert!(matches!(one(""), Action::Nothing));
        assert!(matches!(one("BEGIN"), Action::Begin("BEGIN")));
        assert!(matches!(one("begin isolation level read committed"), Action::Begin(_)));
        assert!(matches!(one("COMMIT"), Action::End("COMMIT")));
        assert!(matches!(one("abort"), Action::End("ROLLBACK")));
        assert!(
            matches!(one("show search_path"), Action::Show(Some(name)) if name == "search_path")
        );
        let set = one("SET extra_float_digits = 3");
        assert!(
            matches!(set, Action::Set(name, Some(value)) if name == "extra_float_digits" && value == "3")
        );
        assert!(matches!(one("SET TIME ZONE 'UTC'"), Action::Set(name, _) if name == "timezone"));
        assert!(matches!(one("RESET ALL"), Action::Reset("RESET")));
        assert!(matches!(one("deallocate all"), Action::Deallocate(None)));
    }

    #[test]
    fn what_writes_is_refused() {
        for text in [
            "insert into events values (1)",
            "update events set event = 'x'",
            "delete from events",
            "create table x as select 1",
            "create external table x stored as csv location '/etc/passwd'",
            "drop view events",
            "truncate events",
            "alter table events add column x int",
            "vacuum",
            "grant select on events to public",
        ] {
            assert!(["25006", "42601"].contains(&code(text).as_str()), "{text}");
        }
        assert_eq!(code("copy events to '/tmp/x'"), "42501");
        assert_eq!(code("copy events to stdout"), "42501");
        assert_eq!(code("prepare x as select 1"), "0A000");
        assert_eq!(code("select"), "42601");
        assert_eq!(code(&"x".repeat(LONGEST + 1)), "54000");
    }

    #[test]
    fn times_of_day_get_their_seconds() {
        let of = |text: &str| with_seconds(text).unwrap_or_else(|| text.to_owned());
        assert_eq!(of("2026-01-01 10:30Z"), "2026-01-01 10:30:00Z");
        assert_eq!(of("2026-01-01T10:30+02"), "2026-01-01 10:30:00+02");
        assert_eq!(of("2026-01-01 10:30:01.5Z"), "2026-01-01 10:30:01.5Z");
        assert_eq!(of("2026-01-01"), "2026-01-01");
    }

    #[test]
    fn only_the_catalog_is_mended() {
        let told = |text: &str| match one(text) {
            Action::Ask(question) => question.statement.to_string(),
            other => panic!("{other:?}"),
        };
        let lake = told("select (select count(*) from events) as n");
        assert!(lake.contains("count(*)"), "{lake}");
        let both = told("select (select count(*) from events) as n from pg_class");
        assert!(both.contains("count(*)"), "{both}");
        let catalog = told("select relname from pg_class");
        assert!(catalog.contains("pg_catalog.pg_class"), "{catalog}");
        let nothing = told("select (select 1) as n");
        assert!(nothing.contains("SELECT 1"), "{nothing}");
    }
}
