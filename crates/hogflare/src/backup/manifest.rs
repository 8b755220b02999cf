//! What a backup consists of.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::copier::write_synced;

/// Grows when an older program could not put a backup back.
const FORMAT_VERSION: u32 = 1;

const NAME: &str = "manifest.json";
const SUM_NAME: &str = "manifest.json.sha256";

/// `manifest.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Manifest {
    pub(crate) format_version: u32,
    /// The version of the program that made it.
    pub(crate) hogflare: String,
    /// When the journal was cut: what was acknowledged before is in the backup.
    pub(crate) made_at: String,
    /// The same in microseconds.
    pub(crate) made_at_micros: i64,
    /// Whose folder it was.
    pub(crate) data_dir: String,
    /// Where the persons are: in the folder, in PostgreSQL, or nowhere.
    pub(crate) state: String,
    pub(crate) journals: Journals,
    /// Rows of `events` in the lake's files; those of the journal come on top.
    pub(crate) lake_event_rows: u64,
    /// What could not be copied.
    pub(crate) missing: Vec<String>,
    /// By path in the data folder.
    pub(crate) files: BTreeMap<String, File>,
}

/// Where each journal was cut.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Journals {
    pub(crate) events: Option<Cut>,
    pub(crate) recordings: Option<Cut>,
}

/// What every version of the manifest has.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// A journal up to an offset.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Cut {
    pub(crate) journal_id: String,
    pub(crate) end: u64,
}

/// A file of a backup.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct File {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// When the original was changed, in nanoseconds: one that was not since is not copied again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) modified: Option<i64>,
}

impl Manifest {
    pub(crate) const FORMAT_VERSION: u32 = FORMAT_VERSION;

    /// What all files take.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes).sum()
    }

    /// Reads the manifest of a backup, and checks that it is as it was written.
    ///
    /// # Errors
    /// When it is not, or a later version of this program wrote it.
    pub(crate) fn load(backup: &Path) -> anyhow::Result<Self> {
        let path = backup.join(NAME);
        let bytes = std::fs::read(&path)
            .with_context(|| format!("{} is no backup: no {NAME} in it", backup.display()))?;
        let sum_path = backup.join(SUM_NAME);
        let sum = std::fs::read_to_string(&sum_path)
            .with_context(|| format!("cannot read {}", sum_path.display()))?;
        if sum != sum_line(&bytes) {
            bail!("{} is damaged: it does not match {SUM_NAME}", path.display());
        }
        let read = |error| format!("cannot read {}: {error}", path.display());
        let Version { format_version } = serde_json::from_slice(&bytes)
            .map_err(|error: serde_json::Error| anyhow::anyhow!(read(error)))?;
        if format_version > FORMAT_VERSION {
            bail!(
                "{} has format {format_version}, and this program knows formats up to {FORMAT_VERSION}; \
                 restore it with the newer program that made it",
                path.display()
            );
        }
        serde_json::from_slice(&bytes).map_err(|error| anyhow::anyhow!(read(error)))
    }

    /// Writes it, durably but for its name.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) fn store(&self, backup: &Path) -> anyhow::Result<()> {
        let bytes = serde_json::to_vec_pretty(self)?;
        write_synced(&backup.join(NAME), &bytes)?;
        write_synced(&backup.join(SUM_NAME), sum_line(&bytes).as_bytes())
    }
}

fn sum_line(manifest: &[u8]) -> String {
    format!("{}  {NAME}\n", hex::encode(Sha256::digest(manifest)))
}
