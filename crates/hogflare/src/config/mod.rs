//! Configuration: one list of settings, four places to give them.
//!
//! A flag of `hogflare serve` beats an environment variable, that one `.env.local` (else `.env`),
//! that one the TOML file of `HOGFLARE_CONFIG`, and that one the default. A wrong value stops the
//! start with one line that names the setting, the value and what was expected.

mod error;
mod file;
mod https;
mod parse;
mod settings;
mod sources;
#[cfg(test)]
mod tests;

pub(crate) use error::ConfigError;
pub(crate) use file::ConfigFile;
pub(crate) use https::{Certificate, Https, app_addr, https};
pub(crate) use parse::{
    AckMode, Config, Pipelines, PolicyStart, PostgresDoor, State, TeeSettings, duration,
};
pub(crate) use settings::{SETTINGS, Setting, reference};
pub(crate) use sources::{Sources, unknown_variables};
