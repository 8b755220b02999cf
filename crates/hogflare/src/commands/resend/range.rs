//! Rows of a range of time, from the lake to the pipelines.
//!
//! Time is cut into hours. In each, rows come in the order of the journal, so that the last one that was sent
//! tells which are left. Each becomes the JSON that it was when it was sent first, but for what was changed
//! since: who was merged has the present person where its file was written anew, who was erased is not
//! there.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ArgMatches;
use event::{Table, Timestamp, decode_rows};
use journal::{JournalId, Record};
use query::event_records;
use serde_json::value::RawValue;
use sink::pipelines::{Stream, event_row};
use sink::{DeadLetter, DeadLetters};

use super::super::small_runtime;
use super::super::sql::{Target, ask};
use super::ledger::Ledger;
use crate::config::{Config, Pipelines, Sources};
use crate::data_dir::DataDir;
use crate::dead_letters::try_to_send;

/// Rows that are read, and sent, at once.
const PAGE_ROWS: usize = 500;
const HOUR: i64 = 3_600_000_000;
/// The name that means every stream of events.
const ALL_STREAMS: &str = "pipelines";

/// Sends the rows, or counts them.
pub(super) fn run(arguments: &ArgMatches) -> anyhow::Result<ExitCode> {
    let config = Config::parse(&Sources::collect(arguments)?)?;
    let Some(pipelines) = &config.pipelines else {
        bail!("CLOUDFLARE_PIPELINE_ENDPOINT is not set; run this with the server's settings")
    };
    let range = Range::of(arguments)?;
    let sink = arguments.get_one::<String>("sink").map_or(ALL_STREAMS, String::as_str);
    let streams = streams(pipelines, sink)?;
    let target = Target::of(&config)?;
    let runtime = small_runtime()?;
    if arguments.get_flag("dry-run") {
        let rows = runtime.block_on(range.count(&target, &streams))?;
        println!("{rows} rows {}", range.words());
        return Ok(ExitCode::SUCCESS);
    }
    let what = format!("to {sink}: {}", range.words());
    let ledger = Ledger::open(&target.data_dir, what, range.from)?;
    if ledger.is_begun() {
        println!("going on: {} rows were sent before", ledger.place.sent);
    }
    let rows_per_second = *arguments.get_one::<u32>("rows-per-second").unwrap_or(&1_000);
    let sending = Sending { range, target: &target, streams, rows_per_second };
    let (sent, refused) = runtime.block_on(sending.send(ledger))?;
    println!("{sent} rows taken, {refused} refused");
    match refused {
        0 => Ok(ExitCode::SUCCESS),
        _ => Ok(ExitCode::FAILURE),
    }
}

/// The streams of events that are meant.
fn streams<'a>(pipelines: &'a Pipelines, sink: &str) -> anyhow::Result<Vec<&'a Stream>> {
    let of_events = || pipelines.streams.iter().chain(pipelines.streams.next());
    let found: Vec<&Stream> = match sink {
        ALL_STREAMS => pipelines.streams.iter().collect(),
        name => of_events().filter(|stream| stream.name == name).collect(),
    };
    if found.is_empty() {
        let names: Vec<&str> = of_events().map(|stream| stream.name).collect();
        bail!("no stream of events is called {sink}; there is {}", names.join(", "));
    }
    Ok(found)
}

/// Which rows.
struct Range {
    from: i64,
    to: i64,
    /// The column that has the time.
    column: &'static str,
    /// Conditions, each a column and what it must be.
    conditions: Vec<(String, String)>,
}

impl Range {
    fn of(arguments: &ArgMatches) -> anyhow::Result<Self> {
        let time = |name: &str| -> anyhow::Result<i64> {
            let text = arguments.get_one::<String>(name);
            let text = text.with_context(|| format!("--{name} is missing"))?;
            let day = format!("{text}T00:00:00Z");
            let parsed = text.parse().or_else(|_| day.parse::<Timestamp>());
            let wrong = |_| {
                let example = "2026-11-23 or 2026-11-23T14:00:00Z";
                anyhow::anyhow!("--{name} is {text:?}, and not a day or a time such as {example}")
            };
            parsed.map(Timestamp::as_micros).map_err(wrong)
        };
        let (from, to) = (time("from")?, time("to")?);
        if from >= to {
            bail!("--to is not after --from");
        }
        let column = match arguments.get_one::<String>("by").map(String::as_str) {
            Some("received") => "created_at",
            _ => "timestamp",
        };
        let mut conditions = Vec::new();
        if let Some(token) = arguments.get_one::<String>("token") {
            conditions.push(("token".to_owned(), token.clone()));
        }
        for condition in arguments.get_many::<String>("where").into_iter().flatten() {
            let Some((name, value)) = condition.split_once('=') else {
                bail!(
                    "--where is {condition:?}, and not a column and its value such as event=signup"
                );
            };
            if !Table::Events.columns().iter().any(|column| column.name == name) {
                bail!("--where is {condition:?}, and `events` has no column {name:?}");
            }
            conditions.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self { from, to, column, conditions })
    }

    /// What is meant, in words.
    fn words(&self) -> String {
        let column = self.column;
        let (from, to) = (Timestamp::from_micros(self.from), Timestamp::from_micros(self.to));
        let mut words = format!("with {column} from {from} to before {to}");
        for (name, value) in &self.conditions {
            words.push_str(&format!(", {name} {value:?}"));
        }
        words
    }

