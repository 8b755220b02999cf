//! The tables, made and changed by migrations that only go forward.

use tokio_postgres::Client;

use super::address::{self, cause};
use super::{Address, Options};
use crate::Error;

mod embedded {
    #![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "the library writes it")]
    refinery::embed_migrations!("migrations");
}

/// Which migrations were made.
const MIGRATIONS: &str = "hogflare.migrations";

/// Whoever holds this advisory lock makes migrations.
const LOCK: i64 = 0x686f_6766_6c61_7200;

/// Makes the tables, and brings them up to what this program knows.
///
/// Nodes that start at once wait for each other, on connections that end with it.
pub(super) async fn migrate(address: &Address, options: &Options) -> Result<(), Error> {
    let mut connected = address.connect(options).await?;
    let client = &mut connected.client;
    // A large table takes as long as it takes.
    client.batch_execute("SET statement_timeout = 0").await.map_err(failed)?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(failed)?;
    migrate_alone(client).await
}

/// Whether the tables are there, as far as this program can use them.
pub(super) async fn are_there(client: &Client) -> Result<bool, Error> {
    let supported = supported();
    match found(client).await? {
        Some(found) if found > supported => Err(Error::NewerSchema { found, supported }),
        found => Ok(found == Some(supported)),
    }
}

async fn migrate_alone(client: &mut Client) -> Result<(), Error> {
    if are_there(client).await? {
        return Ok(());
    }
    let find = "SELECT to_regnamespace('hogflare') IS NOT NULL";
    if !client.query_one(find, &[]).await.map_err(failed)?.get::<_, bool>(0) {
        client.batch_execute("CREATE SCHEMA hogflare").await.map_err(failed)?;
    }
    let migrated = runner().run_async(client).await;
    migrated.map(|_| ()).map_err(|error| migration_failed(&error))
}

/// The format of the tables that are there.
async fn found(client: &Client) -> Result<Option<i64>, Error> {
    let find = "SELECT to_regclass($1) IS NOT NULL";
    if !client.query_one(find, &[&MIGRATIONS]).await.map_err(failed)?.get::<_, bool>(0) {
        return Ok(None);
    }
    let find = format!("SELECT coalesce(max(version), 0)::int8 FROM {MIGRATIONS}");
    Ok(Some(client.query_one(&find, &[]).await.map_err(failed)?.get(0)))
}

fn supported() -> i64 {
    let runner = runner();
    let versions = runner.get_migrations().iter().map(|migration| i64::from(migration.version()));
    versions.max().unwrap_or_default()
}

fn runner() -> refinery::Runner {
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name(MIGRATIONS);
    runner
}

fn failed(error: tokio_postgres::Error) -> Error {
    address::failed("make tables of", &error)
}

/// A connection that ends is like any other.
fn migration_failed(error: &refinery::Error) -> Error {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<tokio_postgres::Error>() {
            return address::failed("make tables of", error);
        }
        source = error.source();
    }
    Error::Migration(cause(error))
}
