//! Where everything lies in the folder.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::Error;
use crate::day::Partition;
use crate::disk;

/// The table's folder, seen from the lake's.
const TABLE: &str = "data/events";

/// A file's path relative to the lake's folder, which may be moved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FilePath(Arc<str>);

impl FilePath {
    /// Names a new data file; names grow with time.
    pub(crate) fn new_data(partition: Partition) -> Self {
        Self(format!("{TABLE}/{}/{}.parquet", partition.directory(), Uuid::now_v7()).into())
    }

    pub(crate) fn metadata(name: &str) -> Self {
        Self(format!("{TABLE}/metadata/{name}").into())
    }

    /// The table's metadata of one version, under the name that path-based readers look for.
    pub(crate) fn table_metadata(version: u64) -> Self {
        Self::metadata(&format!("v{version}.metadata.json"))
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
        disk::create_dir(&layout.metadata())?;
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

    pub(crate) fn table(&self) -> PathBuf {
        self.root.join(TABLE)
    }

    pub(crate) fn metadata(&self) -> PathBuf {
        self.table().join("metadata")
    }

    pub(crate) fn orphans(&self) -> PathBuf {
        self.root.join("orphans")
    }

    pub(crate) fn partition(&self, partition: Partition) -> PathBuf {
        self.table().join(partition.directory())
    }

    pub(crate) fn absolute(&self, path: &FilePath) -> PathBuf {
        self.root.join(path.as_str())
    }

    pub(crate) fn table_uri(&self) -> String {
        format!("file://{}/{TABLE}", self.root_text)
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
