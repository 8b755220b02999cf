//! Where the rows are that questions are asked of.

use std::sync::Arc;

use lake::{Lake, Version};

use crate::CatalogTables;

/// Tables, wherever they are. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Source {
    /// The lake in the data folder, with the rows that came a moment ago.
    Lake(Lake),
    /// Tables of a catalog, as they were when it was last asked.
    Catalog(CatalogTables),
}

impl Source {
    /// The tables as they are now; none of a catalog that was not read yet.
    pub fn version(&self) -> Arc<Version> {
        match self {
            Self::Lake(lake) => lake.version(),
            Self::Catalog(tables) => {
                tables.shown().map(|shown| Arc::clone(&shown.version)).unwrap_or_default()
            }
        }
    }
}

impl From<Lake> for Source {
    fn from(lake: Lake) -> Self {
        Self::Lake(lake)
    }
}

impl From<CatalogTables> for Source {
    fn from(tables: CatalogTables) -> Self {
        Self::Catalog(tables)
    }
}
