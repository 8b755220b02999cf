//! What changed in PostgreSQL, handed on to the tables of the lake by one node.
//!
//! Every change has the clock's time, and whoever sees a time sees all before it. So a cursor is
//! enough: what changed after it is handed on, stored in the journal of the node that does it, and
//! the cursor is moved. That is at least once, which does no harm, since of a key the highest version
//! counts. What changed twice in between is handed on once.
//!
//! An advisory lock tells whose turn it is. It ends with the connection, and another node goes on.

use std::collections::BTreeMap;

use event::{Change, PersonId, TeamId, Timestamp};
use tokio_postgres::{Client, Row};
use tracing::info;

use super::address::{self, Connected};
use super::{Address, Options, schema};
use crate::Error;

/// Whoever holds this advisory lock hands changes on.
const LOCK: i64 = 0x686f_6766_6c61_7201;

/// The time up to which no table has many more changes than so many: the smallest of those where each
/// has so many, else the present.
const UPTO: &str = "
    SELECT o.at, least(c.at,
        (SELECT max(changed) FROM (SELECT changed FROM hogflare.persons
            WHERE changed > o.at ORDER BY changed LIMIT $1) t HAVING count(*) = $1),
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

/// An id that was only used without a person is nobody's, and in no table of the lake.
const IDS: &str = "
    SELECT team_id, distinct_id, person_id, version, changed
    FROM hogflare.person_distinct_ids WHERE changed > $1 AND changed <= $2 AND person_id IS NOT NULL";

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
    /// A connection that holds the lock.
    turn: Option<Connected>,
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
    pub const fn new(address: Address, options: Options) -> Self {
        Self { address, options, turn: None }
    }

    /// Whether it is this node's turn.
    pub const fn has_turn(&self) -> bool {
        self.turn.is_some()
    }

    /// Waits until it is this node's turn and something changed. Until it is confirmed, the next ones
    /// are the same.
    ///
    /// # Errors
    /// When PostgreSQL fails; it may be called again, after a while.
    pub async fn next_changes(&mut self) -> Result<Parcel, Error> {
        loop {
            if let Some(parcel) = self.look().await.inspect_err(|_| self.turn = None)? {
                return Ok(parcel);
            }
            tokio::time::sleep(self.options.poll_interval).await;
        }
    }

    /// Notes that these changes are stored, and need not be handed on again.
    ///
    /// # Errors
    /// When PostgreSQL fails, or another node's turn came: they are then handed on again.
    pub async fn confirm(&mut self, parcel: Parcel) -> Result<(), Error> {
        let Some(turn) = &self.turn else {
            return Err(Error::Unreachable("the connection ended".to_owned()));
        };
        let confirmed = turn.client.execute(CONFIRM, &[&parcel.after, &parcel.upto]).await;
        confirmed.map(|_| ()).map_err(|error| {
            self.turn = None;
            failed(&error)
        })
    }

    async fn look(&mut self) -> Result<Option<Parcel>, Error> {
        let limit = self.options.statement_timeout * 2;
        let answer = tokio::time::timeout(limit, self.look_now()).await;
        answer.unwrap_or_else(|_| Err(Error::Unreachable("it does not answer".to_owned())))
    }

    async fn look_now(&mut self) -> Result<Option<Parcel>, Error> {
        if self.turn.is_none() {
            self.turn = self.take_turn().await?;
        }
        match &self.turn {
            Some(turn) => read(&turn.client, self.options.rows_at_once).await,
            None => Ok(None),
        }
    }

    async fn take_turn(&self) -> Result<Option<Connected>, Error> {
        schema::migrate(&self.address, &self.options).await?;
        let connected = self.address.connect(&self.options).await?;
        let lock = "SELECT pg_try_advisory_lock($1)";
        let row = connected.client.query_one(lock, &[&LOCK]).await;
        let has_lock: bool = row.map_err(|error| failed(&error))?.get(0);
        if has_lock {
            info!("this node hands on changes of persons");
        }
        Ok(has_lock.then_some(connected))
    }
}

async fn read(client: &Client, rows_at_once: usize) -> Result<Option<Parcel>, Error> {
    let most = i64::try_from(rows_at_once).unwrap_or(i64::MAX);
    let read = async {
        let row = client.query_one(UPTO, &[&most]).await?;
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
    Ok(Change::DistinctId {
        team: TeamId(row.try_get(0)?),
        distinct_id: row.try_get(1)?,
        person_id: PersonId(row.try_get(2)?),
        version: row.try_get(3)?,
        is_deleted: false,
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
