//! Who decides about whoever comes to this door.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use query::Engine;

/// What somebody showed.
#[derive(Clone)]
pub struct Shown {
    /// The password, which is a key.
    pub key: String,
    /// The database, which is a project; `None` for all that the key may read.
    pub project: Option<String>,
    /// From where they come.
    pub from: IpAddr,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("project", &self.project).finish_non_exhaustive()
    }
}

/// Why somebody has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The key is none, or is over.
    Unknown,
    /// The key may not read.
    Forbidden(String),
    /// There is no such project, or it is not for the key.
    NoProject(String),
    /// There were too many wrong keys.
    TooMany(Duration),
    /// It cannot be found out now.
    Unavailable,
}

/// Says who may read what.
#[async_trait]
pub trait Keeper: fmt::Debug + Send + Sync + 'static {
    /// Lets somebody in who has just come; wrong keys are counted.
    async fn log_in(&self, shown: &Shown) -> Result<(), Refusal>;

    /// The engine over the rows that somebody may read now.
    async fn engine(&self, shown: &Shown) -> Result<Engine, Refusal>;
}
