//! Who keeps persons and groups, and who may read them beside.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use identity::postgres::{self, Address, Inbox, Node, Outbox};
use identity::{Keeper, Lookup, Reader, Settings, Stateless, Store, StoreOptions};
use journal::{Journal, Offset};
use tracing::{info, warn};
use uuid::Uuid;

use crate::config::{Config, State};
use crate::data_dir::DataDir;
use crate::service::shared_persons::Shared;

/// Persons and groups, as far as they are kept.
pub(crate) struct Persons {
    /// For the sequencer.
    pub(crate) keeper: Box<dyn Keeper>,
    /// For whoever asks; `None` where nothing is kept.
    pub(crate) reader: Option<Arc<dyn Lookup>>,
    /// What PostgreSQL has for this node, where nodes share persons.
    pub(crate) shared: Option<Shared>,
}

/// Opens what is kept of persons beside this journal.
pub(crate) fn open(
    config: &Config,
    data_dir: &DataDir,
    journal: &Journal,
) -> anyhow::Result<Persons> {
    let settings = || Settings {
        group_types: config.group_types.clone(),
        person_properties_on_events: config.person_properties_on_events,
        ..Settings::default()
    };
    match &config.state {
        State::None => {
            if config.pipelines.as_ref().is_some_and(|streams| !streams.tables.is_empty()) {
                warn!(
                    "the streams of persons and groups get nothing, since HOGFLARE_STATE is none"
                );
            }
            Ok(Persons { keeper: Box::new(Stateless), reader: None, shared: None })
        }
        State::Embedded => {
            let path = data_dir.persons();
            let id = journal.id().as_uuid();
            let store = Store::open(&path, id, settings(), StoreOptions::default())
                .with_context(|| format!("cannot open {}", path.display()))?;
            let reader = Arc::new(store.reader(&path)?);
            Ok(Persons { keeper: Box::new(store), reader: Some(reader), shared: None })
        }
        State::Postgres(address) => {
            let has_rows = journal.synced() > Offset::ZERO || data_dir.lake().exists();
            let node = Node { journal_id: journal.id().as_uuid(), is_new: !has_rows };
            in_postgres(address, settings(), &data_dir.persons(), node)
        }
    }
}

/// Opens what nodes share. PostgreSQL need not be there yet.
fn in_postgres(
    address: &Address,
    settings: Settings,
    embedded: &Path,
    node: Node,
) -> anyhow::Result<Persons> {
    if embedded.exists() {
        bail!(
            "{} has persons that PostgreSQL does not (HOGFLARE_STATE): their versions in the lake would \
             contradict each other. Begin in a new data folder, or go on with `embedded`",
            embedded.display()
        );
    }
    info!(at = %address, "persons are in PostgreSQL");
    let options = postgres::Options::default();
    let store = postgres::Store::open(address.clone(), Some(node), settings, options)
        .context("cannot keep persons in PostgreSQL (HOGFLARE_STATE)")?;
    let outbox = Outbox::new(address.clone(), options);
    let reader = postgres::Reader::new(address.clone(), options, outbox.availability())?;
    let inbox = Inbox::new(address.clone(), options, node);
    let shared = Some(Shared { outbox, inbox });
    Ok(Persons { keeper: Box::new(store), reader: Some(Arc::new(reader)), shared })
}

/// How far a checkpoint reflects this journal: the journal must not give these rows to others.
pub(crate) fn known_to(data_dir: &DataDir, journal_id: Uuid) -> anyhow::Result<u64> {
    let path = data_dir.persons();
    if !path.exists() {
        return Ok(0);
    }
    let cursor = Reader::of_file(&path)?.cursor().filter(|cursor| cursor.journal_id == journal_id);
    Ok(cursor.map_or(0, |cursor| cursor.offset))
}
