//! One file per family of endpoints.

pub(crate) mod capture;
pub(crate) mod flags;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod otlp;
pub(crate) mod recording;
pub(crate) mod remote_config;
pub(crate) mod sql;
