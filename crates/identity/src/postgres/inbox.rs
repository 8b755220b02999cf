//! Whom other nodes forgot, for the journal of this one.
//!
//! A node that forgets somebody says so in the transaction that does it. Every node asks for what it
//! does not know of yet, stores it in its own journal, and then says up to which time it knows all.
//! Once all nodes know of an erasure, PostgreSQL forgets too whose it was.
//!
//! On every connection all is asked for once more: the folder of a node may be older than what it once
//! confirmed.
//!
//! A node that was not seen for a long time is not waited for. Where it comes back nevertheless, it may
//! have rows of somebody whom nobody can name any more.

use std::time::{Duration, Instant};

use event::{ErasureKind, PersonId, Pseudonym, TeamId, Timestamp};
use tokio_postgres::{Client, Row};
use tracing::{info, warn};
use uuid::Uuid;

use super::address::{self, Connected};
use super::{Address, Node, Options, schema};
use crate::{ErasureRequest, Error, Forgotten, Target};

const NEWS: &str = "
    SELECT id, team_id, requested_at, pseudonym, pseudonym_person_id, distinct_ids, person_ids, changed
    FROM hogflare.erasures WHERE changed > $1 ORDER BY changed LIMIT 100";

const CONFIRM: &str = "
    UPDATE hogflare.nodes SET erasures_at = greatest(erasures_at, $2), seen_at = now()
    WHERE journal_id = $1";

/// Forgets whom all nodes know to be forgotten, as far as they were seen lately.
const FORGET: &str = "
    UPDATE hogflare.erasures
    SET distinct_ids = NULL, person_ids = NULL, pseudonym = NULL, pseudonym_person_id = NULL
    WHERE distinct_ids IS NOT NULL AND changed <= (SELECT min(erasures_at) FROM hogflare.nodes
        WHERE seen_at > now() - make_interval(days => $1))";

const FORGET_NODES: &str = "
    DELETE FROM hogflare.nodes WHERE seen_at <= now() - make_interval(days => $1)";

const UNKNOWN: &str = "
    SELECT w.id FROM unnest($1::uuid[]) AS w (id)
    WHERE NOT EXISTS (SELECT FROM hogflare.erasures e WHERE e.id = w.id)";

/// After how many days a node is not waited for.
const GONE_AFTER_DAYS: i32 = 30;

/// How often a node says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(60);

/// Learns whom other nodes forgot.
#[derive(Debug)]
pub struct Inbox {
    address: Address,
    options: Options,
    node: Node,
    link: Option<Link>,
    is_failing: bool,
}

/// What this connection has not told yet, to be confirmed once it is stored.
#[derive(Debug)]
pub struct News {
    /// Erasures in their order, those of this node included; the target of each is [`Target::Forgotten`].
    pub erasures: Vec<ErasureRequest>,
    /// Erasures of which nobody knows any more whom they were about.
    pub nameless: Vec<Uuid>,
    upto: i64,
}

#[derive(Debug)]
struct Link {
    connected: Connected,
    /// Up to which time everything was told.
    at: i64,
    /// When this node last said that it is there.
    seen_at: Instant,
}

impl Inbox {
    /// Nothing is connected yet.
    pub const fn new(address: Address, options: Options, node: Node) -> Self {
        Self { address, options, node, link: None, is_failing: false }
    }

    /// What is not known yet; asks once.
    ///
    /// # Errors
    /// When PostgreSQL fails; it may be called again, after a while.
    pub async fn look(&mut self) -> Result<Option<News>, Error> {
        let looked = self.look_now().await;
        match &looked {
            Ok(_) if self.is_failing => info!("it is known again whom other nodes forgot"),
            Err(error) if !self.is_failing => {
                warn!(%error, "it is not known whom other nodes forgot, trying again");
            }
            _ => {}
        }
        self.is_failing = looked.is_err();
        looked
    }

    /// Notes that these are stored.
    ///
    /// # Errors
    /// When PostgreSQL fails: they are then read again.
    pub async fn confirm(&mut self, news: News) -> Result<(), Error> {
        let Some(mut link) = self.link.take() else { return Ok(()) };
        let journal_id = self.node.journal_id;
        self.in_time(confirm(&link.connected.client, journal_id, news.upto)).await?;
        link.at = news.upto;
        self.link = Some(link);
        Ok(())
    }

