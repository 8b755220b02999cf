//! `hogflare schema pipelines`.

use std::process::ExitCode;

/// Prints `scripts/pipeline-schema.json`.
pub(crate) fn pipelines() -> anyhow::Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(&sink::pipelines::schema())?);
    Ok(ExitCode::SUCCESS)
}
