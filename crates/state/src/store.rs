//! The store: a database, and transactions on it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::database::{Access, Connect, Database, Postgres, Sqlite, Transaction};
use crate::{Error, migrations};

/// Keeps what people configure. What it offers stands with what it is about.
#[derive(Debug)]
pub struct Store {
    database: Box<dyn Database>,
    /// Whether the tables are as this program knows them.
    is_migrated: AtomicBool,
}

impl Store {
    /// Opens a SQLite file, and makes it where there is none.
    ///
    /// # Errors
    /// When it cannot be opened, or a newer program wrote it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let store = Self::on(Box::new(Sqlite::open(path)?));
        store.migrate()?;
        Ok(store)
    }

    /// Opens what nodes share in PostgreSQL, and makes it where there is nothing. It need not be there
    /// yet: until then nothing can be read. Must not be called on an async thread, nor anything else
    /// here.
    ///
    /// # Errors
    /// When a newer program wrote it.
    pub fn open_shared(connect: Connect) -> Result<Self, Error> {
        let store = Self::on(Box::new(Postgres::new(connect)?));
        match store.migrate() {
            Ok(()) | Err(Error::Unreachable(_)) => Ok(store),
            Err(error) => Err(error),
        }
    }

    fn on(database: Box<dyn Database>) -> Self {
        Self { database, is_migrated: AtomicBool::new(false) }
    }

    /// Makes the tables, or brings them up to what this program knows, unless that was done.
    fn migrate(&self) -> Result<(), Error> {
        if !self.is_migrated.load(Ordering::Relaxed) {
            migrations::migrate(&*self.database)?;
            self.is_migrated.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    pub(crate) fn read<T>(
        &self,
        work: impl FnMut(&mut dyn Transaction) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.transact(Access::Read, work)
    }

    pub(crate) fn write<T>(
        &self,
        work: impl FnMut(&mut dyn Transaction) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.transact(Access::Write, work)
    }

    fn transact<T>(
        &self,
        access: Access,
        mut work: impl FnMut(&mut dyn Transaction) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.migrate()?;
        let mut done = None;
        self.database.transact(access, &mut |transaction| {
            done = Some(work(transaction)?);
            Ok(())
        })?;
        Ok(done.expect("a transaction that succeeds was done"))
    }
}