    /// Which of these PostgreSQL never heard of.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn unknown(&mut self, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
        let link = self.link().await?;
        let ask = async {
            let rows = link.connected.client.query(UNKNOWN, &[&ids]).await?;
            rows.iter().map(|row| row.try_get(0)).collect()
        };
        let unknown = self.in_time(ask).await?;
        self.link = Some(link);
        Ok(unknown)
    }

    async fn look_now(&mut self) -> Result<Option<News>, Error> {
        let mut link = self.link().await?;
        if link.seen_at.elapsed() > SIGN_OF_LIFE {
            let journal_id = self.node.journal_id;
            self.in_time(confirm(&link.connected.client, journal_id, link.at)).await?;
            link.seen_at = Instant::now();
        }
        let news = self.in_time(read(&link)).await?;
        self.link = Some(link);
        Ok(news)
    }

    /// The connection, which ends unless it is put back.
    async fn link(&mut self) -> Result<Link, Error> {
        match self.link.take() {
            Some(link) if !link.connected.client.is_closed() => Ok(link),
            _ => {
                let link = self.connect().await?;
                // From now on it may have rows.
                self.node.is_new = false;
                Ok(link)
            }
        }
    }

    async fn connect(&self) -> Result<Link, Error> {
        schema::migrate(&self.address, &self.options).await?;
        let connected = self.address.connect(&self.options).await?;
        let register = async {
            let since = self.node.register(&connected.client).await?;
            // Of nodes that are gone now nobody may have said so before.
            confirm(&connected.client, self.node.journal_id, since).await?;
            Ok(since)
        };
        let at = self.in_time(register).await?;
        Ok(Link { connected, at, seen_at: Instant::now() })
    }

    /// The server gives up first, where it is there.
    async fn in_time<T>(
        &self,
        ask: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.options.statement_timeout * 2, ask).await {
            Ok(answer) => answer.map_err(|error| address::failed("learn of erasures from", &error)),
            Err(_) => Err(Error::Unreachable("it does not answer".to_owned())),
        }
    }
}

async fn read(link: &Link) -> Result<Option<News>, tokio_postgres::Error> {
    let mut news = News { erasures: Vec::new(), nameless: Vec::new(), upto: link.at };
    for row in link.connected.client.query(NEWS, &[&link.at]).await? {
        news.upto = row.try_get("changed")?;
        match erasure(&row)? {
            Some(erasure) => news.erasures.push(erasure),
            None => news.nameless.push(row.try_get("id")?),
        }
    }
    Ok(Some(news).filter(|news| news.upto > link.at))
}

/// An erasure, while it is known whose it is.
fn erasure(row: &Row) -> Result<Option<ErasureRequest>, tokio_postgres::Error> {
    let Some(forgotten) = forgotten(row)? else { return Ok(None) };
    let pseudonym: Option<String> = row.try_get("pseudonym")?;
    let pseudonym_person: Option<Uuid> = row.try_get("pseudonym_person_id")?;
    let kind = match pseudonym.zip(pseudonym_person) {
        None => ErasureKind::Delete,
        Some((distinct_id, person)) => {
            ErasureKind::Anonymize(Pseudonym { distinct_id, person_id: PersonId(person) })
        }
    };
    Ok(Some(ErasureRequest {
        id: row.try_get("id")?,
        team: TeamId(row.try_get("team_id")?),
        target: Target::Forgotten(forgotten),
        kind,
        requested_at: Timestamp::from_micros(row.try_get("requested_at")?),
    }))
}

/// Whom an erasure was about, of its columns `distinct_ids` and `person_ids`.
pub(super) fn forgotten(row: &Row) -> Result<Option<Forgotten>, tokio_postgres::Error> {
    let ids: Option<Vec<&[u8]>> = row.try_get("distinct_ids")?;
    let persons: Option<Vec<Uuid>> = row.try_get("person_ids")?;
    let text = |id: &&[u8]| String::from_utf8_lossy(id).into();
    Ok(ids.zip(persons).map(|(ids, persons)| Forgotten {
        distinct_ids: ids.iter().map(text).collect(),
        person_ids: persons.into_iter().map(PersonId).collect(),
        changes: Vec::new(),
    }))
}

async fn confirm(
    client: &Client,
    journal_id: Uuid,
    upto: i64,
) -> Result<(), tokio_postgres::Error> {
    client.execute(CONFIRM, &[&journal_id, &upto]).await?;
    client.execute(FORGET, &[&GONE_AFTER_DAYS]).await?;
    client.execute(FORGET_NODES, &[&GONE_AFTER_DAYS]).await?;
    Ok(())
}
