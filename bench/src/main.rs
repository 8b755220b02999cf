//! Load generator for `hogflare serve`: starts the server, sends it events that are all new, and
//! says what an acknowledged event costs, or a forwarded one. `bench/README.md` tells how to read the figures.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arguments;
mod case;
mod crowd;
mod endpoint;
mod events;
mod folder;
mod forward;
mod http;
mod json_text;
mod load;
mod machine;
mod metrics;
mod pinning;
mod pipeline;
mod process;
mod report;
mod requests;
mod run;
mod server;
mod statistics;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Parser;
use tokio::runtime::Runtime;

use crate::arguments::{Arguments, Measurement};
use crate::case::Load;
use crate::machine::Machine;
use crate::pinning::Pinning;
use crate::report::Report;
use crate::requests::Requests;
use crate::run::{Run, Setup};

fn main() -> ExitCode {
    match bench(&Arguments::parse()) {
        Ok(report) if report.is_sound() => ExitCode::SUCCESS,
        Ok(_) => {
            eprintln!("hogflare-bench: some events were refused, lost or stored twice, see above");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("hogflare-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> anyhow::Result<Report> {
    let data_dir = arguments.data_dir()?;
    let pinning = Pinning::find(arguments.server_core, arguments.generator_core);
    let machine = Machine::describe(&arguments.server, &data_dir, &pinning)?;
    let mut report = Report::new(machine);
    // One thread: more would compete with each other for the generator's core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let loads = arguments.loads();
    ensure!(!loads.is_empty(), "there is nothing to forward (--case)");
    for load in loads {
        let requests = prepare(load, arguments, &pinning);
        pinning.pin_generator()?;
        for measurement in arguments.measurements() {
            let lake = measurement.lake();
            let setup = Setup { arguments, data_dir: &data_dir, lake, pinning: &pinning };
            for number in 1..=arguments.runs {
                let what = format!("{load}, {measurement}, run {number} of {}", arguments.runs);
                let measured = measure(&runtime, &setup, &measurement, requests.as_ref());
                let run = measured.with_context(|| what.clone())?;
                eprintln!("{what}: {run}");
                report.add(run);
            }
        }
    }
    print!("{report}");
    if let Some(path) = &arguments.json {
        let json = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(report)
}

/// Makes a case's requests on all cores, before any server runs.
fn prepare(load: Load, arguments: &Arguments, pinning: &Pinning) -> Option<Arc<Requests>> {
    let Load::Case(case) = load else { return None };
    pinning.release_generator();
    let requests = Requests::prepare(case, &arguments.preparation(case));
    eprintln!("{case}: {requests}");
    Some(Arc::new(requests))
}

/// Makes one run; without requests an idle one.
fn measure(
    runtime: &Runtime,
    setup: &Setup<'_>,
    measurement: &Measurement,
    requests: Option<&Arc<Requests>>,
) -> anyhow::Result<Run> {
    runtime.block_on(async {
        match (requests, measurement) {
            (Some(requests), Measurement::Forward(target)) => {
                forward::forwarded(setup, target, requests).await.map(Run::Forwarded)
            }
            (Some(requests), Measurement::Capture(_)) => {
                run::loaded(setup, requests).await.map(Run::Loaded)
            }
            (None, _) => run::idle(setup).await.map(Run::Idle),
        }
    })
}
