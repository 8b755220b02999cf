//! Dead letters for the pages: how many there are, and sending them again.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use server::dead_letters::{Desk, Letters, Resending};
use tracing::{info, warn};

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::dead_letters::{self, Addressees};

/// So that a pipeline which just recovered is not flooded; what `hogflare resend` does unless told.
const ROWS_PER_SECOND: u32 = 1_000;

/// The letters of this data folder.
#[derive(Clone, Debug)]
pub(super) struct LettersDesk {
    data_dir: DataDir,
    addressees: Option<Arc<Addressees>>,
    state: Arc<Mutex<Resending>>,
}

impl LettersDesk {
    pub(super) fn new(config: &Config, data_dir: &DataDir) -> Self {
        let addressees = Addressees::of(config).map(Arc::new);
        Self { data_dir: data_dir.clone(), addressees, state: Arc::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Resending> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, done: anyhow::Result<dead_letters::Outcome>) {
        let outcome = done.unwrap_or_else(|error| dead_letters::Outcome {
            troubles: vec![format!("{error:#}")],
            ..dead_letters::Outcome::default()
        });
        let (taken, refused) = (outcome.taken, outcome.refused);
        match outcome.is_everything_sent() {
            true => info!(rows = taken, "dead letters were sent again"),
            false => warn!(taken, refused, troubles = ?outcome.troubles, "dead letters are left"),
        }
        let troubles = outcome.troubles;
        *self.state() = Resending { is_at_work: false, taken, refused, troubles };
    }
}

#[async_trait]
impl Desk for LettersDesk {
    async fn letters(&self) -> std::io::Result<Vec<Letters>> {
        let data_dir = self.data_dir.clone();
        let counted = tokio::task::spawn_blocking(move || dead_letters::by_reason(&data_dir)).await;
        let counted = counted.map_err(std::io::Error::other)?.map_err(std::io::Error::other)?;
        let letters = counted.into_iter();
        Ok(letters.map(|((sink, reason), rows)| Letters { sink, reason, rows }).collect())
    }

    fn resending(&self) -> Resending {
        self.state().clone()
    }

    fn resend(&self) -> bool {
        let Some(addressees) = self.addressees.clone() else { return false };
        let mut state = self.state();
        if state.is_at_work {
            return false;
        }
        *state = Resending { is_at_work: true, ..Resending::default() };
        drop(state);
        let (desk, data_dir) = (self.clone(), self.data_dir.clone());
        let runtime = tokio::runtime::Handle::current();
        // Each request is followed by writes that wait for the disk.
        let sending = tokio::task::spawn_blocking(move || {
            runtime.block_on(dead_letters::resend(&addressees, &data_dir, ROWS_PER_SECOND))
        });
        tokio::spawn(async move {
            desk.ended(sending.await.unwrap_or_else(|panic| Err(panic.into())));
        });
        true
    }
}
