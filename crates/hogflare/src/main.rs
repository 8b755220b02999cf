//! `hogflare`: any PostHog SDK points at it, and its events are in a lake you own.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod backup;
mod command_line;
mod commands;
mod config;
mod data_dir;
mod dead_letters;
mod formats;
mod local_client;
mod logging;
mod service;

use std::process::ExitCode;

use crate::command_line::Command;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = match command_line::parse() {
        Command::Serve(flags) => commands::serve::run(&flags),
        Command::Sql(arguments) => commands::sql::run(&arguments),
        Command::Persons(arguments) => commands::persons::list(&arguments),
        Command::PersonShow(arguments) => commands::persons::show(&arguments),
        Command::PersonExport(arguments) => commands::persons::export(&arguments),
        Command::PersonErase(kind, arguments) => commands::erase::run(kind, &arguments),
        Command::RebuildIdentity(arguments) => commands::rebuild::identity(&arguments),
        Command::KeyShow(arguments) => commands::key::show(&arguments),
        Command::UserLink(arguments) => commands::user::link(&arguments),
        Command::Doctor(arguments) => commands::doctor::run(&arguments),
        Command::Health(arguments) => commands::health::run(&arguments),
        Command::SchemaEvents => commands::schema::events(),
        Command::SchemaTables => commands::schema::tables(),
        Command::SchemaPipelines(table) => commands::schema::pipelines(table),
        Command::LakeStats(arguments) => commands::lake::stats(&arguments),
        Command::LakeVerify(arguments) => commands::lake::verify(&arguments),
        Command::LakeCompact(arguments) => commands::lake::compact(&arguments),
        Command::LakeExpire(arguments) => commands::lake::expire(&arguments),
        Command::LakeConnect(arguments) => commands::lake::connect(&arguments),
        Command::Backup(arguments) => commands::backup::run(&arguments),
        Command::Restore(arguments) => commands::restore::run(&arguments),
        Command::ImportFiles(arguments) => commands::import::files(&arguments),
        Command::ImportPostHog(arguments) => commands::import::posthog(&arguments),
        Command::Resend(arguments) => commands::resend::run(&arguments),
        Command::Compare(arguments) => commands::compare::run(&arguments),
        Command::ConfigReference => commands::reference::print(),
    };
    result.unwrap_or_else(|error| commands::report(&error))
}
