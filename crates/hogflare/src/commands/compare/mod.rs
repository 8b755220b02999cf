//! `hogflare compare`: how many events there are here and in a PostHog, by day and event.

mod difference;
mod posthog;
mod print;
mod span;

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::ArgMatches;
use serde::Deserialize;

use self::difference::{Comparison, Counts};
use self::posthog::Posthog;
use self::span::Span;
pub(crate) use self::span::{Day, Tolerance};
use super::sql::{self, Target};
use crate::config::{Config, ConfigError, Sources};

/// Exit code where the two could not be compared at all.
const FAILED: u8 = 2;
/// The variable of a key that may read the PostHog.
const KEY: &str = "POSTHOG_PERSONAL_API_KEY";

/// Prints what differs; fails where that is more than is tolerated.
pub(crate) fn run(arguments: &ArgMatches) -> anyhow::Result<ExitCode> {
    match compare(arguments) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        Err(error) if error.is::<ConfigError>() => Err(error),
        Err(error) => {
            // A difference has an exit code of its own.
            eprintln!("hogflare: {error:#}");
            Ok(ExitCode::from(FAILED))
        }
    }
}

/// Whether the two are equal, as far as is asked for.
fn compare(arguments: &ArgMatches) -> anyhow::Result<bool> {
    let text = |name| arguments.get_one::<String>(name).map(String::as_str).unwrap_or_default();
    let day = |name| arguments.get_one::<Day>(name).copied().context("a day");
    let span = Span::new(day("from")?, day("to")?)?;
    let tolerance = arguments.get_one::<Tolerance>("tolerance").copied().unwrap_or_default();
    let project = *arguments.get_one::<i64>("project").unwrap_or(&1);
    let key = std::env::var(KEY).ok().filter(|key| !key.trim().is_empty());
    let Some(key) = key else {
        bail!(
            "{KEY} is not set: a personal API key (phx_…) with the scope query:read of that project"
        )
    };
    let posthog_project = *arguments.get_one::<u64>("project-id").context("a project")?;
    let posthog = Posthog::new(text("host"), posthog_project, key.trim())?;
    let config = Config::parse(&Sources::collect(arguments)?)?;
    let target = Target::of(&config)?;
    let (ours, theirs) = super::small_runtime()?.block_on(async {
        let ours = ours(&target, project, span).await.context("cannot count here")?;
        let theirs = posthog.count(span).await.context("cannot count in PostHog")?;
        anyhow::Ok((ours, theirs))
    })?;
    let comparison = Comparison::of(&ours, &theirs, tolerance);
    sql::write(print::as_asked(&comparison, text("format"))?.as_bytes())?;
    Ok(comparison.is_equal())
}

/// Counts the events of a project here, as `hogflare sql` would.
async fn ours(target: &Target, project: i64, span: Span) -> anyhow::Result<Counts> {
    #[derive(Deserialize)]
    struct Row {
        day: String,
        event: String,
        count: u64,
    }

    let (first, end) = (span.first(), span.end());
    let statement = format!(
        "select to_char(timestamp, '%Y-%m-%d') as day, event, count(*) as count from events \
         where team_id = {project} and timestamp >= '{first}T00:00:00Z' and timestamp < '{end}T00:00:00Z' \
         group by 1, 2"
    );
    let rows = sql::ask(target, &statement, "ndjson").await?;
    let mut counts = Counts::new();
    for line in rows.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Row { day, event, count } = serde_json::from_slice(line)?;
        counts.insert((day, event), count);
    }
    Ok(counts)
}
