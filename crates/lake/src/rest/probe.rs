//! Whether a catalog and its storage can be written to, for `hogflare doctor`.

use bytes::Bytes;
use sink::Error;
use uuid::Uuid;

use super::Config;
use super::client::Client;
use super::manifests::metadata_file;
use super::shape::Shape;
use super::storage::Storage;
use crate::Table;

/// Asks for each table, and writes, reads and deletes an object beside the first; says how many tables
/// there are already.
///
/// # Errors
/// When something is wrong with catalog, tables or storage.
pub async fn probe(config: &Config) -> Result<usize, Error> {
    let client = Client::new(config.clone())
        .map_err(|error| Error::paused(format!("no request can be made: {error}")))?;
    let mut found = 0;
    for table in Table::all() {
        let Some(loaded) = client.load(table.name()).await? else { continue };
        Shape::of(table, &loaded.metadata).map_err(|why| {
            Error::paused(format!("table {} cannot be written to: {why}", table.name()))
        })?;
        if found == 0 {
            let storage = Storage::of(&loaded, &config.storage)?;
            let name = format!("hogflare-doctor-{}", Uuid::new_v4());
            let uri = metadata_file(&loaded.metadata, &name);
            storage.put(&uri, Bytes::from_static(b"hogflare doctor")).await?;
            let read = storage.get(&uri).await;
            storage.delete(&[uri]).await;
            read?;
        }
        found += 1;
    }
    Ok(found)
}
