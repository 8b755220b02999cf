//! What changed in PostgreSQL, handed on to the tables of the lake by one node.
//!
//! Every change has the clock's time, and whoever sees a time sees all before it. So a cursor is
//! enough: what changed after it is handed on, stored in the journal of the node that does it, and
//! the cursor is moved. That is at least once, which does no harm, since of a key the highest version
//! counts. What changed twice in between is handed on once.
//!
//! An advisory lock tells whose turn it is. It ends with the connection, and another node goes on. A node
//! that is cut off, or stands still, is not known to be gone: PostgreSQL ends its connection after a
//! while without a question.

use std::collections::BTreeMap;

use event::{Change, PersonId, TeamId, Timestamp};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use tracing::info;
use uuid::Uuid;

use super::address::{self, Connected};
use super::{Address, Availability, Options, schema};
use crate::Error;

/// Whoever holds this advisory lock hands changes on.
const LOCK: i64 = 0x686f_6766_6c61_7201;

/// How long a connection may be silent; older servers than 14 know no such limit.
const LONGEST_SILENCE: &str = "
    SELECT set_config(name, '30s', false) FROM pg_settings WHERE name = 'idle_session_timeout'";

/// The time up to which no table has many more changes than so many, nor persons many more bytes of
/// properties: the smallest of those where each has so many, else the present.
const UPTO: &str = "
    SELECT o.at, least(c.at,
        (SELECT max(changed) FROM (SELECT changed FROM hogflare.persons
            WHERE changed > o.at ORDER BY changed LIMIT $1) t HAVING count(*) = $1),
        (SELECT min(changed) FROM (SELECT changed, sum(octet_length(properties)) OVER
            (ORDER BY changed ROWS UNBOUNDED PRECEDING) AS bytes
            FROM (SELECT changed, properties FROM hogflare.persons
                WHERE changed > o.at ORDER BY changed LIMIT $1) f) t WHERE bytes > $2),
        (SELECT max(changed) FROM (SELECT changed FROM hogflare.person_distinct_ids
            WHERE changed > o.at ORDER BY changed LIMIT $1) t HAVING count(*) = $1),
        (SELECT max(changed) FROM (SELECT changed FROM hogflare.person_overrides
            WHERE changed > o.at ORDER BY changed LIMIT $1) t HAVING count(*) = $1),
        (SELECT max(changed) FROM (SELECT changed FROM hogflare.groups
            WHERE changed > o.at ORDER BY changed LIMIT $1) t HAVING count(*) = $1))
    FROM hogflare.outbox o, hogflare.clock c WHERE o.single AND c.single";

const PERSONS: &str = "
    SELECT team_id, person_id, version, created_at, is_identified, last_seen_at, properties,
        is_deleted, changed
    FROM hogflare.persons WHERE changed > $1 AND changed <= $2";

/// An id that was only used without a person is in no table of the lake. One that was taken from
/// whoever was forgotten is nobody's any more.
const IDS: &str = "
    SELECT team_id, distinct_id, person_id, version, changed
    FROM hogflare.person_distinct_ids WHERE changed > $1 AND changed <= $2
        AND (person_id IS NOT NULL OR version > 0)";

const OVERRIDES: &str = "
    SELECT team_id, old_person_id, person_id, version, changed
    FROM hogflare.person_overrides WHERE changed > $1 AND changed <= $2";

const GROUPS: &str = "
    SELECT team_id, type_index, group_key, created_at, properties, version, is_deleted, changed
    FROM hogflare.groups WHERE changed > $1 AND changed <= $2";

const GROUP_TYPES: &str = "
    SELECT team_id, type_index, name, changed
    FROM hogflare.group_types WHERE changed > $1 AND changed <= $2";

const CONFIRM: &str = "UPDATE hogflare.outbox SET at = $2 WHERE single AND at = $1";

/// Hands on what changed in PostgreSQL, one node at a time.
#[derive(Debug)]
pub struct Outbox {
    address: Address,
    options: Options,
    connected: Option<Connected>,
    /// Whether the connection holds the lock.
    has_turn: bool,
    availability: Availability,
}

/// Changes in their order, to be confirmed once they are stored.
#[derive(Debug)]
pub struct Parcel {
    /// The changes.
    pub changes: Vec<Change>,
    after: i64,
    upto: i64,
}

