//! `hogflare lake connect`: code by which others read the lake, with the paths in it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::ArgMatches;

use super::super::sql::write;

/// By name what each of them runs. `{lake}` stands for the lake's folder.
const CODE: [(&str, &str); 4] = [
    ("duckdb", include_str!("connect/duckdb.sql")),
    ("pyiceberg", include_str!("connect/pyiceberg.py")),
    ("spark", include_str!("connect/spark.py")),
    ("r2", include_str!("connect/r2.sql")),
];

/// Whom code can be printed for.
pub(crate) const READERS: [&str; 4] = [CODE[0].0, CODE[1].0, CODE[2].0, CODE[3].0];

/// Prints the code for a reader.
pub(crate) fn connect(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let reader = flags.get_one::<String>("reader").map(String::as_str).unwrap_or_default();
    let found = CODE.iter().find(|(name, _)| *name == reader);
    let (_, code) = found.context("nobody of that name is known")?;
    let lake = match reader {
        // It is not on this machine.
        "r2" => String::new(),
        _ => {
            let lake = super::data_dir(flags)?.lake();
            quoted(reader, lake.to_str().with_context(|| not_text(&lake))?)
        }
    };
    write(code.replace("{lake}", &lake).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// A path as it stands between the quotes of the language.
fn quoted(reader: &str, path: &str) -> String {
    match reader {
        "duckdb" => path.replace('\'', "''"),
        _ => path.replace('\\', "\\\\").replace('"', "\\\""),
    }
}

fn not_text(path: &Path) -> String {
    format!("the path {} is not UTF-8", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_of_a_path_do_not_end_it() {
        assert_eq!(quoted("duckdb", "/it's"), "/it''s");
        assert_eq!(quoted("pyiceberg", "/a \"b\""), "/a \\\"b\\\"");
    }
}
