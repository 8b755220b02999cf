//! Whose the rows of `events` are that were written with a person who became another's.
//!
//! A map in memory, made of the files of `person_overrides`. These never change, so it is kept and
//! takes in what is new; rows of files that were merged away are in others, but for superseded ones,
//! which a map has not kept either.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder};
use arrow::datatypes::Int64Type;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::error::ParquetContext;
use crate::layout::FilePath;
use crate::shared::lock;
use crate::version::{DataFile, Version};
use crate::{Error, Table};

/// The columns that the map is made of.
const COLUMNS: [&str; 4] = ["team_id", "old_person_id", "person_id", "version"];

/// A person of a project.
type Person = (i64, [u8; 16]);

/// By each overridden person the one that has its rows, as of the highest version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides(HashMap<Person, Target>);

#[derive(Clone, Copy, Debug)]
struct Target {
    version: i64,
    person: [u8; 16],
}

/// What is known of files from one time to the next.
#[derive(Debug, Default)]
pub(crate) struct KnownOverrides(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    files: BTreeSet<FilePath>,
    overrides: Arc<Overrides>,
}

impl KnownOverrides {
    /// The overrides in the files of a version.
    pub(crate) fn of(&self, version: &Version) -> Result<Arc<Overrides>, Error> {
        let mut known = lock(&self.0);
        let files = version.files(Table::of(event::Table::PersonOverrides));
        let new = files.iter().filter(|file| !known.files.contains(&file.name));
        let new: Vec<&DataFile> = new.map(AsRef::as_ref).collect();
        if !new.is_empty() {
            let overrides = Arc::make_mut(&mut known.overrides);
            new.into_iter().try_for_each(|file| overrides.read(file))?;
        }
        known.files = files.iter().map(|file| file.name.clone()).collect();
        Ok(known.overrides.clone())
    }
}

impl Overrides {
    /// The person that has the rows of this one; `None` where it is still itself.
    fn person(&self, team: i64, person: Uuid) -> Option<Uuid> {
        let target = self.0.get(&(team, person.into_bytes()))?;
        (target.person != person.into_bytes()).then(|| Uuid::from_bytes(target.person))
    }

    /// The rows of `events` with the persons that they belong to.
    pub(crate) fn apply(&self, rows: RecordBatch) -> Result<RecordBatch, Error> {
        let (Some((position, _)), false) =
            (rows.schema_ref().column_with_name("person_id"), self.0.is_empty())
        else {
            return Ok(rows);
        };
        let Some(persons) = self.present(&rows) else {
            return Ok(rows);
        };
        let mut columns = rows.columns().to_vec();
        columns[position] = persons;
        Ok(RecordBatch::try_new(rows.schema(), columns)?)
    }

    /// The column of persons; `None` where all are as they were written.
    fn present(&self, rows: &RecordBatch) -> Option<ArrayRef> {
        let teams = rows.column_by_name("team_id")?.as_primitive_opt::<Int64Type>()?.values();
        let ids = rows.column_by_name("person_id")?.as_string_opt::<i32>()?;
        let present = |row| self.person(teams[row], Uuid::parse_str(ids.value(row)).ok()?);
        let present: Vec<Option<Uuid>> = (0..ids.len()).map(present).collect();
        present.iter().any(Option::is_some).then(|| {
            let mut column =
                StringBuilder::with_capacity(ids.len(), ids.len() * Hyphenated::LENGTH);
            let mut text = [0; Hyphenated::LENGTH];
            for (row, person) in present.into_iter().enumerate() {
                match person {
                    Some(person) => {
                        column.append_value(person.hyphenated().encode_lower(&mut text));
                    }
                    None => column.append_value(ids.value(row)),
                }
            }
            Arc::new(column.finish()) as ArrayRef
        })
    }

    fn read(&mut self, file: &DataFile) -> Result<(), Error> {
        let path = &file.path;
        let opened = std::fs::File::open(path).map_err(|error| Error::io("open", path, error))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(opened).context("open", path)?;
        let columns = ProjectionMask::columns(builder.parquet_schema(), COLUMNS);
        for rows in builder.with_projection(columns).build().context("read", path)? {
            self.take_in(&rows?);
        }
        Ok(())
    }

    fn take_in(&mut self, rows: &RecordBatch) {
        let [teams, old, new, versions] = COLUMNS.map(|name| rows.column_by_name(name));
        let numbers = |column: Option<&ArrayRef>| column?.as_primitive_opt::<Int64Type>().cloned();
        let texts = |column: Option<&ArrayRef>| column?.as_string_opt::<i32>().cloned();
        let columns = (numbers(teams), texts(old), texts(new), numbers(versions));
        let (Some(teams), Some(old), Some(new), Some(versions)) = columns else { return };
        for row in 0..rows.num_rows() {
            let ids = (Uuid::parse_str(old.value(row)), Uuid::parse_str(new.value(row)));
            let (Ok(old), Ok(new)) = ids else { continue };
            let target = Target { version: versions.value(row), person: new.into_bytes() };
            let newest = self.0.entry((teams.value(row), old.into_bytes())).or_insert(target);
            if target.version > newest.version {
                *newest = target;
            }
        }
    }
}
