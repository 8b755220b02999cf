//! `hogflare persons` and `hogflare person`: who there is, and what each did.
//!
//! Questions to the tables of persons, which anybody could ask with `hogflare sql`.

use std::process::ExitCode;

use anyhow::bail;
use clap::ArgMatches;
use serde_json::json;

use super::sql::{ask, write};
use crate::config::{Config, Sources};
use crate::data_dir::DataDir;

/// Rows that are read at once.
const PAGE_ROWS: usize = 10_000;

/// Lists persons.
pub(crate) fn list(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let asked = Asked::of(flags)?;
    let text = flags.get_one::<String>("text").map(String::as_str).unwrap_or_default();
    let answer = asked.answer(&listing(asked.project, text, asked.limit))?;
    write(&answer)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows a person: what is known of it, its distinct ids, and what it did last.
pub(crate) fn show(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let asked = Asked::of(flags)?;
    let id = flags.get_one::<String>("id").map(String::as_str).unwrap_or_default();
    let person = literal(&asked.person(id)?);
    for sql in [
        format!(
            "select id, created_at, last_seen_at, is_identified, properties from persons \
             where team_id = {} and id = {person}",
            asked.project
        ),
        format!(
            "select distinct_id from person_distinct_ids \
             where team_id = {} and person_id = {person} order by distinct_id limit 1000",
            asked.project
        ),
        format!(
            "select timestamp, event, distinct_id, session_id, current_url from events \
             where team_id = {} and person_id = {person} order by timestamp desc limit {}",
            asked.project, asked.limit
        ),
    ] {
        write(&asked.answer(&sql)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes everything that the lake has of a person, a row a line, for whoever asks what is known of
/// them.
pub(crate) fn export(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let asked = Asked::of(flags)?;
    let id = flags.get_one::<String>("id").map(String::as_str).unwrap_or_default();
    let (project, person) = (asked.project, literal(&asked.person(id)?));
    let ids = format!(
        "select distinct_id from person_distinct_ids \
         where team_id = {project} and person_id = {person}"
    );
    for (table, condition) in [
        ("persons", format!("id = {person}")),
        ("person_distinct_ids", format!("person_id = {person}")),
        ("events", format!("person_id = {person}")),
        ("heatmaps", format!("distinct_id in ({ids})")),
        ("quarantine", format!("distinct_id in ({ids})")),
    ] {
        asked.write_rows(table, &condition)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the commands are told.
struct Asked {
    data_dir: DataDir,
    project: i64,
    limit: u32,
    format: String,
}

impl Asked {
    fn of(flags: &ArgMatches) -> anyhow::Result<Self> {
        let config = Config::parse(&Sources::collect(flags)?)?;
        Ok(Self {
            data_dir: DataDir::existing(&config.data_dir)?,
            project: flags.get_one("project").copied().unwrap_or(1),
            limit: flags.get_one("limit").copied().unwrap_or(100),
            format: flags.get_one("format").cloned().unwrap_or_else(|| "table".to_owned()),
        })
    }

    fn answer(&self, sql: &str) -> anyhow::Result<Vec<u8>> {
        super::small_runtime()?.block_on(ask(&self.data_dir, sql, &self.format))
    }

    /// Writes the rows of a table, some at a time, in the order of the journal.
    fn write_rows(&self, table: &str, condition: &str) -> anyhow::Result<()> {
        let mut after = String::from("true");
        loop {
            let rows = self.rows(&format!(
                "select * from {table} where team_id = {} and {condition} and ({after}) \
                 order by journal_id, journal_offset limit {PAGE_ROWS}",
                self.project
            ))?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = format!(
                "journal_id > {id} or (journal_id = {id} and journal_offset > {offset})",
                id = literal(last["journal_id"].as_str().unwrap_or_default()),
                offset = last["journal_offset"].as_i64().unwrap_or_default()
            );
            for row in rows {
                write(format!("{}\n", json!({ "table": table, "row": row })).as_bytes())?;
            }
        }
    }

    /// The person with this id, with one that it had before a merge, or else with this distinct id.
    fn person(&self, id: &str) -> anyhow::Result<String> {
        let (project, wanted) = (self.project, literal(id));
        for sql in [
            format!(
                "select id as person from persons where team_id = {project} and id = {wanted} \
                 union select person_id from person_overrides \
                 where team_id = {project} and old_person_id = {wanted} limit 1"
            ),
            format!(
                "select person_id as person from person_distinct_ids \
                 where team_id = {project} and distinct_id = {wanted} limit 1"
            ),
        ] {
            if let Some(found) = self.rows(&sql)?.first() {
                return Ok(found["person"].as_str().unwrap_or_default().to_owned());
            }
        }
        bail!("project {project} has no person {id}")
    }

    fn rows(&self, sql: &str) -> anyhow::Result<Vec<serde_json::Value>> {
        let answer = super::small_runtime()?.block_on(ask(&self.data_dir, sql, "json"))?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

fn listing(project: i64, text: &str, limit: u32) -> String {
    let text = literal(&text.to_lowercase());
    let has = |column: &str| format!("strpos(lower({column}), {text}) > 0");
    format!(
        "select p.id, p.created_at, p.is_identified, i.distinct_ids, i.distinct_id, \
         json_get_str(p.properties, 'email') as email, json_get_str(p.properties, 'name') as name \
         from persons p left join (select person_id, count(*) as distinct_ids, \
         max(distinct_id) as distinct_id, bool_or({}) as has from person_distinct_ids \
         where team_id = {project} group by person_id) i on i.person_id = p.id \
         where p.team_id = {project} and ({text} = '' or i.has or {} or {}) \
         order by p.created_at desc, p.id limit {limit}",
        has("distinct_id"),
        has("json_get_str(p.properties, 'email')"),
        has("json_get_str(p.properties, 'name')"),
    )
}

/// A text in SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
