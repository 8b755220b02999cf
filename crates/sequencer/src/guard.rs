//! The owner's end of a sequencer: stops it, waits for it, sees it fail.

use std::fmt;
use std::thread::JoinHandle;

use tokio::sync::watch;

use crate::error::Panicked;

/// Keeps a sequencer running; dropping it stops the sequencer and waits for its end.
#[must_use = "dropping it stops the sequencer"]
pub struct JoinGuard {
    thread: Option<JoinHandle<()>>,
    running: watch::Receiver<bool>,
    close: Box<dyn Fn() + Send + Sync>,
}

impl JoinGuard {
    pub(crate) fn new(
        thread: JoinHandle<()>,
        running: watch::Receiver<bool>,
        close: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self { thread: Some(thread), running, close: Box::new(close) }
    }

    /// Refuses new submissions, stores and answers those that wait, and returns when that is done.
    ///
    /// This blocks.
    ///
    /// # Errors
    /// When the sequencer had ended by a defect.
    pub fn stop(mut self) -> Result<(), Panicked> {
        self.close_and_join()
    }

    /// Waits until the sequencer has ended, in order or not.
    pub async fn ended(&self) {
        let mut running = self.running.clone();
        // An error means that the sender is gone, which ends the wait as well.
        running.wait_for(|running| !running).await.ok();
    }

    fn close_and_join(&mut self) -> Result<(), Panicked> {
        (self.close)();
        match self.thread.take() {
            Some(thread) => thread.join().map_err(|_| Panicked),
            None => Ok(()),
        }
    }
}

impl Drop for JoinGuard {
    fn drop(&mut self) {
        // The thread itself has reported a panic.
        self.close_and_join().ok();
    }
}

impl fmt::Debug for JoinGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinGuard")
            .field("running", &*self.running.borrow())
            .finish_non_exhaustive()
    }
}
