//! Files in an object store: how a plan finds them, and what of them is remembered.

use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::ParquetSource;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnv;
use lake::{DataFile, Remote, Table, Version};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

/// The object store of one table.
#[derive(Clone, Debug)]
pub(crate) struct RemoteFiles {
    pub(crate) url: ObjectStoreUrl,
    store: Arc<dyn ObjectStore>,
}

impl RemoteFiles {
    /// `None` for a table whose files are on this machine.
    pub(crate) fn of(version: &Version, table: &Table) -> Option<Self> {
        let store = version.remote().and_then(|remote| remote.of(table))?.clone();
        Some(Self { url: url(table).ok()?, store })
    }

    /// Reads files of which the footers are remembered: to fetch one takes as long as a question should.
    pub(crate) fn read(&self, state: &dyn Session, source: ParquetSource) -> ParquetSource {
        let footers = state.runtime_env().cache_manager.get_file_metadata_cache();
        let factory = CachedParquetFileReaderFactory::new(Arc::clone(&self.store), footers);
        source.with_parquet_file_reader_factory(Arc::new(factory))
    }
}

/// Makes the object stores of a version known to plans.
pub(crate) fn register(runtime: &RuntimeEnv, remote: Option<&Remote>) -> Result<()> {
    let Some(remote) = remote else { return Ok(()) };
    for table in Table::all() {
        if let Some(store) = remote.of(table) {
            runtime.register_object_store(url(table)?.as_ref(), Arc::clone(store));
        }
    }
    Ok(())
}

fn url(table: &Table) -> Result<ObjectStoreUrl> {
    // Host names have no `_`.
    ObjectStoreUrl::parse(format!("catalog://{}", table.name().replace('_', "-")))
}

/// A file under its key. Files never change, so whatever time it has stays.
pub(crate) fn partitioned(file: &DataFile) -> Result<PartitionedFile> {
    let key = file.path.to_string_lossy();
    let location = Path::parse(key).map_err(|error| DataFusionError::External(Box::new(error)))?;
    let meta = ObjectMeta {
        location,
        last_modified: Default::default(),
        size: file.bytes,
        e_tag: None,
        version: None,
    };
    Ok(PartitionedFile::new_from_meta(meta))
}