    /// The condition for rows of a part of the range.
    fn condition(&self, from: i64, to: i64) -> String {
        let time = Timestamp::from_micros;
        let column = self.column;
        let mut condition = format!(
            "{column} >= timestamp '{}' AND {column} < timestamp '{}'",
            time(from),
            time(to)
        );
        for (name, value) in &self.conditions {
            let value = value.replace('\'', "''");
            condition.push_str(&format!(" AND CAST({name} AS VARCHAR) = '{value}'"));
        }
        condition
    }

    /// How many rows these streams would get.
    async fn count(&self, target: &Target, streams: &[&Stream]) -> anyhow::Result<u64> {
        #[derive(serde::Deserialize)]
        struct Of {
            token: String,
            distinct_id: String,
            n: u64,
        }
        let condition = self.condition(self.from, self.to);
        let sql = format!(
            "SELECT token, distinct_id, count(*) AS n FROM events_raw WHERE {condition} \
             GROUP BY token, distinct_id"
        );
        let mut rows = 0;
        for line in ask(target, &sql, "ndjson").await?.split(|byte| *byte == b'\n') {
            if line.is_empty() {
                continue;
            }
            let of: Of = serde_json::from_slice(line)?;
            let to = |stream: &&&Stream| stream.route.takes_event(&of.token, &of.distinct_id);
            rows += of.n * streams.iter().filter(to).count() as u64;
        }
        Ok(rows)
    }
}

/// Sends what a range has.
struct Sending<'a> {
    range: Range,
    target: &'a Target,
    streams: Vec<&'a Stream>,
    rows_per_second: u32,
}

impl Sending<'_> {
    async fn send(&self, mut ledger: Ledger) -> anyhow::Result<(u64, u64)> {
        let mut told = Instant::now();
        while ledger.place.slice < self.range.to {
            // Whole hours, so that days are cut where files are.
            let next = (ledger.place.slice.div_euclid(HOUR) + 1).saturating_mul(HOUR);
            let end = next.min(self.range.to);
            loop {
                let started = Instant::now();
                let page = self.page(&ledger, end).await?;
                let Some((journal_id, last)) = page.last() else { break };
                let row = (journal_id.as_uuid(), last.first.get());
                self.send_page(&page, &mut ledger).await?;
                journal::failpoint("resend-before-ledger");
                ledger.place.row = Some(row);
                ledger.store()?;
                if told.elapsed() > Duration::from_secs(5) {
                    let at = Timestamp::from_micros(ledger.place.slice);
                    eprintln!("{} rows sent, at {at}", ledger.place.sent);
                    told = Instant::now();
                }
                let due = page.len() as f64 / f64::from(self.rows_per_second);
                let due = Duration::from_secs_f64(due);
                tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
            }
            (ledger.place.slice, ledger.place.row) = (end, None);
        }
        let done = (ledger.place.sent, ledger.place.refused);
        ledger.end()?;
        Ok(done)
    }

    /// The next rows that are not sent yet.
    async fn page(&self, ledger: &Ledger, end: i64) -> anyhow::Result<Vec<(JournalId, Record)>> {
        let mut condition = self.range.condition(ledger.place.slice, end);
        if let Some((id, offset)) = ledger.place.row {
            condition.push_str(&format!(
                " AND (journal_id > '{id}' OR (journal_id = '{id}' AND journal_offset > {offset}))"
            ));
        }
        let sql = format!(
            "SELECT * FROM events_raw WHERE {condition} \
             ORDER BY journal_id, journal_offset LIMIT {PAGE_ROWS}"
        );
        Ok(event_records(&ask(self.target, &sql, "arrow").await?)?)
    }

    /// Sends rows to each stream that takes them.
    async fn send_page(
        &self,
        page: &[(JournalId, Record)],
        ledger: &mut Ledger,
    ) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        for (journal_id, record) in page {
            for row in decode_rows(record.payload.clone())? {
                rows.push((row, record.first, *journal_id));
            }
        }
        for stream in &self.streams {
            let ours = rows.iter().filter(|(row, ..)| stream.route.takes(row));
            let letters = ours.map(|(row, offset, journal_id)| {
                letter(&event_row(row, *offset, *journal_id), offset.get())
            });
            let letters: Vec<DeadLetter> = letters.collect::<anyhow::Result<_>>()?;
            if letters.is_empty() {
                continue;
            }
            let resent = try_to_send(&stream.config, &letters).await?;
            keep(&self.target.data_dir, stream, &resent.refused)?;
            ledger.place.sent += resent.taken as u64;
            ledger.place.refused += resent.refused.len() as u64;
        }
        Ok(())
    }
}

fn letter(json: &[u8], journal_offset: u64) -> anyhow::Result<DeadLetter> {
    let row: Box<RawValue> = serde_json::from_slice(json)?;
    let refused_at = Timestamp::now().to_string();
    Ok(DeadLetter { journal_offset, refused_at, reason: String::new(), row })
}

/// What is refused is a dead letter, as when it is sent first.
fn keep(data_dir: &DataDir, stream: &Stream, refused: &[DeadLetter]) -> anyhow::Result<()> {
    let letters = DeadLetters::new(stream.name, data_dir.dead_letters().join(stream.name));
    Ok(refused.iter().try_for_each(|letter| letters.keep(letter))?)
}
