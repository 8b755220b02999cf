//! One file per family of endpoints.

pub(crate) mod ai;
pub(crate) mod capture;
pub(crate) mod capture_v1;
pub(crate) mod csp_report;
pub(crate) mod flags;
pub(crate) mod health;
pub(crate) mod lists;
pub(crate) mod metrics;
pub(crate) mod otlp;
pub(crate) mod persons;
pub(crate) mod push;
pub(crate) mod recording;
pub(crate) mod remote_config;
pub(crate) mod scripts;
pub(crate) mod sql;
