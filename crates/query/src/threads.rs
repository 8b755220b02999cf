//! Threads of their own for queries, so that a heavy one does not delay acknowledgements.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

use crate::Error;

/// Queries that compute at a time; further ones take turns.
const THREADS: usize = 2;

/// Plans of long statements are deep trees.
const STACK_BYTES: usize = 16 << 20;

/// A runtime that may be dropped anywhere.
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a query here; ends it when the caller no longer waits or the limit has passed.
    ///
    /// The limit holds for the caller even where the query is stuck in one function call.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        query: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let task = self.runtime()?.spawn(query);
        let _running = Running(task.abort_handle());
        match tokio::time::timeout(limit, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(Error::Failed(error.to_string())),
            Err(_) => Err(Error::TimedOut { limit }),
        }
    }

    /// Runs a query here that tells by itself how it goes, until what is returned is dropped.
    pub(crate) fn start_one(
        &self,
        query: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Running, Error> {
        Ok(Running(self.runtime()?.spawn(query).abort_handle()))
    }

    fn runtime(&self) -> Result<&Runtime, Error> {
        self.0.as_ref().ok_or_else(|| Error::Failed("the engine has stopped".into()))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Threads")
    }
}

/// A query that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
