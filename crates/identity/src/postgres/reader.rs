//! Looks persons up in PostgreSQL, on connections of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use event::{PersonId, TeamId};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error as Cause, Row};
use uuid::Uuid;

use super::address::{Connected, failed};
use super::known::person_of_row;
use super::waiting::Waiting;
use super::wanted::can_be_known;
use super::{Address, Availability, Options, schema};
use crate::{Error, Found, Lookup, Object, Page, Person, Search, json};

/// Idle connections that are kept.
const CONNECTIONS: usize = 4;

/// Persons that a search looks at, at a time.
const SEARCHED_AT_ONCE: usize = 1_000;

/// What a search looks at besides distinct ids, as for embedded persons.
const SEARCHED: [&str; 2] = ["email", "name"];

const PERSON_OF: &str = "
    SELECT p.person_id, p.version, p.created_at, p.is_identified, p.last_seen_at, p.is_deleted,
        p.properties
    FROM hogflare.person_distinct_ids i
    JOIN hogflare.persons p ON p.team_id = i.team_id AND p.person_id = i.person_id
    WHERE i.team_id = $1 AND i.distinct_id = $2 AND NOT p.is_deleted";

const PERSON: &str = "
    SELECT person_id, version, created_at, is_identified, last_seen_at, is_deleted, properties
    FROM hogflare.persons WHERE team_id = $1 AND NOT is_deleted AND person_id = coalesce(
        (SELECT person_id FROM hogflare.persons
            WHERE team_id = $1 AND person_id = $2 AND NOT is_deleted),
        (SELECT person_id FROM hogflare.person_overrides
            WHERE team_id = $1 AND old_person_id = $2))";

const IDS: &str = "
    SELECT w.person_id, i.distinct_id FROM unnest($2::uuid[]) AS w (person_id)
    CROSS JOIN LATERAL (SELECT distinct_id FROM hogflare.person_distinct_ids
        WHERE team_id = $1 AND person_id = w.person_id ORDER BY distinct_id LIMIT $3) i";

const FORMER_OF: &str = "
    SELECT old_person_id FROM hogflare.person_overrides
    WHERE team_id = $1 AND person_id = $2 AND old_person_id <> $2";

/// Persons that may be meant. What is written with escapes is decided on by the reader, since `json` of
/// PostgreSQL refuses some of them.
const SEARCH: &str = r#"
    SELECT person_id, version, created_at, is_identified, last_seen_at, is_deleted, properties,
        serial, is_meant
    FROM (SELECT p.*, $3 = '' OR EXISTS (SELECT FROM hogflare.person_distinct_ids i
            WHERE i.team_id = p.team_id AND i.person_id = p.person_id
                AND position($3 IN lower(i.distinct_id)) > 0) AS is_meant
        FROM hogflare.persons p
        WHERE p.team_id = $1 AND NOT p.is_deleted AND p.serial < $2) p
    WHERE is_meant OR position($3 IN lower(properties COLLATE "C")) > 0
        OR position('\' IN properties) > 0
    ORDER BY serial DESC LIMIT $4"#;

/// What was found among some persons.
struct Searched {
    meant: Vec<(Person, i64)>,
    /// Where to go on, if there may be more.
    next: Option<i64>,
}

/// Looks persons up in PostgreSQL.
#[derive(Debug)]
pub struct Reader {
    address: Address,
    options: Options,
    waiting: Waiting,
    idle: Mutex<Vec<Connected>>,
    availability: Availability,
}

impl Reader {
    /// Nothing is connected yet. It tells of trouble what whoever shares `availability` finds.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(
        address: Address,
        options: Options,
        availability: Availability,
    ) -> Result<Self, Error> {
        let waiting = Waiting::new("persons-reader")?;
        Ok(Self { address, options, waiting, idle: Mutex::default(), availability })
    }

    /// Connects, and says whether the tables are there that this program needs.
    ///
    /// # Errors
    /// When PostgreSQL is not there, refuses, or has tables of a newer format.
    pub fn check(&self) -> Result<bool, Error> {
        self.waiting.wait_for(async {
            let connected = self.address.connect(&self.options).await?;
            schema::are_there(&connected.client).await
        })
    }

    fn query(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        self.waiting.wait_for(async {
            if let Some(idle) = self.take() {
                match self.ask(&idle, sql, parameters).await {
                    // It may have ended since.
                    Err(Error::Unreachable(_)) => {}
                    answer => {
                        self.keep(idle);
                        return answer;
                    }
                }
            }
            let connected = self.address.connect(&self.options).await?;
            let answer = self.ask(&connected, sql, parameters).await;
            self.keep(connected);
            answer
        })
    }

    async fn ask(
        &self,
        connected: &Connected,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let limit: Duration = self.options.statement_timeout * 2;
        match tokio::time::timeout(limit, connected.client.query(sql, parameters)).await {
            Ok(answer) => answer.map_err(|error| unreadable(&error)),
            Err(_) => Err(Error::Unreachable("it does not answer".to_owned())),
        }
    }

    fn take(&self) -> Option<Connected> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connected| !connected.client.is_closed());
        idle.pop()
    }

    fn keep(&self, connected: Connected) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < CONNECTIONS {
            idle.push(connected);
        }
    }

    /// Looks at so many persons, and finds where each stands that is meant.
    fn meant(&self, team: TeamId, text: &str, before: i64, most: usize) -> Result<Searched, Error> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = self.query(SEARCH, &[&team.0, &before, &text, &limit])?;
        let mut meant = Vec::new();
        let mut last = None;
        for row in &rows {
            let person = read(person_of_row(row))?;
            let serial: i64 = read(row.try_get(7))?;
            let has_id: bool = read(row.try_get(8))?;
            if has_id || mentions(&person.properties, text) {
                meant.push((person, serial));
            }
            last = Some(serial);
        }
        Ok(Searched { meant, next: last.filter(|_| rows.len() == most) })
    }
}

