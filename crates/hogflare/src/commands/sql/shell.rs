//! `hogflare sql` at a terminal: one question after the other, with history and completion.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use tokio::runtime::Runtime;

use super::words::Words;
use super::{Target, ask, ask_into};

const HELP: &str = "\
SELECT …;      a query, which ends with a semicolon; Tab completes names
\\dt            tables
\\d TABLE       columns of a table
\\f FORMAT      how rows are written: table, csv, json, ndjson
\\timing        say how long a query took, or do not
\\q             quit";

/// Names of everything that may be in a query.
const NAMES: &str = "
    select table_name as name from information_schema.columns where table_schema = 'default'
    union select column_name from information_schema.columns where table_schema = 'default'
    union select routine_name from information_schema.routines";

const TABLES: &str = "
    select table_name, table_type from information_schema.tables
    where table_schema = 'default' order by table_name";

const HISTORY: &str = ".hogflare_history";

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Nothing,
    Quit,
    Help,
    Timing,
    Format(&'a str),
    Sql(String),
    Unknown(&'a str),
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Self {
        let line = line.trim();
        let (command, argument) = match line.split_once(char::is_whitespace) {
            Some((command, argument)) => (command, argument.trim().trim_end_matches(';')),
            None => (line, ""),
        };
        match (command.trim_end_matches(';'), argument) {
            ("", _) => Self::Nothing,
            ("\\q" | "exit" | "quit", "") => Self::Quit,
            ("\\?" | "\\h" | "help", _) => Self::Help,
            ("\\timing", _) => Self::Timing,
            ("\\f" | "\\format", format) => Self::Format(format),
            ("\\dt" | "\\d", "") => Self::Sql(TABLES.to_owned()),
            ("\\d", table) => Self::Sql(format!("describe {table}")),
            (command, _) if command.starts_with('\\') => Self::Unknown(command),
            _ => Self::Sql(line.to_owned()),
        }
    }
}

/// Answers until the end of input.
pub(super) fn run(target: &Target, format: &str, runtime: &Runtime) -> anyhow::Result<ExitCode> {
    let mut shell = Shell { target, format: format.to_owned(), is_timed: false, runtime };
    let config = Config::builder().auto_add_history(true).build();
    let mut editor: Editor<Words, FileHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(Words::new(shell.names())));
    let history = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(HISTORY));
    if let Some(path) = &history {
        // There is none the first time.
        editor.load_history(path).ok();
    }
    println!("hogflare {}, {}", env!("CARGO_PKG_VERSION"), target.data_dir.path().display());
    println!("\\? helps, \\q quits.");
    loop {
        match editor.readline("hogflare=> ") {
            Ok(line) => {
                if !shell.obey(&Line::parse(&line)) {
                    break;
                }
            }
            // What was typed is forgotten, as in other shells.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(path) = &history {
        editor.save_history(path).ok();
    }
    Ok(ExitCode::SUCCESS)
}

struct Shell<'a> {
    target: &'a Target,
    format: String,
    is_timed: bool,
    runtime: &'a Runtime,
}

impl Shell<'_> {
    /// Does what a line asks for; says whether to go on.
    fn obey(&mut self, line: &Line<'_>) -> bool {
        match line {
            Line::Nothing => {}
            Line::Quit => return false,
            Line::Help => println!("{HELP}"),
            Line::Timing => {
                self.is_timed = !self.is_timed;
                println!("timing is {}", if self.is_timed { "on" } else { "off" });
            }
            Line::Format(format) => match format {
                &"table" | &"csv" | &"json" | &"ndjson" => (*format).clone_into(&mut self.format),
                other => println!("{other} is none of table, csv, json, ndjson"),
            },
            Line::Sql(sql) => self.answer(sql),
            Line::Unknown(command) => println!("{command} is unknown; \\? helps"),
        }
        true
    }

    fn answer(&self, sql: &str) {
        let started = Instant::now();
        let mut out = std::io::stdout().lock();
        let asked = async {
            tokio::select! {
                answered = ask_into(self.target, sql, &self.format, &mut out) => answered,
                // The query ends with whoever waits for it.
                _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped")),
            }
        };
        let answered = self.runtime.block_on(asked);
        out.flush().ok();
        if let Err(error) = answered {
            eprintln!("{error:#}");
        }
        if self.is_timed {
            println!("{:.3} s", started.elapsed().as_secs_f64());
        }
    }

    /// Names to complete with; none where nothing answers.
    fn names(&self) -> Vec<String> {
        let answer = self.runtime.block_on(ask(self.target, NAMES, "ndjson")).unwrap_or_default();
        let rows = serde_json::Deserializer::from_slice(&answer).into_iter::<serde_json::Value>();
        let name = |row: Result<serde_json::Value, _>| Some(row.ok()?["name"].as_str()?.to_owned());
        rows.filter_map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_or_sql() {
        assert_eq!(Line::parse(" \\q "), Line::Quit);
        assert_eq!(Line::parse("exit;"), Line::Quit);
        assert_eq!(Line::parse("\\f csv"), Line::Format("csv"));
        assert_eq!(Line::parse("\\d events;"), Line::Sql("describe events".to_owned()));
        assert_eq!(Line::parse("\\x"), Line::Unknown("\\x"));
        assert_eq!(Line::parse("select 1;"), Line::Sql("select 1;".to_owned()));
        assert_eq!(Line::parse("\n"), Line::Nothing);
    }
}
