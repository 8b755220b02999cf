//! One file per command.

pub(crate) mod backup;
pub(crate) mod compare;
pub(crate) mod doctor;
pub(crate) mod erase;
pub(crate) mod health;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod lake;
pub(crate) mod persons;
pub(crate) mod rebuild;
pub(crate) mod reference;
pub(crate) mod resend;
pub(crate) mod restore;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod sql;
pub(crate) mod user;

use std::process::ExitCode;

use crate::config::ConfigError;

/// The exit code of wrong usage, `EX_USAGE` of sysexits.
const USAGE: u8 = 64;

/// Prints why a command failed, in one line.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("hogflare: {error:#}");
    match error.is::<ConfigError>() {
        true => ExitCode::from(USAGE),
        false => ExitCode::FAILURE,
    }
}

/// A runtime for a command that asks a question and ends.
pub(crate) fn small_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
