//! Where everything lies in the folder.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::day::Partition;
use crate::{Error, Table, disk};

/// The folder of the tables, seen from the lake's.
const TABLES: &str = "data";

/// A file's path relative to the lake's folder, which may be moved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FilePath(Arc<str>);

impl FilePath {
    /// Names a new data file; names grow with time.
    pub(crate) fn new_data(table: &Table, partition: Partition) -> Self {
        let (name, directory) = (table.name(), partition.directory(table));
        Self(format!("{TABLES}/{name}/{directory}/{}.parquet", Uuid::now_v7()).into())
    }

    pub(crate) fn metadata(table: &Table, name: &str) -> Self {
        Self(format!("{TABLES}/{}/metadata/{name}", table.name()).into())
    }

    /// A table's metadata of one version, under the name that path-based readers look for.
    pub(crate) fn table_metadata(table: &Table, version: u64) -> Self {
        Self::metadata(table, &format!("v{version}.metadata.json"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for FilePath {
    fn from(path: String) -> Self {
        Self(path.into())
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The lake's folder.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: Arc<Path>,
    /// The root as text, since Iceberg's paths are text.
    root_text: Arc<str>,
}

impl Layout {
    /// Creates the folders where they are missing.
    pub(crate) fn create(dir: &Path) -> Result<Self, Error> {
        disk::create_dir(dir)?;
        let layout = Self::existing(dir)?;
        for table in Table::all() {
            disk::create_dir(&layout.metadata(table))?;
        }
        Ok(layout)
    }

    /// Finds the folder as it is.
    pub(crate) fn existing(dir: &Path) -> Result<Self, Error> {
        let root = std::fs::canonicalize(dir).map_err(|source| Error::io("find", dir, source))?;
        let root_text = root.to_str().ok_or_else(|| Error::NotText { path: root.clone() })?.into();
        Ok(Self { root: root.into(), root_text })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn root_text(&self) -> &str {
        &self.root_text
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.root.join("catalog.db")
    }

    pub(crate) fn table(&self, table: &Table) -> PathBuf {
        self.root.join(TABLES).join(table.name())
    }

    pub(crate) fn metadata(&self, table: &Table) -> PathBuf {
        self.table(table).join("metadata")
    }

    pub(crate) fn orphans(&self) -> PathBuf {
        self.root.join("orphans")
    }

    pub(crate) fn partition(&self, table: &Table, partition: Partition) -> PathBuf {
        self.table(table).join(partition.directory(table))
    }

    pub(crate) fn absolute(&self, path: &FilePath) -> PathBuf {
        self.root.join(path.as_str())
    }

    pub(crate) fn table_uri(&self, table: &Table) -> String {
        format!("file://{}/{TABLES}/{}", self.root_text, table.name())
    }

    pub(crate) fn uri(&self, path: &FilePath) -> String {
        uri_at(&self.root_text, path)
    }

    /// The path of a file of this lake that was given as an absolute URI.
    pub(crate) fn relative(&self, uri: &str) -> Option<FilePath> {
        let path =
            uri.strip_prefix("file://")?.strip_prefix(&*self.root_text)?.strip_prefix('/')?;
        Some(FilePath(path.into()))
    }
}

/// The absolute name of a file of a lake that lies, or lay, at `root`.
pub(crate) fn uri_at(root: &str, path: &FilePath) -> String {
    format!("file://{root}/{path}")
}
