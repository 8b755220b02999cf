//! `hogflare person delete` and `hogflare person anonymize`: asks the running server, through the socket
//! in the data folder, and tells what became of it.

use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ArgMatches;
use serde_json::{Value, json};

use super::sql::write;
use crate::config::{Config, Sources};
use crate::data_dir::DataDir;
use crate::local_client::{self, Answer};

/// How often a receipt is asked for that is waited for.
const INTERVAL: Duration = Duration::from_millis(500);

/// Erases a person.
pub(crate) fn run(kind: &str, flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(flags)?)?;
    let data_dir = DataDir::existing(&config.data_dir)?;
    let id = flags.get_one::<String>("id").map(String::as_str).unwrap_or_default();
    let project: i64 = flags.get_one("project").copied().unwrap_or(1);
    if data_dir.try_share()?.is_some() {
        bail!("the server is not running, and it is what erases: start it first");
    }
    if !flags.get_flag("yes") && !is_confirmed(kind, id, project)? {
        bail!("nobody was erased");
    }
    let request = json!({ "id": id, "kind": kind, "project": project }).to_string();
    let receipt = super::small_runtime()?.block_on(async {
        let asked = local_client::post(&data_dir.socket(), "/api/erasures", request.into()).await;
        let mut receipt = receipt(asked)?;
        while flags.get_flag("wait") && receipt["is_done"] != true {
            tokio::time::sleep(INTERVAL).await;
            let path = format!("/api/erasures/{}", receipt["id"].as_str().unwrap_or_default());
            receipt = self::receipt(local_client::get(&data_dir.socket(), &path).await)?;
        }
        anyhow::Ok(receipt)
    })?;
    let text = match flags.get_flag("json") {
        true => format!("{receipt:#}\n"),
        false => told(&receipt),
    };
    write(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn receipt(asked: anyhow::Result<Answer>) -> anyhow::Result<Value> {
    let answer = asked.context("the server of this folder does not answer")?;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match answer.status.is_success() {
        true => Ok(body),
        false => bail!("{}", body["error"].as_str().unwrap_or("the server answered with an error")),
    }
}

/// Asks on the terminal; without one, somebody must have said so.
fn is_confirmed(kind: &str, id: &str, project: i64) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: say --yes");
    }
    eprint!("{kind} {id} in project {project}, for good? Say yes: ");
    std::io::stderr().flush()?;
    let mut said = String::new();
    std::io::stdin().lock().read_line(&mut said)?;
    Ok(said.trim() == "yes")
}

/// A receipt for people.
fn told(receipt: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut told = String::new();
    let mut line = |name: &str, rest: String| {
        // Writing to a string does not fail.
        writeln!(told, "{name:<12} {rest}").ok();
    };
    line("erasure", text(&receipt["id"]));
    line("kind", text(&receipt["kind"]));
    line("persons", receipt["persons"].to_string());
    line("distinct ids", receipt["distinct_ids"].to_string());
    for (name, counts) in [("removed", &receipt["removed"]), ("anonymous", &receipt["anonymized"])]
    {
        for (table, rows) in counts.as_object().into_iter().flatten() {
            line(name, format!("{table}: {rows}"));
        }
    }
    for pending in receipt["pending"].as_array().into_iter().flatten() {
        line("pending", format!("{}: {}", text(&pending["part"]), text(&pending["waits_for"])));
    }
    for remains in receipt["remains"].as_array().into_iter().flatten() {
        let until = remains["until"].as_str().map(|until| format!(" (until {until})"));
        let until = until.unwrap_or_default();
        line("remains", format!("{}{until}: {}", text(&remains["place"]), text(&remains["note"])));
        for statement in remains["statement"].as_str().into_iter().flat_map(str::lines) {
            line("", statement.to_owned());
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_tells_what_went_and_what_remains_where() {
        let receipt = json!({
            "id": "0190", "kind": "delete", "persons": 1, "distinct_ids": 2, "is_done": false,
            "removed": { "events": 7 }, "anonymized": {},
            "pending": [{ "part": "lake", "waits_for": "files" }],
            "remains": [{ "place": "pipelines", "note": "rows", "until": null, "statement": "DELETE" },
                { "place": "lake", "note": "files", "until": "2026-11-22", "statement": null }],
        });
        let told = told(&receipt);
        for part in ["events: 7", "lake: files", "pipelines: rows", "DELETE", "until 2026-11-22"] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }
}
