//! A runtime for threads that wait.

use tokio::runtime::{Builder, Runtime};

use crate::Error;

/// Runs what is asynchronous for threads that wait for it, which those of another runtime must not.
#[derive(Debug)]
pub(super) struct Waiting(Option<Runtime>);

impl Waiting {
    pub(super) fn new(name: &'static str) -> Result<Self, Error> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name(name).enable_all().build();
        Ok(Self(Some(runtime.map_err(Error::Thread)?)))
    }

    pub(super) fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.as_ref().expect("it is there until this is dropped").block_on(future)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Dropping it would wait, which a caller that is itself asynchronous must not.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
