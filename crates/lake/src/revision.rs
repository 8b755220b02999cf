//! What is put right in rows as they are written anew.
//!
//! Whatever rewrites a file may as well write what its rows are by now: without those that were
//! erased, and with the persons that they belong to since persons were merged. So files that were
//! merged need no override any more, and readers that know of none count persons right in them.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::erasure::{Counts, Erasing, Number, Pending};
use crate::overrides::Overrides;
use crate::version::DataFile;
use crate::{Error, Table};

/// What is put right in the files of one table.
#[derive(Debug)]
pub(crate) struct Revisions {
    pub(crate) erasures: Arc<Pending>,
    /// `None` for a table without persons that could have become another's.
    pub(crate) overrides: Option<Arc<Overrides>>,
}

impl Revisions {
    /// What is put right in one file.
    pub(crate) fn of(&self, file: &DataFile) -> Revision {
        let erasing = self.erasures.erasing(file.free_of.get());
        Revision { erasing, overrides: self.overrides.clone() }
    }

    /// The last erasure that files are free of then.
    pub(crate) fn free_of(&self) -> Number {
        self.erasures.last()
    }
}

/// What is put right in one file.
#[derive(Debug)]
pub(crate) struct Revision {
    erasing: Option<Arc<Erasing>>,
    overrides: Option<Arc<Overrides>>,
}

impl Revision {
    /// The rows as they are by now; those that stay, in the same order.
    pub(crate) fn apply(
        &self,
        table: &'static Table,
        rows: RecordBatch,
        erased: &mut Counts,
    ) -> Result<RecordBatch, Error> {
        let rows = match &self.erasing {
            Some(erasing) => erasing.apply(table, rows, erased)?,
            None => rows,
        };
        match &self.overrides {
            Some(overrides) => overrides.apply(rows),
            None => Ok(rows),
        }
    }

    /// What is erased, if anything.
    pub(crate) fn erasing(&self) -> Option<&Erasing> {
        self.erasing.as_deref()
    }
}
