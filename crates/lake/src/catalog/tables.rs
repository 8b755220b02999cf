//! The tables of `catalog.db`.

/// The format of `catalog.db`, its `user_version`. It grows when a table changes; an older program refuses a
/// newer catalog.
pub const FORMAT_VERSION: i64 = 4;

/// Under which PyIceberg asks for tables.
pub(super) const CATALOG_NAME: &str = "hogflare";
pub(super) const NAMESPACE: &str = "default";

/// The last two tables are PyIceberg's, of its schema version `v1`.
pub(super) const CREATE: &str = "
CREATE TABLE tables (
    table_name TEXT PRIMARY KEY,
    table_uuid TEXT NOT NULL,
    generation INTEGER NOT NULL,
    root TEXT,
    projected_generation INTEGER NOT NULL,
    metadata_version INTEGER NOT NULL,
    sequence_number INTEGER NOT NULL,
    erased_generation INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE cursors (
    journal_id TEXT PRIMARY KEY,
    next_offset INTEGER NOT NULL
) STRICT;

CREATE TABLE files (
    path TEXT PRIMARY KEY,
    table_name TEXT NOT NULL,
    day INTEGER,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    min_timestamp INTEGER NOT NULL,
    max_timestamp INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    metrics TEXT NOT NULL,
    generation INTEGER NOT NULL,
    snapshot_id INTEGER,
    sequence_number INTEGER,
    free_of INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX files_by_partition ON files (table_name, day);

CREATE TABLE partitions (
    table_name TEXT NOT NULL,
    day INTEGER,
    generation INTEGER NOT NULL,
    manifest TEXT,
    manifest_generation INTEGER,
    UNIQUE (table_name, day)
) STRICT;

CREATE TABLE snapshots (
    snapshot_id INTEGER PRIMARY KEY,
    table_name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    manifest_list TEXT NOT NULL
) STRICT;

CREATE TABLE removed_files (
    path TEXT PRIMARY KEY,
    table_name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    unlisted_at INTEGER,
    added_generation INTEGER,
    rows INTEGER,
    bytes INTEGER
) STRICT;

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

CREATE TABLE iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);

CREATE TABLE iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
);
";
