//! All runs, as Markdown for people and as JSON for programs.

use std::fmt;

use serde::Serialize;

use crate::forward::ForwardRun;
use crate::machine::Machine;
use crate::run::{IdleRun, LoadedRun, Run};
use crate::statistics::Spread;

const COST: &str = "\
| case | lake | runs | CPU µs/event | with the sink | events/s | requests/s | p50 ms | p99 ms | max ms | not acknowledged | stored |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|";
const CIRCUMSTANCES: &str = "\
| case | lake | server cores | others on its core | generator cores | RSS MiB | peak RSS MiB | journal B/event | lake B/event |
|---|---|--:|--:|--:|--:|--:|--:|--:|";
const IDLE: &str = "\
| idle | runs | CPU ms/s | RSS MiB | peak RSS MiB |
|---|--:|--:|--:|--:|";
const FORWARDING: &str = "\
| case | endpoint | runs | CPU µs/row | rows/s | MB/s | server cores | others on its core | generator cores | peak RSS MiB | requests | rows a request | B/row | failures | delivered |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|";

/// All runs and where they were made.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    loaded: Vec<LoadedRun>,
    idle: Vec<IdleRun>,
    forwarded: Vec<ForwardRun>,
}

impl Report {
    /// A report without runs.
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, loaded: Vec::new(), idle: Vec::new(), forwarded: Vec::new() }
    }

    /// Adds a run.
    pub(crate) fn add(&mut self, run: Run) {
        match run {
            Run::Loaded(run) => self.loaded.push(run),
            Run::Idle(run) => self.idle.push(run),
            Run::Forwarded(run) => self.forwarded.push(run),
        }
    }

    /// Whether all runs stored or forwarded what they acknowledged and acknowledged what was sent.
    pub(crate) fn is_sound(&self) -> bool {
        self.loaded.iter().all(LoadedRun::is_sound)
            && self.forwarded.iter().all(ForwardRun::is_sound)
    }

    fn cells(&self) -> impl Iterator<Item = &[LoadedRun]> {
        self.loaded.chunk_by(|one, other| (one.case, one.lake) == (other.case, other.lake))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        if !self.loaded.is_empty() {
            writeln!(f, "{COST}")?;
            self.cells().try_for_each(|runs| write_cost(f, runs))?;
            writeln!(f, "\n{CIRCUMSTANCES}")?;
            self.cells().try_for_each(|runs| write_circumstances(f, runs))?;
            writeln!(f)?;
        }
        if !self.idle.is_empty() {
            writeln!(f, "{IDLE}")?;
            let mut cells = self.idle.chunk_by(|one, other| one.lake == other.lake);
            cells.try_for_each(|runs| write_idle(f, runs))?;
        }
        if !self.forwarded.is_empty() {
            writeln!(f, "{FORWARDING}")?;
            let key = |run: &ForwardRun| (run.case, run.endpoint.clone());
            let mut cells = self.forwarded.chunk_by(|one, other| key(one) == key(other));
            cells.try_for_each(|runs| write_forwarding(f, runs))?;
        }
        Ok(())
    }
}

fn write_cost(f: &mut fmt::Formatter<'_>, runs: &[LoadedRun]) -> fmt::Result {
    let spread = |figure: fn(&LoadedRun) -> f64| Spread::of(runs.iter().map(figure));
    let Some(LoadedRun { case, lake, .. }) = runs.first() else { return Ok(()) };
    writeln!(
        f,
        "| {case} | {lake} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        runs.len(),
        spread(|run| run.cpu_us_per_event),
        Spread::of(runs.iter().filter_map(|run| run.drained_cpu_us_per_event)),
        spread(|run| run.events_per_second),
        spread(|run| run.requests_per_second),
        spread(|run| run.p50_ms),
        spread(|run| run.p99_ms),
        spread(|run| run.max_ms),
        runs.iter().map(LoadedRun::not_acknowledged).sum::<u64>(),
        stored(runs),
    )
}

/// Whether what was acknowledged is what was stored.
fn stored(runs: &[LoadedRun]) -> String {
    let acknowledged: u64 = runs.iter().map(|run| run.acknowledged_events).sum();
    let stored: u64 = runs.iter().map(|run| run.delivered_rows.unwrap_or(run.journal_rows)).sum();
    match runs.iter().all(LoadedRun::is_sound) {
        true => "all, once".to_owned(),
        false => format!("**{stored} of {acknowledged}**"),
    }
}

fn write_circumstances(f: &mut fmt::Formatter<'_>, runs: &[LoadedRun]) -> fmt::Result {
    let spread = |figure: fn(&LoadedRun) -> f64| Spread::of(runs.iter().map(figure));
    let Some(LoadedRun { case, lake, .. }) = runs.first() else { return Ok(()) };
    writeln!(
        f,
        "| {case} | {lake} | {} | {} | {} | {} | {} | {} | {} |",
        spread(|run| run.server_cores),
        spread(|run| run.others_on_server_core),
        spread(|run| run.generator_cores),
        spread(|run| mebibytes(run.resident_bytes)),
        spread(|run| mebibytes(run.peak_resident_bytes)),
        spread(|run| run.journal_bytes_per_event),
        Spread::of(runs.iter().filter_map(|run| run.lake_bytes_per_event)),
    )
}

fn write_idle(f: &mut fmt::Formatter<'_>, runs: &[IdleRun]) -> fmt::Result {
    let spread = |figure: fn(&IdleRun) -> f64| Spread::of(runs.iter().map(figure));
    let Some(IdleRun { lake, .. }) = runs.first() else { return Ok(()) };
    writeln!(
        f,
        "| lake {lake} | {} | {} | {} | {} |",
        runs.len(),
        spread(|run| run.cpu_ms_per_second),
        spread(|run| mebibytes(run.resident_bytes)),
        spread(|run| mebibytes(run.peak_resident_bytes)),
    )
}

fn write_forwarding(f: &mut fmt::Formatter<'_>, runs: &[ForwardRun]) -> fmt::Result {
    let spread = |figure: fn(&ForwardRun) -> f64| Spread::of(runs.iter().map(figure));
    let Some(ForwardRun { case, endpoint, .. }) = runs.first() else { return Ok(()) };
    writeln!(
        f,
        "| {case} | {endpoint} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        runs.len(),
        spread(|run| run.cpu_us_per_row),
        spread(|run| run.rows_per_second),
        spread(|run| run.bytes_per_second / 1e6),
        spread(|run| run.server_cores),
        spread(|run| run.others_on_server_core),
        spread(|run| run.generator_cores),
        spread(|run| mebibytes(run.peak_resident_bytes)),
        spread(|run| run.requests as f64),
        spread(|run| run.rows_per_request),
        spread(|run| run.bytes_per_row),
        runs.iter().map(|run| run.failures).sum::<u64>(),
        delivered(runs),
    )
}

/// Whether what was acknowledged is what arrived.
fn delivered(runs: &[ForwardRun]) -> String {
    let acknowledged: u64 = runs.iter().map(|run| run.acknowledged_events).sum();
    let delivered: u64 = runs.iter().map(|run| run.delivered_rows).sum();
    match runs.iter().all(ForwardRun::is_sound) {
        true => "all, once".to_owned(),
        false => format!("**{delivered} of {acknowledged}**"),
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
