//! One table of the catalog.

use std::collections::HashMap;
use std::time::Duration;

use arrow::array::RecordBatch;
use iceberg::spec::TableMetadata;
use iceberg_catalog_rest::{CommitTableRequest, CreateTableRequest, LoadTableResult};
use journal::{JournalId, Offset};
use sink::Error;
use tracing::info;
use uuid::Uuid;

use super::client::{Client, Outcome};
use super::commit::Pending;
use super::shape::{Found, Shape};
use super::storage::Storage;
use super::{Config, iceberg};
use crate::Table;
use crate::projection::schema;

/// How often a start puts right what another node is putting right at that moment.
const TRIES: usize = 8;
/// Between such tries.
const BETWEEN_TRIES: Duration = Duration::from_millis(300);

/// What a table of ours is made with. Old metadata files would stay for ever.
const PROPERTIES: [(&str, &str); 5] = [
    ("owner", "hogflare"),
    ("format-version", "2"),
    ("write.parquet.compression-codec", "zstd"),
    ("write.metadata.delete-after-commit.enabled", "true"),
    ("write.metadata.previous-versions-max", "20"),
];

/// A table that can be written to.
#[derive(Debug)]
pub(super) struct CatalogTable {
    pub(super) table: &'static Table,
    pub(super) uuid: Uuid,
    /// Below which its objects are.
    pub(super) location: String,
    pub(super) shape: Shape,
    pub(super) storage: Storage,
    /// The property that has the cursor.
    pub(super) property: String,
    /// Below this offset the table has all its rows of the journal.
    pub(super) committed: Option<Offset>,
    /// Rows that are in no file yet.
    pub(super) waiting: Vec<RecordBatch>,
    /// What is being committed.
    pub(super) pending: Option<Pending>,
}

impl CatalogTable {
    /// Makes the table ready, and the catalog's table with it.
    pub(super) async fn settle(
        table: &'static Table,
        client: &Client,
        config: &Config,
        journal_id: JournalId,
    ) -> Result<Self, Error> {
        for _ in 0..TRIES {
            let Some(loaded) = client.load(table.name()).await? else {
                if client.create(&creation(table)?).await? {
                    info!(table = table.name(), "made in the catalog");
                }
                continue;
            };
            match Shape::of(table, &loaded.metadata).map_err(|why| unfit(table, &why))? {
                Found::Good(shape) => {
                    let storage = Storage::of(&loaded, &config.storage)?;
                    let property = format!("hogflare.cursor.{journal_id}");
                    let (waiting, pending) = (Vec::new(), None);
                    let committed = cursor(table, &loaded.metadata, &property)?;
                    let uuid = loaded.metadata.uuid();
                    let location = location(&loaded.metadata);
                    return Ok(Self {
                        table,
                        uuid,
                        location,
                        shape,
                        storage,
                        property,
                        committed,
                        waiting,
                        pending,
                    });
                }
                Found::Lacking(requirements, updates) => {
                    info!(table = table.name(), "adding what the catalog's table lacks");
                    let identifier = Some(client.identifier(table.name()));
                    let change = CommitTableRequest { identifier, requirements, updates };
                    match client.commit(table.name(), &change).await {
                        Outcome::Done => {}
                        Outcome::Conflict(_) => tokio::time::sleep(BETWEEN_TRIES).await,
                        Outcome::Unknown(error) | Outcome::Refused(error) => return Err(error),
                    }
                }
            }
        }
        Err(Error::transient(format!("table {} changes all the time", table.name())))
    }

    pub(super) fn name(&self) -> &'static str {
        self.table.name()
    }

    /// Loads the table as it is now, with new credentials.
    pub(super) async fn load(
        &mut self,
        client: &Client,
        config: &Config,
    ) -> Result<LoadTableResult, Error> {
        let name = self.name();
        let again = "if that was meant to be, start Hogflare again";
        let Some(loaded) = client.load(name).await? else {
            return Err(Error::paused(format!("table {name} is gone from the catalog; {again}")));
        };
        if loaded.metadata.uuid() != self.uuid {
            let message = format!("table {name} of the catalog is another one by now; {again}");
            return Err(Error::paused(message));
        }
        self.location = location(&loaded.metadata);
        self.storage = self.storage.with_news(&loaded, &config.storage)?;
        Ok(loaded)
    }

    /// The cursor that the catalog has.
    pub(super) fn cursor(&self, metadata: &TableMetadata) -> Result<Option<Offset>, Error> {
        cursor(self.table, metadata, &self.property)
    }
}

fn location(metadata: &TableMetadata) -> String {
    metadata.location().trim_end_matches('/').to_owned()
}

fn cursor(
    table: &Table,
    metadata: &TableMetadata,
    property: &str,
) -> Result<Option<Offset>, Error> {
    let Some(text) = metadata.properties().get(property) else { return Ok(None) };
    let offset = text.parse().map(Offset::new);
    offset.map(Some).map_err(|_| unfit(table, &format!("its property {property} is {text}")))
}

fn unfit(table: &Table, why: &str) -> Error {
    Error::paused(format!("table {} of the catalog cannot be written to: {why}", table.name()))
}

fn creation(table: &'static Table) -> Result<CreateTableRequest, Error> {
    let made = || -> ::iceberg::Result<CreateTableRequest> {
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(CreateTableRequest {
            name: table.name().to_owned(),
            location: None,
            schema: schema::schema(table)?.as_ref().clone(),
            partition_spec: Some(schema::first_spec(table)?),
            write_order: Some(schema::sort_order(table)?),
            stage_create: Some(false),
            properties: HashMap::from(PROPERTIES.map(text)),
        })
    };
    iceberg(made(), "describe a table")
}