impl Lookup for Reader {
    fn person_of(&self, team: TeamId, distinct_id: &str) -> Result<Option<Arc<Person>>, Error> {
        if !can_be_known(distinct_id) {
            return Ok(None);
        }
        one(&self.query(PERSON_OF, &[&team.0, &distinct_id])?)
    }

    fn person(
        &self,
        team: TeamId,
        id: PersonId,
        distinct_ids: usize,
    ) -> Result<Option<Found>, Error> {
        let person = one(&self.query(PERSON, &[&team.0, &id.0])?)?;
        let Some(person) = person else { return Ok(None) };
        let found = self.with_ids(team, vec![Arc::unwrap_or_clone(person)], distinct_ids)?;
        Ok(found.into_iter().next())
    }

    fn search(&self, team: TeamId, search: &Search) -> Result<Page, Error> {
        let mut page = Page { persons: Vec::new(), next: None };
        if !can_be_known(&search.text) {
            return Ok(page);
        }
        let text = search.text.to_ascii_lowercase();
        let mut before = Some(search.after.unwrap_or(i64::MAX));
        while let Some(from) = before {
            let missing = search.limit.saturating_sub(page.persons.len());
            // All are meant where there is no text, and most are not where there is one.
            let most = if text.is_empty() { missing } else { SEARCHED_AT_ONCE };
            let Searched { meant, next } = self.meant(team, &text, from, most)?;
            before = next;
            let is_full = meant.len() >= missing;
            for (person, serial) in meant.into_iter().take(missing) {
                page.persons.push(person);
                page.next = Some(serial);
            }
            if is_full {
                return Ok(page);
            }
        }
        page.next = None;
        Ok(page)
    }

    fn with_ids(
        &self,
        team: TeamId,
        persons: Vec<Person>,
        distinct_ids: usize,
    ) -> Result<Vec<Found>, Error> {
        let ids: Vec<Uuid> = persons.iter().map(|person| person.id.0).collect();
        let most = i64::try_from(distinct_ids).unwrap_or(i64::MAX);
        let mut of: HashMap<Uuid, Vec<Arc<str>>> = HashMap::new();
        for row in self.query(IDS, &[&team.0, &ids, &most])? {
            let id: &str = read(row.try_get(1))?;
            of.entry(read(row.try_get(0))?).or_default().push(id.into());
        }
        let found = |person: Person| Found {
            distinct_ids: of.remove(&person.id.0).unwrap_or_default(),
            person: Arc::new(person),
        };
        Ok(persons.into_iter().map(found).collect())
    }

    /// The tables of persons in a node's lake are those of the time in which it wrote them.
    fn former_of(&self, team: TeamId, id: PersonId) -> Result<Vec<PersonId>, Error> {
        let rows = self.query(FORMER_OF, &[&team.0, &id.0])?;
        rows.iter().map(|row| read(row.try_get(0).map(PersonId))).collect()
    }

    fn trouble(&self) -> Option<String> {
        self.availability.trouble()
    }
}

fn one(rows: &[Row]) -> Result<Option<Arc<Person>>, Error> {
    rows.first().map(|row| read(person_of_row(row)).map(Arc::new)).transpose()
}

/// Whether a text that is searched for, in small letters, is in what is searched.
fn mentions(properties: &Object, text: &str) -> bool {
    SEARCHED
        .iter()
        .filter_map(|key| properties.get(key))
        .any(|raw| raw != "null" && json::text(raw).to_ascii_lowercase().contains(text))
}

fn read<T>(read: Result<T, Cause>) -> Result<T, Error> {
    read.map_err(|error| unreadable(&error))
}

fn unreadable(error: &Cause) -> Error {
    failed("read", error)
}
