//! Files that no table knows.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Problem;
use crate::catalog::{Catalog, Kept};
use crate::layout::{FilePath, Layout};
use crate::projection::HINT;
use crate::start::{data_files, entries};
use crate::{Error, Table};

/// A file that a running server wrote to so lately may be in the making.
const IN_THE_MAKING: Duration = Duration::from_mins(10);

/// Finds them in a table's folder.
pub(super) fn find(
    layout: &Layout,
    table: &'static Table,
    catalog: &Catalog,
    is_served: bool,
) -> Result<Vec<Problem>, Error> {
    // Files before what is known of them, or those in between would be unknown.
    let mut files = data_files(layout, table)?;
    files.extend(entries(&layout.metadata(table))?);
    let mut kept = catalog.kept()?;
    kept.insert(FilePath::metadata(table, HINT).to_string());
    if let Some(projected) = catalog.projected(table)? {
        keep_metadata(layout, table, projected.version, &mut kept);
    }
    let name = |path: &PathBuf| Some(path.strip_prefix(layout.root()).ok()?.to_str()?.to_owned());
    let strays = files.iter().filter(|path| !is_served || !is_in_the_making(path));
    let names = strays.filter_map(name).filter(|name| !kept.contains(name));
    let is_there = |name: &String| layout.root().join(name).exists();
    let what = "it is in no table; a start puts it aside";
    Ok(names.filter(is_there).map(|name| Problem::of_file(table, &name, what)).collect())
}

/// The newest metadata file, and those that it names.
fn keep_metadata(layout: &Layout, table: &Table, version: u64, kept: &mut Kept) {
    let newest = FilePath::table_metadata(table, version);
    let read = std::fs::read(layout.absolute(&newest)).ok();
    let parsed = read.and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok());
    let log = parsed.as_ref().and_then(|metadata| metadata["metadata-log"].as_array());
    let named = log.into_iter().flatten().filter_map(|entry| entry["metadata-file"].as_str());
    let names = named.filter_map(|uri| uri.rsplit('/').next());
    kept.extend(names.map(|name| FilePath::metadata(table, name).to_string()));
    kept.insert(newest.to_string());
}

fn is_in_the_making(path: &Path) -> bool {
    let modified = std::fs::metadata(path).and_then(|file| file.modified());
    let age = modified.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    age.is_none_or(|age| age < IN_THE_MAKING)
}