impl Outbox {
    /// Nothing is connected yet.
    pub fn new(address: Address, options: Options) -> Self {
        let availability = Availability::default();
        Self { address, options, connected: None, has_turn: false, availability }
    }

    /// Whether PostgreSQL is there, as this finds it.
    pub fn availability(&self) -> Availability {
        self.availability.clone()
    }

    /// Whether it is this node's turn.
    pub const fn has_turn(&self) -> bool {
        self.has_turn
    }

    /// What changed, where it is this node's turn and something did. Until it is confirmed, the next
    /// ones are the same.
    ///
    /// # Errors
    /// When PostgreSQL fails; it may be called again, after a while.
    pub async fn look(&mut self) -> Result<Option<Parcel>, Error> {
        let looked = self.look_twice().await;
        looked.inspect_err(|_| self.give_up_turn())
    }

    /// Waits until there is something to be handed on.
    ///
    /// # Errors
    /// As [`Outbox::look`].
    pub async fn next_changes(&mut self) -> Result<Parcel, Error> {
        loop {
            match self.look().await? {
                Some(parcel) => return Ok(parcel),
                None => tokio::time::sleep(self.options.poll_interval).await,
            }
        }
    }

    /// Notes that these changes are stored, and need not be handed on again.
    ///
    /// # Errors
    /// When PostgreSQL fails, or another node's turn came: they are then handed on again.
    pub async fn confirm(&mut self, parcel: Parcel) -> Result<(), Error> {
        let confirmed = match &self.connected {
            Some(turn) => {
                let confirm = async {
                    let cursor: [&(dyn ToSql + Sync); 2] = [&parcel.after, &parcel.upto];
                    turn.client.execute(CONFIRM, &cursor).await.map_err(|error| failed(&error))
                };
                self.in_time(confirm).await
            }
            None => Err(Error::Unreachable("the connection ended".to_owned())),
        };
        confirmed.map(|_| ()).inspect_err(|_| self.give_up_turn())
    }

    /// Tells PostgreSQL that this node is there, which it must hear while storing takes long.
    ///
    /// # Errors
    /// When another node's turn may have come.
    pub async fn keep_turn(&mut self) -> Result<(), Error> {
        let kept = match &self.connected {
            Some(turn) => {
                let ask = async {
                    turn.client.batch_execute("SELECT").await.map_err(|error| failed(&error))
                };
                self.in_time(ask).await
            }
            None => Err(Error::Unreachable("the connection ended".to_owned())),
        };
        kept.inspect_err(|_| self.give_up_turn())
    }

    /// Lets another node hand on changes.
    pub fn give_up_turn(&mut self) {
        self.connected = None;
        self.has_turn = false;
    }

    async fn look_twice(&mut self) -> Result<Option<Parcel>, Error> {
        let was_connected = self.connected.is_some();
        let found = match self.look_now().await {
            // A connection that ended says nothing of whether there can be another.
            Err(Error::Unreachable(_)) if was_connected => {
                self.give_up_turn();
                self.look_now().await
            }
            found => found,
        };
        let trouble = found.as_ref().err().map(ToString::to_string);
        self.availability.note(trouble);
        found
    }

    async fn look_now(&mut self) -> Result<Option<Parcel>, Error> {
        let connected = match self.connected.take() {
            Some(connected) => connected,
            None => {
                self.has_turn = false;
                self.connect().await?
            }
        };
        if !self.has_turn {
            self.has_turn = self.in_time(try_lock(&connected.client)).await?;
        }
        let found = match self.has_turn {
            true => self.in_time(read(&connected.client, &self.options)).await?,
            false => None,
        };
        self.connected = Some(connected);
        Ok(found)
    }

    async fn connect(&self) -> Result<Connected, Error> {
        schema::migrate(&self.address, &self.options).await?;
        let connected = self.address.connect(&self.options).await?;
        let limited = async {
            connected.client.batch_execute(LONGEST_SILENCE).await.map_err(|error| failed(&error))
        };
        self.in_time(limited).await?;
        Ok(connected)
    }

    /// The server gives up first, where it is there.
    async fn in_time<T>(&self, ask: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let answer = tokio::time::timeout(self.options.statement_timeout * 2, ask).await;
        answer.unwrap_or_else(|_| Err(Error::Unreachable("it does not answer".to_owned())))
    }
}

