//! Where PostgreSQL is, and how to connect to it.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Options;
use crate::Error;

/// What PostgreSQL calls this program where the address says nothing.
const APPLICATION: &str = "hogflare";

/// The only encoding that has every character.
const ENCODING: &str = "UTF8";

/// Where PostgreSQL is: `postgres://user:password@host/database?sslmode=require`. Its `Debug` says no
/// password.
#[derive(Clone, Debug)]
pub struct Address(Config);

impl FromStr for Address {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        let mut config: Config = url.parse().map_err(|error| Error::Address(cause(&error)))?;
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION);
        }
        Ok(Self(config))
    }
}

impl fmt::Display for Address {
    /// Where, and nothing that is secret: hosts and the database.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, host) in self.0.get_hosts().iter().enumerate() {
            let separator = if number == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(f, "{separator}{name}")?,
                Host::Unix(folder) => write!(f, "{separator}{}", folder.display())?,
            }
        }
        write!(f, "/{}", self.0.get_dbname().or(self.0.get_user()).unwrap_or_default())
    }
}

/// A connection; it ends with this.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Client,
    driver: Driver,
}

#[derive(Debug)]
struct Driver(Option<JoinHandle<()>>);

impl Drop for Driver {
    fn drop(&mut self) {
        // It would else wait for the answer to what nobody waits for.
        if let Some(driver) = &self.0 {
            driver.abort();
        }
    }
}

impl Address {
    /// Connects for whoever keeps something else there; the connection ends with its client.
    ///
    /// # Errors
    /// When PostgreSQL cannot be reached, or refuses.
    pub async fn client(&self, options: &Options) -> Result<Client, Error> {
        let Connected { client, mut driver } = self.connect(options).await?;
        driver.0 = None;
        Ok(client)
    }

    /// Connects, and sets the connection up.
    pub(super) async fn connect(&self, options: &Options) -> Result<Connected, Error> {
        let mut config = self.0.clone();
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(options.connect_timeout);
        }
        let limit = options.connect_timeout + options.statement_timeout;
        let connected = tokio::time::timeout(limit, set_up(&config, options)).await;
        connected.unwrap_or_else(|_| Err(Error::Unreachable("it does not answer".to_owned())))
    }
}

async fn set_up(config: &Config, options: &Options) -> Result<Connected, Error> {
    let failed = |error| failed("open the database of", &error);
    let connected = open(config).await.map_err(failed)?;
    let milliseconds = options.statement_timeout.as_millis();
    // Whatever is read is looked up by its key, however small a table seems when it is planned. That
    // is too little to be worth compiling.
    let settings = format!(
        "SET statement_timeout = {milliseconds};
        SET idle_in_transaction_session_timeout = {milliseconds};
        SET enable_seqscan = off;
        SET jit = off"
    );
    connected.client.batch_execute(&settings).await.map_err(failed)?;
    let row = connected.client.query_one("SHOW server_encoding", &[]).await.map_err(failed)?;
    match row.get(0) {
        ENCODING => Ok(connected),
        other => Err(Error::Encoding(other.to_owned())),
    }
}

async fn open(config: &Config) -> Result<Connected, tokio_postgres::Error> {
    if config.get_ssl_mode() == SslMode::Disable {
        return open_plain(config).await;
    }
    match config.connect(MakeRustlsConnect::with_webpki_roots()).await {
        Ok((client, connection)) => Ok(driven(client, connection)),
        // Encryption is preferred to none, and none to nothing: a certificate that nobody knows is
        // common on a machine's own PostgreSQL.
        Err(error) if is_optional(config) && error.as_db_error().is_none() => {
            let mut plain = config.clone();
            open_plain(plain.ssl_mode(SslMode::Disable)).await
        }
        Err(error) => Err(error),
    }
}

fn is_optional(config: &Config) -> bool {
    config.get_ssl_mode() == SslMode::Prefer
}

async fn open_plain(config: &Config) -> Result<Connected, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    Ok(driven(client, connection))
}

fn driven(
    client: Client,
    connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
) -> Connected {
    let driver = tokio::spawn(async move {
        // Whoever waits for an answer gets the error.
        connection.await.ok();
    });
    Connected { client, driver: Driver(Some(driver)) }
}

/// The error of whoever tried this.
///
/// A server that is not there, starts or ends is waited for; one that refuses is not.
pub(super) fn failed(action: &'static str, error: &tokio_postgres::Error) -> Error {
    match error.code().is_some_and(|code| !is_passing(code)) {
        true => Error::Postgres { action, cause: cause(error) },
        false => Error::Unreachable(cause(error)),
    }
}

/// Whether the server ends the connection, has no more to give, or is one that only reads since
/// another took over.
fn is_passing(code: &SqlState) -> bool {
    let class = |class: &str| code.code().starts_with(class);
    class("08")
        || class("57P")
        || [SqlState::TOO_MANY_CONNECTIONS, SqlState::READ_ONLY_SQL_TRANSACTION].contains(code)
}

/// An error with all that it comes from.
pub(super) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string does not fail.
        write!(text, ": {error}").ok();
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_does_not_show_its_password() {
        let address: Address = "postgres://me:secret@db.example/persons".parse().unwrap();
        let shown = format!("{address:?}");
        assert!(shown.contains("db.example") && !shown.contains("secret"), "{shown}");
        assert_eq!(address.to_string(), "db.example/persons");
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for url in ["postgres://me:secret@db:port/", "postgres://me:secret@db/?sslmode=sure"] {
            let error = url.parse::<Address>().unwrap_err();
            assert!(matches!(error, Error::Address(_)));
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
