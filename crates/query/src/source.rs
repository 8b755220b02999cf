//! Where the rows are that questions are asked of.

use std::sync::Arc;

use lake::rest::Attached;
use lake::{Lake, Version};

/// Tables, wherever they are. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Source {
    /// The lake in the data folder, with the rows that came a moment ago.
    Lake(Lake),
    /// Tables of a catalog, as they were when it was last asked.
    Catalog(Attached),
}

impl Source {
    /// The tables as they are now.
    pub fn version(&self) -> Arc<Version> {
        match self {
            Self::Lake(lake) => lake.version(),
            Self::Catalog(tables) => tables.version(),
        }
    }
}

impl From<Lake> for Source {
    fn from(lake: Lake) -> Self {
        Self::Lake(lake)
    }
}

impl From<Attached> for Source {
    fn from(tables: Attached) -> Self {
        Self::Catalog(tables)
    }
}
