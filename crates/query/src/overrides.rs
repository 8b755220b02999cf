//! Which rows of `events` belong to another person than the one they were written with.
//!
//! The overrides of a version are a map in memory, so that resolving them costs a look-up where a
//! query asks for persons, and nothing where it does not or where there are none. Files of overrides
//! never change, so the map is kept from query to query and takes in what is new; those of the tail,
//! a few seconds' worth, are read for each query.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use lake::{Table, Version};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::insights::OfId;
use crate::lake_table::LakeTable;
use crate::{Source, remote_files};

/// The columns that a map is made of.
const COLUMNS: [&str; 4] = ["team_id", "old_person_id", "person_id", "version"];

/// A person of a project.
type Person = (i64, [u8; 16]);

/// By each overridden person the one that has its rows, as of the highest version.
#[derive(Clone, Debug, Default)]
struct Map(HashMap<Person, Target, BuildHasherDefault<OfId>>);

#[derive(Clone, Copy, Debug)]
struct Target {
    version: i64,
    person: [u8; 16],
}

/// The overrides of one version of the lake.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    files: Arc<Map>,
    tail: Map,
}

impl Overrides {
    pub(crate) fn is_empty(&self) -> bool {
        self.files.0.is_empty() && self.tail.0.is_empty()
    }

    /// The person that has the rows of this one; `None` where it is still itself.
    pub(crate) fn person(&self, team: i64, person: Uuid) -> Option<Uuid> {
        let key = (team, person.into_bytes());
        let newest = [self.files.0.get(&key), self.tail.0.get(&key)];
        let target = newest.into_iter().flatten().max_by_key(|target| target.version)?;
        (target.person != key.1).then(|| Uuid::from_bytes(target.person))
    }

    /// Whose rows this person may have, in whatever project; each of them once or twice.
    pub(crate) fn formerly(&self, person: Uuid) -> Vec<Uuid> {
        let all = self.files.0.iter().chain(&self.tail.0);
        let is_of = |target: &Target| target.person == person.into_bytes();
        let former = all.filter(|(_, target)| is_of(target)).map(|((_, former), _)| former);
        former.map(|former| Uuid::from_bytes(*former)).collect()
    }
}

/// What is known of files from one query to the next.
#[derive(Debug, Default)]
pub(crate) struct KnownOverrides(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    files: BTreeSet<PathBuf>,
    map: Arc<Map>,
}

impl KnownOverrides {
    /// The newest version of the lake, and its overrides.
    pub(crate) async fn of_newest(
        &self,
        source: &Source,
        context: &SessionContext,
    ) -> Result<(Arc<Version>, Overrides)> {
        let mut known = self.0.lock().await;
        // Taken under the lock, versions come in order: what is known is never of a later one.
        let version = source.version();
        remote_files::register(&context.runtime_env(), version.remote())?;
        let table = Table::of(event::Table::PersonOverrides);
        known.take_in(table, &version, context).await?;
        let files = known.map.clone();
        drop(known);
        let mut tail = Map::default();
        for batch in version.batches(table) {
            tail.take_in(batch)?;
        }
        Ok((version, Overrides { files, tail }))
    }
}

impl Known {
    /// Adds the overrides of files that are new. Rows of files that were merged away are in others,
    /// but for superseded ones, which a map has not kept either.
    async fn take_in(
        &mut self,
        table: &'static Table,
        version: &Version,
        context: &SessionContext,
    ) -> Result<()> {
        let files = version.files(table);
        let new: Vec<_> =
            files.iter().filter(|file| !self.files.contains(&file.path)).cloned().collect();
        if !new.is_empty() {
            let rows = context.read_table(Arc::new(LakeTable::of_files(version, table, new)))?;
            let rows = rows.select_columns(&COLUMNS)?.collect().await?;
            let map = Arc::make_mut(&mut self.map);
            rows.iter().try_for_each(|batch| map.take_in(batch))?;
        }
        self.files = files.iter().map(|file| file.path.clone()).collect();
        Ok(())
    }
}

impl Map {
    fn take_in(&mut self, rows: &RecordBatch) -> Result<()> {
        let [teams, old, new, versions] = COLUMNS.map(|name| rows.column_by_name(name));
        let numbers = |column: Option<&ArrayRef>| column?.as_primitive_opt::<Int64Type>().cloned();
        let texts = |column: Option<&ArrayRef>| column?.as_string_opt::<i32>().cloned();
        let columns = (numbers(teams), texts(old), texts(new), numbers(versions));
        let (Some(teams), Some(old), Some(new), Some(versions)) = columns else {
            return Err(misread());
        };
        for row in 0..rows.num_rows() {
            let key = (teams.value(row), person_in(&old, row)?);
            let target = Target { version: versions.value(row), person: person_in(&new, row)? };
            let newest = self.0.entry(key).or_insert(target);
            if target.version > newest.version {
                *newest = target;
            }
        }
        Ok(())
    }
}

fn person_in(ids: &StringArray, row: usize) -> Result<[u8; 16]> {
    Uuid::parse_str(ids.value(row)).map(Uuid::into_bytes).map_err(|_| misread())
}

fn misread() -> DataFusionError {
    DataFusionError::Execution("a file of person_overrides is not what this program writes".into())
}
