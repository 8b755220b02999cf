//! `hogflare persons` and `hogflare person`: who there is, and what each did.
//!
//! Questions to the tables of persons, which anybody could ask with `hogflare sql`; or, where nodes
//! share persons, to PostgreSQL, since a node's own tables are of the time in which it wrote them.

use std::process::ExitCode;

use anyhow::bail;
use clap::ArgMatches;
use event::{PersonId, TeamId, Timestamp};
use identity::postgres::{self, Address, Availability};
use identity::{Found, Lookup, Search};
use serde_json::{Value, json};
use uuid::Uuid;

use super::sql::{Target, ask, write};
use crate::config::{Config, Sources, State};

/// Rows that are read at once.
const PAGE_ROWS: usize = 10_000;

/// Most distinct ids that are counted of a person in a list, and shown of one.
const DISTINCT_IDS: usize = 1_000;

/// Lists persons.
pub(crate) fn list(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let asked = Asked::of(flags)?;
    let text = flags.get_one::<String>("text").map(String::as_str).unwrap_or_default();
    let sql = match &asked.shared {
        Some(shared) => rows_of(&shared.search(asked.project, text, asked.limit)?),
        None => listing(asked.project, text, asked.limit),
    };
    let answer = asked.answer(&sql)?;
    write(&answer)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows a person: what is known of it, its distinct ids, and what it did last.
pub(crate) fn show(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let asked = Asked::of(flags)?;
    let id = flags.get_one::<String>("id").map(String::as_str).unwrap_or_default();
    let person = asked.person(id)?;
    let project = asked.project;
    let (known, ids) = match &person.shared {
        Some(found) => (row_of(found), ids_of(found)),
        None => (
            format!(
                "select id, created_at, last_seen_at, is_identified, properties from persons \
                 where team_id = {project} and id = {}",
                literal(&person.id)
            ),
            format!(
                "select distinct_id from person_distinct_ids \
                 where team_id = {project} and person_id = {} order by distinct_id \
                 limit {DISTINCT_IDS}",
                literal(&person.id)
            ),
        ),
    };
    let did = format!(
        "select timestamp, event, distinct_id, session_id, current_url from events \
         where team_id = {project} and {} order by timestamp desc limit {}",
        person.rows(),
        asked.limit
    );
    for sql in [known, ids, did] {
        write(&asked.answer(&sql)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes everything that the lake has of a person, a row a line, for whoever asks what is known of
/// them.
pub(crate) fn export(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let asked = Asked::of(flags)?;
    let id = flags.get_one::<String>("id").map(String::as_str).unwrap_or_default();
    let person = asked.person(id)?;
    let ids = match &person.shared {
        Some(found) => {
            write_shared(asked.project, found)?;
            list_of(found.distinct_ids.iter().map(|id| &**id))
        }
        None => {
            let is_it = format!("person_id = {}", literal(&person.id));
            asked.write_rows("persons", &format!("id = {}", literal(&person.id)))?;
            asked.write_rows("person_distinct_ids", &is_it)?;
            let project = asked.project;
            format!(
                "select distinct_id from person_distinct_ids where team_id = {project} and {is_it}"
            )
        }
    };
    for (table, condition) in [
        ("events", person.rows()),
        ("heatmaps", format!("distinct_id in ({ids})")),
        ("quarantine", format!("distinct_id in ({ids})")),
    ] {
        asked.write_rows(table, &condition)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the commands are told.
struct Asked {
    target: Target,
    /// Persons, where nodes share them.
    shared: Option<Shared>,
    project: i64,
    limit: u32,
    format: String,
}

impl Asked {
    fn of(flags: &ArgMatches) -> anyhow::Result<Self> {
        let config = Config::parse(&Sources::collect(flags)?)?;
        Ok(Self {
            target: Target::of(&config)?,
            shared: Shared::of(&config.state)?,
            project: flags.get_one("project").copied().unwrap_or(1),
            limit: flags.get_one("limit").copied().unwrap_or(100),
            format: flags.get_one("format").cloned().unwrap_or_else(|| "table".to_owned()),
        })
    }

    fn answer(&self, sql: &str) -> anyhow::Result<Vec<u8>> {
        super::small_runtime()?.block_on(ask(&self.target, sql, &self.format))
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
                write_row(table, &row)?;
            }
        }
    }

    /// The person with this id, with one that it had before a merge, or else with this distinct id.
    fn person(&self, id: &str) -> anyhow::Result<Whom> {
        let found = match &self.shared {
            Some(shared) => shared.person(self.project, id)?,
            None => self.person_of_lake(id)?,
        };
        match found {
            Some(found) => Ok(found),
            None => bail!("project {} has no person {id}", self.project),
        }
    }

    fn person_of_lake(&self, id: &str) -> anyhow::Result<Option<Whom>> {
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
                let id = found["person"].as_str().unwrap_or_default().to_owned();
                return Ok(Some(Whom { id, former: Vec::new(), shared: None }));
            }
        }
        Ok(None)
    }

    fn rows(&self, sql: &str) -> anyhow::Result<Vec<serde_json::Value>> {
        let answer = super::small_runtime()?.block_on(ask(&self.target, sql, "json"))?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

/// A person.
struct Whom {
    id: String,
    /// Ids under which the lake may still have its events, where the lake does not know whose they are.
    former: Vec<PersonId>,
    /// What is known of it elsewhere than in the lake.
    shared: Option<Found>,
}

impl Whom {
    /// Which events are the person's, as a condition.
    fn rows(&self) -> String {
        let former: Vec<String> = self.former.iter().map(|id| id.0.to_string()).collect();
        let ids = former.iter().chain([&self.id]).map(String::as_str);
        format!("person_id in ({})", list_of(ids))
    }
}

/// Persons that nodes share.
struct Shared(postgres::Reader);

impl Shared {
    fn of(state: &State) -> anyhow::Result<Option<Self>> {
        let State::Postgres(address) = state else { return Ok(None) };
        let options = postgres::Options::default();
        let reader =
            postgres::Reader::new(Address::clone(address), options, Availability::default())?;
        Ok(Some(Self(reader)))
    }

    fn search(&self, project: i64, text: &str, limit: u32) -> anyhow::Result<Vec<Found>> {
        let team = TeamId(project);
        let limit = usize::try_from(limit)?;
        let search = Search { text: text.to_owned(), after: None, limit };
        let persons = self.0.search(team, &search)?.persons;
        Ok(self.0.with_ids(team, persons, DISTINCT_IDS)?)
    }

    fn person(&self, project: i64, id: &str) -> anyhow::Result<Option<Whom>> {
        let team = TeamId(project);
        let by_id = match Uuid::try_parse(id) {
            Ok(uuid) => self.0.person(team, PersonId(uuid), usize::MAX)?,
            Err(_) => None,
        };
        let found = match (by_id, self.0.person_of(team, id)?) {
            (Some(found), _) => Some(found),
            (None, Some(person)) => self.0.person(team, person.id, usize::MAX)?,
            (None, None) => None,
        };
        let Some(found) = found else { return Ok(None) };
        let former = self.0.former_of(team, found.person.id)?;
        Ok(Some(Whom { id: found.person.id.0.to_string(), former, shared: Some(found) }))
    }
}

/// Writes what PostgreSQL has of a person, as the lake would have it.
fn write_shared(project: i64, found: &Found) -> anyhow::Result<()> {
    let person = &found.person;
    let row = json!({
        "team_id": project,
        "id": person.id.0,
        "version": person.version,
        "created_at": person.created_at.to_string(),
        "is_identified": i32::from(person.is_identified),
        "properties": person.properties.as_str(),
        "last_seen_at": person.last_seen_at.map(|time| time.to_string()),
    });
    write_row("persons", &row)?;
    for id in &found.distinct_ids {
        let row = json!({ "team_id": project, "distinct_id": &**id, "person_id": person.id.0 });
        write_row("person_distinct_ids", &row)?;
    }
    Ok(())
}

fn write_row(table: &str, row: &Value) -> anyhow::Result<()> {
    write(format!("{}\n", json!({ "table": table, "row": row })).as_bytes())
}

/// Persons as a query, so that they are shown like any other answer.
fn rows_of(found: &[Found]) -> String {
    let row = |found: &Found| {
        let person = &found.person;
        let text = |key: &str| {
            let value = person.properties.get(key).and_then(|raw| serde_json::from_str(raw).ok());
            literal_or_null(match &value {
                Some(Value::String(text)) => Some(text),
                _ => None,
            })
        };
        format!(
            "({}, {}, {}, {}, {}, {}, {})",
            literal(&person.id.0.to_string()),
            moment(person.created_at),
            i32::from(person.is_identified),
            found.distinct_ids.len(),
            literal_or_null(found.distinct_ids.last().map(|id| &**id)),
            text("email"),
            text("name"),
        )
    };
    let columns = "id, created_at, is_identified, distinct_ids, distinct_id, email, name";
    values(columns, found.iter().map(row), 7)
}

/// A person as a query.
fn row_of(found: &Found) -> String {
    let person = &found.person;
    let seen_at = person.last_seen_at.map(moment);
    let row = format!(
        "({}, {}, {}, {}, {})",
        literal(&person.id.0.to_string()),
        moment(person.created_at),
        seen_at.as_deref().unwrap_or("null"),
        i32::from(person.is_identified),
        literal(person.properties.as_str()),
    );
    values("id, created_at, last_seen_at, is_identified, properties", [row].into_iter(), 5)
}

/// A person's distinct ids as a query.
fn ids_of(found: &Found) -> String {
    let ids = found.distinct_ids.iter().take(DISTINCT_IDS);
    values("distinct_id", ids.map(|id| format!("({})", literal(id))), 1)
}

/// Rows as a query; none of nulls where there is none.
fn values(columns: &str, rows: impl Iterator<Item = String>, width: usize) -> String {
    let rows: Vec<String> = rows.collect();
    let (rows, condition) = match rows.is_empty() {
        true => (format!("({})", vec!["null"; width].join(", ")), " where false"),
        false => (rows.join(", "), ""),
    };
    format!("select * from (values {rows}) as rows ({columns}){condition}")
}

fn list_of<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(literal).collect::<Vec<_>>().join(", ")
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

/// A time in SQL, of the type that the tables have.
fn moment(time: Timestamp) -> String {
    format!("arrow_cast('{time}', 'Timestamp(Microsecond, Some(\"UTC\"))')")
}

fn literal_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), literal)
}

/// A text in SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
