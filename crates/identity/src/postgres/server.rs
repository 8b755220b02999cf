//! The connection to PostgreSQL, for a thread that waits.
//!
//! A connection that ends is made again when it is needed next. Where that fails, nothing is tried for
//! a while, so that callers are let go at once instead of one after the other.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tracing::{info, warn};

use super::address::{Connected, failed};
use super::statements::Statements;
use super::waiting::Waiting;
use super::{Address, Node, Options, schema};
use crate::Error;

/// What [`super::statements`] has end a transaction that was decided on what is no longer so.
const REFUSED: &str = "HF001";

/// Why a group is not settled yet.
#[derive(Debug)]
pub(super) enum Failure {
    /// What it was decided on has changed: it can be settled again at once.
    Conflict,
    /// The connection ended, maybe after everything was written: it can be settled again, on another.
    Lost(String),
    /// It cannot be settled.
    Final(Error),
}

/// A connection with its statements.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) connected: Connected,
    pub(super) statements: Statements,
}

/// The connection to PostgreSQL, for a thread that waits.
#[derive(Debug)]
pub(super) struct Server {
    address: Address,
    /// Who has the rows of what is settled.
    node: Option<Node>,
    pub(super) options: Options,
    waiting: Waiting,
    link: Option<Link>,
    /// Whether the tables are as this program knows them.
    is_migrated: bool,
    absence: Option<Absence>,
}

/// PostgreSQL was not there.
#[derive(Debug)]
struct Absence {
    cause: String,
    until: Instant,
    next: Duration,
}

impl Server {
    pub(super) fn new(
        address: Address,
        node: Option<Node>,
        options: Options,
    ) -> Result<Self, Error> {
        let waiting = Waiting::new("persons-postgres")?;
        Ok(Self { address, node, options, waiting, link: None, is_migrated: false, absence: None })
    }

    /// Connects where there is no connection, and says whether there was none.
    pub(super) fn connect(&mut self) -> Result<bool, Error> {
        if self.link.as_ref().is_some_and(|link| !link.connected.client.is_closed()) {
            return Ok(false);
        }
        self.link = None;
        if let Some(absence) = &self.absence
            && Instant::now() < absence.until
        {
            return Err(Error::Unreachable(absence.cause.clone()));
        }
        let opened = open(&self.address, self.node.as_ref(), &self.options, self.is_migrated);
        match self.waiting.wait_for(opened) {
            Ok(link) => {
                if self.absence.take().is_some() {
                    info!("PostgreSQL can be reached again");
                }
                self.is_migrated = true;
                // From now on it may have rows.
                if let Some(node) = &mut self.node {
                    node.is_new = false;
                }
                self.link = Some(link);
                Ok(true)
            }
            Err(error) => {
                self.note_absence(&error);
                Err(error)
            }
        }
    }

    /// Ends the connection, and with it whatever it was about.
    pub(super) fn disconnect(&mut self) {
        self.link = None;
    }

    /// Asks PostgreSQL, and waits for the answer.
    pub(super) fn ask<'a, T, F>(
        &'a self,
        action: &'static str,
        ask: impl FnOnce(&'a Link) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        let Some(link) = &self.link else {
            return Err(Failure::Lost("there is no connection".to_owned()));
        };
        // The server gives up first, where it is there.
        let limit = self.options.statement_timeout * 2;
        let answer = self.waiting.wait_for(async { tokio::time::timeout(limit, ask(link)).await });
        match answer {
            Ok(answer) => answer.map_err(|error| Failure::of(action, &error)),
            Err(_) => {
                let cause = "it does not answer".to_owned();
                Err(Failure::Final(Error::Unreachable(cause)))
            }
        }
    }

    fn note_absence(&mut self, error: &Error) {
        let cause = match error {
            Error::Unreachable(cause) => cause.clone(),
            error => error.to_string(),
        };
        let wait = self.absence.as_ref().map_or(self.options.retry_interval, |last| last.next);
        if self.absence.is_none() {
            warn!(%error, "whose events are is not known until PostgreSQL is there again");
        }
        let next = (wait * 2).min(self.options.longest_retry_interval);
        self.absence = Some(Absence { cause, until: Instant::now() + wait, next });
    }
}

impl Failure {
    fn of(action: &'static str, error: &tokio_postgres::Error) -> Self {
        match error.code() {
            Some(code) if is_conflict(code) => Self::Conflict,
            _ => match failed(action, error) {
                Error::Unreachable(cause) => Self::Lost(cause),
                error => Self::Final(error),
            },
        }
    }

    /// The error where nothing more is tried.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Conflict => Error::Contended,
            Self::Lost(cause) => Error::Unreachable(cause),
            Self::Final(error) => error,
        }
    }
}

fn is_conflict(code: &SqlState) -> bool {
    code.code() == REFUSED
        || [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
}

async fn open(
    address: &Address,
    node: Option<&Node>,
    options: &Options,
    is_migrated: bool,
) -> Result<Link, Error> {
    if !is_migrated {
        schema::migrate(address, options).await?;
    }
    let connected = address.connect(options).await?;
    let client = &connected.client;
    let set_up = async {
        if let Some(node) = node {
            node.register(client).await?;
        }
        Statements::prepare(client).await
    };
    match tokio::time::timeout(options.statement_timeout, set_up).await {
        Ok(Ok(statements)) => Ok(Link { connected, statements }),
        Ok(Err(error)) => Err(failed("prepare to read", &error)),
        Err(_) => Err(Error::Unreachable("it does not answer".to_owned())),
    }
}
