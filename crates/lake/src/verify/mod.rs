//! Looks whether a lake is what its catalog says, and the catalog what it must be.
//!
//! The catalog is read through a connection of its own, table by table, and files are read one after
//! the other, so a running server goes on. What it changes meanwhile is no fault: a file with a fault
//! counts only if it is in the table still, and one of metadata only if it is there again a moment
//! later. Files that no table knows are let be while they may be in the making.

mod files;
mod metadata;
mod strays;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use journal::{Journal, Offset};
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Inspected};
use crate::shared::Shared;
use crate::{Error, Table};

/// How often metadata is looked at where it has a fault, …
const TRIES: usize = 5;

/// … and how long a server may take between two of its files.
const PAUSE: Duration = Duration::from_millis(100);

/// How closely to look.
#[derive(Clone, Debug, Default)]
pub struct Verify {
    /// Whether every row is read, not only what files say of themselves.
    pub reads_rows: bool,
    /// The journal that feeds the lake.
    pub journal: Option<Journal>,
}

/// What was looked at, and found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Of each table.
    pub tables: Vec<VerifiedTable>,
    /// Nothing where all is well.
    pub problems: Vec<Problem>,
}

/// What was looked at of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedTable {
    /// Its name.
    pub table: String,
    /// Files of rows.
    pub files: u64,
    /// Rows that they have.
    pub rows: u64,
    /// Snapshots in Iceberg's metadata.
    pub snapshots: u64,
    /// Manifests of all of them.
    pub manifests: u64,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// In which table; `None` where it concerns all.
    pub table: Option<String>,
    /// Of which file, seen from the lake's folder.
    pub file: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl Problem {
    fn of_file(table: &Table, file: &str, what: impl Into<String>) -> Self {
        let (table, file) = (Some(table.name().to_owned()), Some(file.to_owned()));
        Self { table, file, what: what.into() }
    }

    fn of_table(table: &Table, what: impl Into<String>) -> Self {
        Self { table: Some(table.name().to_owned()), file: None, what: what.into() }
    }
}

impl Shared {
    /// Looks at everything.
    pub(crate) fn verify(&self, how: &Verify) -> Result<Verified, Error> {
        // In this order, since the journal lets go of rows that are committed, and gets new ones.
        let first = how.journal.as_ref().map(Journal::first);
        // Its files are not deleted while it is held.
        let version = self.current.get();
        let catalog = Catalog::open_read_only(self.layout.clone())?;
        catalog.check_is_present()?;
        let mut verified = Verified::default();
        for table in Table::all() {
            self.verify_table(table, &catalog, how, &mut verified)?;
        }
        if let (Some(journal), Some(first)) = (&how.journal, first)
            && let Some(cursor) = version.cursor(journal.id())
        {
            verified.problems.extend(cursor_problem(cursor.offset, first, journal.synced()));
        }
        Ok(verified)
    }

    fn verify_table(
        &self,
        table: &'static Table,
        catalog: &Catalog,
        how: &Verify,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        let inspected = catalog.inspect(table)?;
        for listing in &inspected.files {
            if self.stopping.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            let name = &listing.file.name;
            if let Err(what) = files::check(listing, how.reads_rows)
                && catalog.is_listed(name)?
            {
                verified.problems.push(Problem::of_file(table, name.as_str(), what));
            }
        }
        let (files, rows) =
            (&inspected.files, inspected.files.iter().map(|listing| listing.file.rows));
        let (files, rows) = (files.len() as u64, rows.sum());
        let metadata = self.verify_metadata(table, catalog, inspected)?;
        verified.tables.push(VerifiedTable {
            table: table.name().to_owned(),
            files,
            rows,
            snapshots: metadata.snapshots,
            manifests: metadata.manifests,
        });
        verified.problems.extend(metadata.problems);
        let is_served = self.options().is_ok();
        verified.problems.extend(strays::find(&self.layout, table, catalog, is_served)?);
        Ok(())
    }

    fn verify_metadata(
        &self,
        table: &'static Table,
        catalog: &Catalog,
        mut inspected: Inspected,
    ) -> Result<metadata::Checked, Error> {
        let mut tries = 0;
        loop {
            let checked = metadata::check(&self.layout, table, &inspected);
            tries += 1;
            if checked.problems.is_empty() || tries == TRIES {
                return Ok(checked);
            }
            if catalog.projected(table)? == inspected.projected {
                // The catalog knows it before everything that names it is written.
                thread::sleep(PAUSE);
            }
            inspected = catalog.inspect(table)?;
        }
    }
}

/// The lake must have no rows that the journal has not, and lack none that it has no more.
fn cursor_problem(cursor: Offset, first: Offset, end: Offset) -> Option<Problem> {
    let what = match cursor {
        cursor if cursor > end => {
            format!("the lake has rows up to offset {cursor}, and the journal only up to {end}")
        }
        cursor if cursor < first => {
            format!("the lake has rows up to offset {cursor}, and the journal only from {first} on")
        }
        _ => return None,
    };
    Some(Problem { table: None, file: None, what })
}
