//! `hogflare import posthog`: what a project of PostHog has, asked of its API.
//!
//! Groups and persons come first, so that the types of groups keep their numbers and events find persons
//! as they are. Events are asked for by time, in windows that shrink where one has too many.

mod api;
mod events;
mod flags;
mod groups;
mod persons;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use event::Timestamp;
use tokio::runtime::Handle;

use self::api::Api;
use crate::batch::Persons;
use crate::day::{self, Days};
use crate::import::{Import, Options};
use crate::item::Maker;
use crate::summary::{self, Outcome};
use crate::time::TimeReader;

/// What is said of the project.
#[derive(Clone, Debug)]
pub struct PostHogOptions {
    /// Such as `https://us.posthog.com`.
    pub host: String,
    /// The project's number.
    pub project_id: u64,
    /// `phx_…`, which may query and read persons, groups and flags.
    pub personal_api_key: String,
    /// The first moment.
    pub from: Timestamp,
    /// The moment behind the last.
    pub to: Timestamp,
    /// Rows that a query may have.
    pub rows_per_query: usize,
    /// Where flags are kept for later.
    pub flags: PathBuf,
}

/// A part of a project that has its own line in the ledger.
pub(crate) struct Part<'a> {
    import: &'a Import,
    api: &'a Api,
    options: &'a PostHogOptions,
    times: TimeReader,
}

impl Part<'_> {
    fn fingerprint(&self, part: &str) -> String {
        fingerprint(self.options, part)
    }

    fn maker<'m>(&'m self, mark: &'m str) -> Maker<'m> {
        let import = self.import;
        Maker { mark, token: &import.options.token, times: &self.times, now: import.now }
    }
}

fn fingerprint(options: &PostHogOptions, part: &str) -> String {
    format!("posthog:{}:{}:{part}", options.host.trim_end_matches('/'), options.project_id)
}

/// Brings what a project has.
///
/// # Errors
/// When PostHog or the server cannot be reached for long, or refuse.
pub async fn import_posthog(posthog: PostHogOptions, options: Options) -> anyhow::Result<Outcome> {
    ensure!(posthog.from < posthog.to, "--from is not before --to");
    let api = Arc::new(Api::new(&posthog.host, &posthog.personal_api_key, options.patience)?);
    let total = posthog.to.micros_since(posthog.from).unsigned_abs() / 1_000_000;
    let import = Arc::new(Import::new(options, total)?);
    let days = events::count(&api, &posthog).await?;
    if import.options.is_dry_run {
        return Ok(Outcome { text: summary::table(&days, None), is_whole: true });
    }
    let posthog = Arc::new(posthog);
    if !import.options.keeps_persons {
        run(&import, &api, &posthog, Persons::Only, |part, batches, handle| {
            handle.block_on(groups::read(&part, batches))
        })
        .await?;
        finish(&import, &posthog, "groups")?;
    }
    run(&import, &api, &posthog, Persons::Only, |part, batches, handle| {
        handle.block_on(persons::read(&part, batches))
    })
    .await?;
    finish(&import, &posthog, "persons")?;
    flags::save(&api, &posthog).await?;
    run(&import, &api, &posthog, Persons::Keep, |part, batches, handle| {
        handle.block_on(events::read(&part, batches))
    })
    .await?;
    compared(&import, &posthog, &days).await
}

async fn run(
    import: &Arc<Import>,
    api: &Arc<Api>,
    options: &Arc<PostHogOptions>,
    persons: Persons,
    read: impl FnOnce(Part<'_>, &crate::import::Batches, Handle) -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<()> {
    let (api, options, handle) = (Arc::clone(api), Arc::clone(options), Handle::current());
    import
        .phase(persons, move |import, batches| {
            let part = Part { import, api: &api, options: &options, times: TimeReader::default() };
            read(part, batches, handle)
        })
        .await
}

fn finish(import: &Import, options: &PostHogOptions, part: &str) -> anyhow::Result<()> {
    let (source, ..) = import.source(&fingerprint(options, part), part)?;
    import.ledger().finish(source)
}

/// Of events PostHog's own count is compared, of persons and groups what was read.
async fn compared(
    import: &Import,
    options: &PostHogOptions,
    asked: &Days,
) -> anyhow::Result<Outcome> {
    import.bar.finish();
    let (marks, mut counts) = import.counts()?;
    let mut days = asked.clone();
    for part in ["groups", "persons"] {
        let (source, ..) = import.source(&fingerprint(options, part), part)?;
        day::add(&mut days, &import.ledger().days(source)?);
    }
    counts.source = days;
    let mut outcome = summary::compare(&import.options.target, &marks, counts).await;
    let note = "events of the project in this time, and changes of persons and groups by the day these came to be\n";
    outcome.text.insert_str(0, note);
    outcome.text.push_str(&format!("feature flags are in {}\n", options.flags.display()));
    Ok(outcome)
}

/// Writes a file as a whole or not at all.
fn write_whole(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let write = || {
        std::fs::write(&unfinished, content)?;
        std::fs::rename(&unfinished, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// The position behind the last page.
const END: &str = "end";

/// How long to wait for PostHog at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
