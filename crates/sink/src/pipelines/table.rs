//! The streams of persons and groups: each gets the rows of one table, and has that table's schema.
//!
//! A row is the whole state of one thing under a version that grows. So a row that is sent twice, or
//! late, does no harm: of a key the highest version counts.

use event::{Erasures, Promoted, StoredRow, Table};
use journal::{JournalId, Record};

use super::row;
use super::source::{JsonRow, RowSource, rows_of};
use crate::Error;

/// A stream of a table, beside those of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableStream {
    /// The table.
    pub table: Table,
    /// The setting that gives its endpoint.
    pub setting: &'static str,
    /// The name of its sink.
    pub sink: &'static str,
}

impl TableStream {
    /// All that there may be.
    pub const ALL: [Self; 5] = [
        Self {
            table: Table::Persons,
            setting: "CLOUDFLARE_PERSONS_PIPELINE_ENDPOINT",
            sink: "persons-pipelines",
        },
        Self {
            table: Table::PersonDistinctIds,
            setting: "CLOUDFLARE_DISTINCT_IDS_PIPELINE_ENDPOINT",
            sink: "distinct-ids-pipelines",
        },
        Self {
            table: Table::PersonOverrides,
            setting: "CLOUDFLARE_OVERRIDES_PIPELINE_ENDPOINT",
            sink: "overrides-pipelines",
        },
        Self {
            table: Table::Groups,
            setting: "CLOUDFLARE_GROUPS_PIPELINE_ENDPOINT",
            sink: "groups-pipelines",
        },
        Self {
            table: Table::GroupTypes,
            setting: "CLOUDFLARE_GROUP_TYPES_PIPELINE_ENDPOINT",
            sink: "group-types-pipelines",
        },
    ];
}

/// The rows of a table.
#[derive(Clone, Debug)]
pub struct TableRows {
    /// The table.
    pub table: Table,
    /// What is not sent any more.
    pub erasures: Erasures,
}

impl RowSource for TableRows {
    fn rows(&self, record: &Record, journal_id: JournalId) -> Result<Vec<JsonRow>, Error> {
        let rows = rows_of(record, journal_id, &self.erasures, |row| row.table() == self.table)?;
        let json = rows.iter().map(|(offset, row)| {
            let stored = StoredRow {
                row,
                promoted: &Promoted::default(),
                journal_id: journal_id.as_uuid(),
                journal_offset: offset.get(),
            };
            let mut json = Vec::with_capacity(row.properties.len() + 512);
            row::append(self.table, stored, &mut json);
            (*offset, json)
        });
        Ok(json.collect())
    }
}
