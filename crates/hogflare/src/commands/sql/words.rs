//! What a line at the terminal may be completed with.

use rustyline::Context;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};

const KEYWORDS: [&str; 41] = [
    "and",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "count",
    "cross join",
    "desc",
    "describe",
    "distinct",
    "else",
    "end",
    "except",
    "explain",
    "filter",
    "from",
    "group by",
    "having",
    "in",
    "inner join",
    "intersect",
    "interval",
    "is not null",
    "is null",
    "join",
    "left join",
    "like",
    "limit",
    "not",
    "offset",
    "on",
    "or",
    "order by",
    "over",
    "partition by",
    "select",
    "union all",
    "when",
    "where",
];

/// Words to complete with, and when a statement is whole.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// In their order, each once.
    all: Vec<String>,
}

impl Words {
    /// Names of tables, columns and functions, besides those of the language.
    pub(super) fn new(names: impl IntoIterator<Item = String>) -> Self {
        let mut all: Vec<String> = KEYWORDS.map(str::to_owned).into_iter().chain(names).collect();
        all.sort_unstable();
        all.dedup();
        Self { all }
    }

    fn beginning_with(&self, beginning: &str) -> Vec<String> {
        let is_meant = |word: &&String| {
            word.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
        };
        self.all.iter().filter(is_meant).cloned().collect()
    }
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..at).unwrap_or_default();
        let start = before.rfind(|c: char| !is_of_word(c)).map_or(0, |last| {
            last + before.get(last..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
        });
        let beginning = before.get(start..).unwrap_or_default();
        let words = match beginning.is_empty() {
            true => Vec::new(),
            false => self.beginning_with(beginning),
        };
        Ok((start, words))
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Whether a line is whole: it ends a statement, is a command of the shell, or has nothing.
pub(super) fn is_whole(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('\\') || line.ends_with(';')
}

impl Validator for Words {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match is_whole(context.input()) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}

impl rustyline::Helper for Words {}

#[cfg(test)]
mod tests {
    use rustyline::history::MemHistory;

    use super::*;

    fn completed(line: &str) -> (usize, Vec<String>) {
        let words = Words::new(["current_url", "country_code", "events"].map(str::to_owned));
        words.complete(line, line.len(), &Context::new(&MemHistory::new())).unwrap()
    }

    #[test]
    fn the_word_before_the_cursor_is_completed() {
        let (at, words) = completed("select CU");
        assert_eq!((at, words), (7, vec!["current_url".to_owned()]));
        let (at, words) = completed("select é(ev");
        assert_eq!((at, words), (10, vec!["events".to_owned()]));
        assert_eq!(completed("select ").1, Vec::<String>::new());
    }

    #[test]
    fn a_statement_ends_with_a_semicolon() {
        assert!(is_whole("select 1; ") && is_whole("\\d") && is_whole("  "));
        assert!(!is_whole("select 1") && !is_whole("select ';' as"));
    }
}
