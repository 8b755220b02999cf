//! Rows that a sink refused for good: how many there are, and sending them again.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;

/// Letters of one sink that it gave the same reason for.
#[derive(Clone, Debug, Serialize)]
pub struct Letters {
    /// Which sink.
    pub sink: String,
    /// Why it refused them.
    pub reason: String,
    /// How many rows.
    pub rows: usize,
}

/// Whether letters are being sent, and how the last sending ended.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Resending {
    /// Whether rows are being sent now.
    pub is_at_work: bool,
    /// How many were taken the last time.
    pub taken: usize,
    /// How many were refused again.
    pub refused: usize,
    /// What went wrong besides.
    pub troubles: Vec<String>,
}

/// Knows the letters, and sends them.
#[async_trait]
pub trait Desk: fmt::Debug + Send + Sync {
    /// The letters by sink and reason.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn letters(&self) -> std::io::Result<Vec<Letters>>;

    /// Whether they are being sent.
    fn resending(&self) -> Resending;

    /// Begins to send all of them again; `false` where that is under way, or there is no pipeline.
    fn resend(&self) -> bool;
}
