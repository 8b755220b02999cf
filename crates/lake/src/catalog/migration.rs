//! Catalogs of earlier versions of this program.
//!
//! | version | |
//! |---|---|
//! | 1 | there was one table, `events`, and a table `lake` with what `tables` has now |
//! | 2 | rows of `files`, `partitions`, `snapshots` and `removed_files` name their table |
//! | 3 | nothing here changed, but there are tables that keep the latest: a program that does not know them would put their rows in quarantine |
//! | 4 | `erasures` and `erased_rows`; `files` say which erasures they are free of, `tables` since when snapshots may be shown |

use super::Catalog;
use super::tables::FORMAT_VERSION;
use crate::Error;
use crate::error::CatalogContext;

const FROM_1_TO_2: &str = "
CREATE TABLE tables (
    table_name TEXT PRIMARY KEY,
    table_uuid TEXT NOT NULL,
    generation INTEGER NOT NULL,
    root TEXT,
    projected_generation INTEGER NOT NULL,
    metadata_version INTEGER NOT NULL,
    sequence_number INTEGER NOT NULL
) STRICT;
INSERT INTO tables SELECT 'events', table_uuid, generation, root, projected_generation,
    metadata_version, sequence_number FROM lake;
DROP TABLE lake;

ALTER TABLE files ADD COLUMN table_name TEXT NOT NULL DEFAULT 'events';
DROP INDEX files_by_day;
CREATE INDEX files_by_partition ON files (table_name, day);

ALTER TABLE partitions RENAME TO partitions_1;
CREATE TABLE partitions (
    table_name TEXT NOT NULL,
    day INTEGER,
    generation INTEGER NOT NULL,
    manifest TEXT,
    manifest_generation INTEGER,
    UNIQUE (table_name, day)
) STRICT;
INSERT INTO partitions SELECT 'events', day, generation, manifest, manifest_generation
    FROM partitions_1;
DROP TABLE partitions_1;

ALTER TABLE snapshots ADD COLUMN table_name TEXT NOT NULL DEFAULT 'events';
ALTER TABLE removed_files ADD COLUMN table_name TEXT NOT NULL DEFAULT 'events';
";

const FROM_3_TO_4: &str = "
ALTER TABLE tables ADD COLUMN erased_generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN free_of INTEGER NOT NULL DEFAULT 0;
CREATE TABLE erasures (
    number INTEGER PRIMARY KEY,
    erasure_id TEXT NOT NULL,
    team_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    journal_id TEXT NOT NULL,
    journal_offset INTEGER NOT NULL,
    record BLOB,
    read_at INTEGER NOT NULL,
    rewritten_at INTEGER,
    unlisted_at INTEGER,
    gone_at INTEGER
) STRICT;
CREATE TABLE erased_rows (
    number INTEGER NOT NULL,
    table_name TEXT NOT NULL,
    removed INTEGER NOT NULL,
    anonymized INTEGER NOT NULL,
    PRIMARY KEY (number, table_name)
) STRICT;
";

/// What a reader needs of this version, for an older catalog that it must not change.
const SHOW_ERASURES: &str = "
CREATE TEMP VIEW erasures AS SELECT 0 AS number, '' AS journal_id, 0 AS journal_offset,
    NULL AS record, 0 AS rewritten_at WHERE false;
";
const SHOW_1: &str = "
CREATE TEMP VIEW files AS SELECT *, 'events' AS table_name, 0 AS free_of FROM main.files;
";
const SHOW_2_AND_3: &str = "
CREATE TEMP VIEW files AS SELECT *, 0 AS free_of FROM main.files;
";

impl Catalog {
    /// Brings the catalog to the format of this program.
    pub(crate) fn migrate(&mut self) -> Result<(), Error> {
        let from = self.format_version()?;
        if from == FORMAT_VERSION {
            return Ok(());
        }
        let transaction = self.begin("migrate")?;
        if from == 1 {
            transaction.execute_batch(FROM_1_TO_2).context("migrate")?;
        }
        if from < 4 {
            transaction.execute_batch(FROM_3_TO_4).context("migrate")?;
        }
        transaction.pragma_update(None, "user_version", FORMAT_VERSION).context("migrate")?;
        transaction.commit().context("migrate")?;
        tracing::info!(from, to = FORMAT_VERSION, "brought the lake's catalog up to date");
        Ok(())
    }

    /// Shows an older catalog to this connection in the format of this program, and leaves it as it
    /// is.
    pub(super) fn show_as_migrated(&self) -> Result<(), Error> {
        let files = match self.format_version()? {
            1 => SHOW_1,
            2 | 3 => SHOW_2_AND_3,
            _ => return Ok(()),
        };
        let show = |views| self.connection.execute_batch(views).context("read");
        show(files).and_then(|()| show(SHOW_ERASURES))
    }
}
