//! Who keeps persons and groups, and who may read them beside.

use anyhow::Context;
use identity::{Keeper, Reader, Settings, Stateless, Store, StoreOptions};
use journal::Journal;
use tracing::warn;
use uuid::Uuid;

use crate::config::{Config, State};
use crate::data_dir::DataDir;

/// Persons and groups, as far as they are kept.
pub(crate) struct Persons {
    /// For the sequencer.
    pub(crate) keeper: Box<dyn Keeper>,
    /// For whoever asks; `None` where nothing is kept.
    pub(crate) reader: Option<Reader>,
}

/// Opens what is kept of persons beside this journal.
pub(crate) fn open(
    config: &Config,
    data_dir: &DataDir,
    journal: &Journal,
) -> anyhow::Result<Persons> {
    match config.state {
        State::None => {
            if config.pipelines.as_ref().is_some_and(|streams| !streams.tables.is_empty()) {
                warn!(
                    "the streams of persons and groups get nothing, since HOGFLARE_STATE is none"
                );
            }
            Ok(Persons { keeper: Box::new(Stateless), reader: None })
        }
        State::Embedded => {
            let path = data_dir.persons();
            let settings = Settings {
                group_types: config.group_types.clone(),
                person_properties_on_events: config.person_properties_on_events,
                ..Settings::default()
            };
            let id = journal.id().as_uuid();
            let store = Store::open(&path, id, settings, StoreOptions::default())
                .with_context(|| format!("cannot open {}", path.display()))?;
            let reader = store.reader(&path)?;
            Ok(Persons { keeper: Box::new(store), reader: Some(reader) })
        }
    }
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
