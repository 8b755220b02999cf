//! Files of the metadata folder, while a projection writes them.

use iceberg::io::{FileIO, FileWrite, OutputFile};
use iceberg::spec::TableMetadata;
use uuid::Uuid;

use crate::layout::{FilePath, Layout};
use crate::{Error, Table, disk};

/// The number of the newest metadata file, from which path-based readers begin.
pub(crate) const HINT: &str = "version-hint.text";

/// What was written for one projection.
pub(super) struct MetadataFiles {
    layout: Layout,
    table: &'static Table,
    io: FileIO,
    written: Vec<FilePath>,
}

impl MetadataFiles {
    pub(super) fn new(layout: &Layout, table: &'static Table) -> Self {
        Self { layout: layout.clone(), table, io: FileIO::new_with_fs(), written: Vec::new() }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Names a new manifest, which is synced when its writer closes it.
    pub(super) fn new_manifest(&mut self) -> Result<(FilePath, OutputFile), Error> {
        let name = FilePath::metadata(self.table, &format!("{}-m0.avro", Uuid::new_v4()));
        let output = self.output(&name)?;
        Ok((name, output))
    }

    pub(super) fn new_manifest_list(
        &mut self,
        name: &FilePath,
    ) -> Result<Box<dyn FileWrite>, Error> {
        let output = self.output(name)?;
        wait(output.writer()).map_err(|error| Error::projection("write", error))
    }

    fn output(&mut self, name: &FilePath) -> Result<OutputFile, Error> {
        self.written.push(name.clone());
        let uri = self.layout.uri(name);
        self.io.new_output(uri).map_err(|error| Error::projection("write", error))
    }

    pub(super) fn write_table(
        &mut self,
        version: u64,
        metadata: &TableMetadata,
    ) -> Result<(), Error> {
        let name = FilePath::table_metadata(self.table, version);
        let json =
            serde_json::to_vec(metadata).map_err(|error| Error::projection("write", error))?;
        self.written.push(name.clone());
        disk::write_atomically(&self.layout.absolute(&name), &json)
    }

    /// Makes the names of the files durable.
    pub(super) fn sync(&self) -> Result<(), Error> {
        disk::sync_dir(&self.layout.metadata(self.table))
    }

    /// Removes what was not registered.
    pub(super) fn remove(&self) {
        for name in &self.written {
            if let Err(error) = disk::remove_file(&self.layout.absolute(name)) {
                tracing::warn!(%error, "metadata that was not registered stays until the next start");
            }
        }
    }
}

pub(super) fn write_hint(layout: &Layout, table: &Table, version: u64) -> Result<(), Error> {
    disk::write_atomically(&layout.metadata(table).join(HINT), version.to_string().as_bytes())
}

/// Waits for a future of the library, whose file system blocks anyway.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Handle::current().block_on(future)
}

pub(super) fn manifest_list(table: &Table, snapshot_id: i64) -> FilePath {
    FilePath::metadata(table, &format!("snap-{snapshot_id}-1-{}.avro", Uuid::new_v4()))
}

/// A positive number that nobody has drawn before.
pub(crate) fn random_id() -> i64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    i64::try_from(high >> 1).unwrap_or(i64::MAX)
}
