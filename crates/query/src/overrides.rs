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

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use lake::{Table, Version};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::insights::OfId;
use crate::lake_table::LakeTable;
use crate::{Error, Source, remote_files};

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

/// What is known of the lake's files from one query to the next.
#[derive(Debug, Default)]
pub(crate) struct KnownOverrides(Mutex<OfFiles>);

impl KnownOverrides {
    /// The newest version of what is asked, and its overrides.
    pub(crate) async fn of_newest(
        &self,
        source: &Source,
        context: &SessionContext,
    ) -> Result<(Arc<Version>, Overrides), Error> {
        let lake = match source {
            Source::Lake(lake) => lake,
            Source::Catalog(tables) => {
                let shown = tables.ready()?;
                remote_files::register(&context.runtime_env(), shown.version.remote())?;
                return Ok((Arc::clone(&shown.version), shown.overrides.with(Map::default())));
            }
        };
        let mut known = self.0.lock().await;
        // Taken under the lock, versions come in order: what is known is never of a later one.
        let version = lake.version();
        known.take_in(&version, context).await?;
        let known = known.clone();
        let mut tail = Map::default();
        for batch in version.batches(table()) {
            tail.take_in(batch)?;
        }
        Ok((version, known.with(tail)))
    }
}

fn table() -> &'static Table {
    Table::of(event::Table::PersonOverrides)
}

/// The overrides of files.
#[derive(Clone, Debug, Default)]
pub(crate) struct OfFiles {
    files: BTreeSet<PathBuf>,
    map: Arc<Map>,
}

impl OfFiles {
    /// Adds the overrides of files that are new. Rows of files that were merged away are in others,
    /// but for superseded ones, which a map has not kept either.
    pub(crate) async fn take_in(
        &mut self,
        version: &Version,
        context: &SessionContext,
    ) -> Result<()> {
        let files = version.files(table());
        let new: Vec<_> =
            files.iter().filter(|file| !self.files.contains(&file.path)).cloned().collect();
        if !new.is_empty() {
            let rows = context.read_table(Arc::new(LakeTable::of_files(version, table(), new)))?;
            let rows = rows.select_columns(&COLUMNS)?.collect().await?;
            let map = Arc::make_mut(&mut self.map);
            rows.iter().try_for_each(|batch| map.take_in(batch))?;
        }
        self.files = files.iter().map(|file| file.path.clone()).collect();
        Ok(())
    }

    /// Whether a file is gone of which overrides are known: others may delete what we never would.
    pub(crate) fn lacks_files(&self, version: &Version) -> bool {
        let there: BTreeSet<_> = version.files(table()).iter().map(|file| &file.path).collect();
        self.files.iter().any(|file| !there.contains(file))
    }

    fn with(&self, tail: Map) -> Overrides {
        Overrides { files: Arc::clone(&self.map), tail }
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
        let mut unread = 0;
        for row in 0..rows.num_rows() {
            let is_whole = teams.is_valid(row) && versions.is_valid(row);
            let persons = person_in(&old, row).zip(person_in(&new, row)).filter(|_| is_whole);
            let Some((former, person)) = persons else {
                unread += 1;
                continue;
            };
            let target = Target { version: versions.value(row), person };
            let newest = self.0.entry((teams.value(row), former)).or_insert(target);
            if target.version > newest.version {
                *newest = target;
            }
        }
        if unread > 0 {
            // None that this program wrote; a table of others may have any.
            tracing::warn!(
                rows = unread,
                "rows of person_overrides name no persons, and are left out"
            );
        }
        Ok(())
    }
}

fn person_in(ids: &StringArray, row: usize) -> Option<[u8; 16]> {
    let id = ids.is_valid(row).then(|| ids.value(row))?;
    Uuid::parse_str(id).ok().map(Uuid::into_bytes)
}

fn misread() -> DataFusionError {
    DataFusionError::Execution("a file of person_overrides is not what this program writes".into())
}
