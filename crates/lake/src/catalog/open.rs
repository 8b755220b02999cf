//! Opens `catalog.db`, and creates it where there is none.

use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use uuid::Uuid;

use super::Catalog;
use super::tables::{CREATE, FORMAT_VERSION};
use crate::error::CatalogContext;
use crate::layout::Layout;
use crate::{Error, Table, disk};

/// How long to wait for others, who may read the catalog at any time and rarely write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

impl Catalog {
    /// Opens the catalog for writing. A new one is empty until it is created.
    pub(crate) fn open(layout: Layout) -> Result<Self, Error> {
        let connection = Connection::open(layout.catalog()).context("open")?;
        connection.busy_timeout(BUSY_TIMEOUT).context("open")?;
        connection.pragma_update(None, "journal_mode", "WAL").context("open")?;
        connection.pragma_update(None, "synchronous", "FULL").context("open")?;
        connection.pragma_update(None, "secure_delete", "ON").context("open")?;
        let catalog = Self { connection, layout };
        catalog.check_format()?;
        Ok(catalog)
    }

    /// Whether there are no tables yet.
    pub(crate) fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.format_version()? == 0)
    }

    /// Opens the catalog for reading.
    pub(crate) fn open_read_only(layout: Layout) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(layout.catalog(), flags).context("open")?;
        connection.busy_timeout(BUSY_TIMEOUT).context("open")?;
        let catalog = Self { connection, layout };
        catalog.check_format()?;
        catalog.show_as_migrated()?;
        Ok(catalog)
    }

    /// Creates the catalog, without a table of the lake yet.
    pub(crate) fn create(&mut self) -> Result<(), Error> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .context("create")?;
        transaction.execute_batch(CREATE).context("create")?;
        transaction.pragma_update(None, "user_version", FORMAT_VERSION).context("create")?;
        transaction.commit().context("create")?;
        disk::sync_dir(self.layout.root())
    }

    /// Adds the tables of the lake that are not there yet, empty.
    pub(crate) fn add_tables(&mut self) -> Result<(), Error> {
        let transaction = self.begin("add tables to")?;
        for table in Table::all() {
            transaction
                .execute(
                    "INSERT OR IGNORE INTO tables VALUES (?1, ?2, 0, NULL, 0, 0, 0, 0)",
                    params![table.name(), Uuid::new_v4().to_string()],
                )
                .context("add tables to")?;
        }
        transaction.commit().context("add tables to")
    }

    fn check_format(&self) -> Result<(), Error> {
        let (found, supported) = (self.format_version()?, FORMAT_VERSION);
        match found > supported {
            true => Err(Error::NewerFormat { path: self.path(), found, supported }),
            false => Ok(()),
        }
    }

    pub(super) fn format_version(&self) -> Result<i64, Error> {
        self.connection.pragma_query_value(None, "user_version", |row| row.get(0)).context("read")
    }
}