async fn try_lock(client: &Client) -> Result<bool, Error> {
    let lock = "SELECT pg_try_advisory_lock($1)";
    let row = client.query_one(lock, &[&LOCK]).await.map_err(|error| failed(&error))?;
    let has_lock: bool = row.get(0);
    if has_lock {
        info!("this node hands on changes of persons");
    }
    Ok(has_lock)
}

async fn read(client: &Client, options: &Options) -> Result<Option<Parcel>, Error> {
    let most = i64::try_from(options.rows_at_once).unwrap_or(i64::MAX);
    let bytes = i64::try_from(options.bytes_at_once).unwrap_or(i64::MAX);
    let read = async {
        let row = client.query_one(UPTO, &[&most, &bytes]).await?;
        let (after, upto): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        match after < upto {
            true => Ok(Some(Parcel { changes: between(client, after, upto).await?, after, upto })),
            false => Ok(None),
        }
    };
    read.await.map_err(|error: tokio_postgres::Error| failed(&error))
}

/// What changed last between two times, in the order of time.
async fn between(
    client: &Client,
    after: i64,
    upto: i64,
) -> Result<Vec<Change>, tokio_postgres::Error> {
    let mut changes: BTreeMap<i64, Vec<Change>> = BTreeMap::new();
    let tables: [(&str, Read); 5] = [
        (PERSONS, person),
        (IDS, distinct_id),
        (OVERRIDES, override_of),
        (GROUPS, group),
        (GROUP_TYPES, group_type),
    ];
    for (sql, change) in tables {
        for row in client.query(sql, &[&after, &upto]).await? {
            let at: i64 = row.try_get("changed")?;
            changes.entry(at).or_default().push(change(&row)?);
        }
    }
    Ok(changes.into_values().flatten().collect())
}

type Read = fn(&Row) -> Result<Change, tokio_postgres::Error>;

fn person(row: &Row) -> Result<Change, tokio_postgres::Error> {
    let seen_at: Option<i64> = row.try_get(5)?;
    Ok(Change::Person {
        team: TeamId(row.try_get(0)?),
        id: PersonId(row.try_get(1)?),
        version: row.try_get(2)?,
        created_at: Timestamp::from_micros(row.try_get(3)?),
        is_identified: row.try_get(4)?,
        last_seen_at: seen_at.map(Timestamp::from_micros),
        properties: row.try_get(6)?,
        is_deleted: row.try_get(7)?,
    })
}

fn distinct_id(row: &Row) -> Result<Change, tokio_postgres::Error> {
    let (team, distinct_id): (_, String) = (TeamId(row.try_get(0)?), row.try_get(1)?);
    let person: Option<Uuid> = row.try_get(2)?;
    let own = || PersonId::in_project(team, &distinct_id);
    Ok(Change::DistinctId {
        team,
        person_id: person.map_or_else(own, PersonId),
        is_deleted: person.is_none(),
        distinct_id,
        version: row.try_get(3)?,
    })
}

fn override_of(row: &Row) -> Result<Change, tokio_postgres::Error> {
    Ok(Change::Override {
        team: TeamId(row.try_get(0)?),
        old_person_id: PersonId(row.try_get(1)?),
        person_id: PersonId(row.try_get(2)?),
        version: row.try_get(3)?,
    })
}

fn group(row: &Row) -> Result<Change, tokio_postgres::Error> {
    Ok(Change::Group {
        team: TeamId(row.try_get(0)?),
        type_index: row.try_get::<_, i16>(1)?.into(),
        key: row.try_get(2)?,
        created_at: Timestamp::from_micros(row.try_get(3)?),
        properties: row.try_get(4)?,
        version: row.try_get(5)?,
        is_deleted: row.try_get(6)?,
    })
}

fn group_type(row: &Row) -> Result<Change, tokio_postgres::Error> {
    Ok(Change::GroupType {
        team: TeamId(row.try_get(0)?),
        index: row.try_get::<_, i16>(1)?.into(),
        name: row.try_get(2)?,
    })
}

fn failed(error: &tokio_postgres::Error) -> Error {
    address::failed("read changes of", error)
}
