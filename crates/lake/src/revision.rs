//! What is put right in rows as they are written anew.
//!
//! Whatever rewrites a file may as well write what its rows are by now: without those that were
//! erased or are too old, and with the persons that they belong to since persons were merged. So files that were
//! merged need no override any more, and readers that know of none count persons right in them.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::catalog::LeftOut;
use crate::day::Day;
use crate::erasure::{Erasing, Number, Pending};
use crate::overrides::Overrides;
use crate::retention;
use crate::version::DataFile;
use crate::{Error, Table};

/// What is put right in the files of one table.
#[derive(Debug)]
pub(crate) struct Revisions {
    pub(crate) erasures: Arc<Pending>,
    /// `None` for a table without persons that could have become another's.
    pub(crate) overrides: Option<Arc<Overrides>>,
    /// The first day that is kept; `None` for a table whose rows do not age.
    pub(crate) kept_from: Option<Day>,
}

impl Revisions {
    /// What is put right in one file.
    pub(crate) fn of(&self, file: &DataFile) -> Revision {
        let erasing = self.erasures.erasing(file.free_of.get());
        // Most files have none that are too old, which is known without looking.
        let kept_from = self.kept_from.filter(|day| Day::of(file.min_timestamp) < *day);
        Revision { erasing, overrides: self.overrides.clone(), kept_from }
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
    kept_from: Option<Day>,
}

impl Revision {
    /// The rows as they are by now; those that stay, in the same order.
    pub(crate) fn apply(
        &self,
        table: &'static Table,
        rows: RecordBatch,
        left_out: &mut LeftOut,
    ) -> Result<RecordBatch, Error> {
        let mut rows = rows;
        if let Some(day) = self.kept_from {
            let before = rows.num_rows();
            rows = retention::since(table, &rows, day)?;
            left_out.aged += (before - rows.num_rows()) as u64;
        }
        if let Some(erasing) = &self.erasing {
            rows = erasing.apply(table, rows, &mut left_out.erased)?;
        }
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
