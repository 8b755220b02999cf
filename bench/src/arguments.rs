//! The command line.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;

use crate::case::{Case, Load};
use crate::crowd::CrowdSize;
use crate::endpoint::{Target, Url};
use crate::requests::Preparation;
use crate::server::LakeMode;

/// Events of a backlog: some seconds of work for the forwarder.
const BACKLOG_EVENTS: u64 = 400_000;

/// Load generator for `hogflare serve`: CPU, latency, memory and disk of an acknowledged event.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// The `hogflare` binary to measure
    #[arg(long, value_name = "PATH")]
    pub(crate) server: PathBuf,

    /// What is sent: some of single, browser20, node100 and idle (nothing), or all
    #[arg(long, value_delimiter = ',', default_value = "all", value_parser = Load::parse_many)]
    case: Vec<Vec<Load>>,

    /// Where rows go behind the journal: off (nowhere), on (the lake), pipeline (HTTP on loopback)
    #[arg(long, value_delimiter = ',', default_value = "off")]
    lake: Vec<LakeMode>,

    /// Measure the forwarder alone: events gather while the pipeline is down, then it takes them all
    #[arg(long, conflicts_with = "lake")]
    forward: bool,

    /// How long the forwarder's pipeline waits before it answers
    #[arg(long, value_name = "MS", value_delimiter = ',', default_value = "0")]
    #[arg(requires = "forward")]
    latency_ms: Vec<u64>,

    /// A pipeline of another process for the forwarder, with GET /count and DELETE /events
    #[arg(long, value_name = "URL", value_parser = Url::parse)]
    #[arg(requires = "forward", conflicts_with = "latency_ms")]
    endpoint: Option<Url>,

    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,

    /// A crowd beside the load: so many idle connections, and clients that send a byte now and then
    #[arg(long, value_name = "IDLE,SLOW", conflicts_with = "forward")]
    pub(crate) crowd: Option<CrowdSize>,

    /// Length of the measured window
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,

    /// Load before the window
    #[arg(long, default_value_t = 1)]
    warmup: u64,

    /// Runs, each against a new server with an empty data folder
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) runs: u16,

    /// Memory for requests made ahead, in MiB; a run ends early when they are spent
    #[arg(long, value_name = "MIB", default_value_t = 1_024)]
    memory: usize,

    /// Events made ahead for a case, in place of what its fastest server would take, or of the
    /// forwarder's 400000
    #[arg(long, value_name = "EVENTS")]
    prepare: Option<u64>,

    /// People whom events are about; without it nearly every request, and with node100 nearly every
    /// event, is about somebody whom the server does not know yet
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    persons: Option<u32>,

    /// Compression of the bodies that are gzip; SDKs use 6
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(0..=9))]
    gzip_level: u32,

    /// Folder, on a real disk, for the servers' data; emptied after each run
    #[arg(long, value_name = "PATH")]
    data_dir: Option<PathBuf>,

    /// Leave the servers' data and logs in place
    #[arg(long)]
    pub(crate) keep: bool,

    /// Core of the server
    #[arg(long, default_value_t = 0)]
    pub(crate) server_core: usize,

    /// Core of the load generator and of the pipeline's stand-in
    #[arg(long, default_value_t = 1)]
    pub(crate) generator_core: usize,

    /// A further setting of the server; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub(crate) variables: Vec<(String, String)>,

    /// Also write every run to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What a run measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Measurement {
    /// Capture, with rows going there.
    Capture(LakeMode),
    /// The way of a backlog to this endpoint.
    Forward(Target),
}

impl Measurement {
    /// Where rows go behind the journal; to a pipeline, where that is asked of the forwarder alone.
    pub(crate) fn lake(&self) -> LakeMode {
        match self {
            Self::Capture(lake) => *lake,
            Self::Forward(_) => LakeMode::Off,
        }
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capture(lake) => write!(f, "lake {lake}"),
            Self::Forward(target) => write!(f, "endpoint {target}"),
        }
    }
}

impl Arguments {
    /// What to measure with every load.
    pub(crate) fn measurements(&self) -> Vec<Measurement> {
        let forward = |target| vec![Measurement::Forward(target)];
        match &self.endpoint {
            Some(url) => forward(Target::Other(url.clone())),
            None if self.forward => {
                let latencies = self.latency_ms.iter().copied().map(Duration::from_millis);
                latencies.map(Target::StandIn).flat_map(forward).collect()
            }
            None => self.lake.iter().copied().map(Measurement::Capture).collect(),
        }
    }

    /// What to send, each once; a forwarder without rows has nothing to do.
    pub(crate) fn loads(&self) -> Vec<Load> {
        let mut loads: Vec<Load> = Vec::new();
        for &load in self.case.iter().flatten() {
            let is_nothing = self.forward && load == Load::Idle;
            if !is_nothing && !loads.contains(&load) {
                loads.push(load);
            }
        }
        loads
    }

    /// Length of the measured window.
    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Load before the window.
    pub(crate) fn warmup(&self) -> Duration {
        Duration::from_secs(self.warmup)
    }

    /// How many requests to make for a case.
    pub(crate) fn preparation(&self, case: Case) -> Preparation {
        let enough = match self.forward {
            true => BACKLOG_EVENTS,
            false => case.fastest_events_per_second() * (self.seconds + self.warmup),
        };
        Preparation {
            events: self.prepare.unwrap_or(enough),
            most_bytes: self.memory.saturating_mul(1 << 20),
            persons: self.persons,
            gzip_level: self.gzip_level,
        }
    }

    /// The folder for the servers' data, which is made: beside this program unless it is given.
    pub(crate) fn data_dir(&self) -> anyhow::Result<PathBuf> {
        let dir = match &self.data_dir {
            Some(dir) => dir.clone(),
            None => {
                let program = std::env::current_exe().context("cannot find this program")?;
                program.with_file_name("bench-data")
            }
        };
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        ensure!(self.server.is_file(), "no server at {} (--server)", self.server.display());
        Ok(dir.canonicalize()?)
    }
}

fn parse_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["hogflare-bench", "--server", "hogflare"], arguments].concat())
    }

    #[test]
    fn cases_and_modes_may_be_listed() {
        let arguments = parse(&["--case", "node100,idle,node100", "--lake", "off,on"]).unwrap();
        assert_eq!(arguments.loads(), [Load::Case(Case::Node100), Load::Idle]);
        let measurements = [LakeMode::Off, LakeMode::On].map(Measurement::Capture);
        assert_eq!(arguments.measurements(), measurements);
    }

    #[test]
    fn all_is_every_case_and_idle() {
        assert_eq!(parse(&[]).unwrap().loads().len(), 4);
        assert!(parse(&["--case", "everything"]).is_err());
    }

    #[test]
    fn the_forwarder_has_an_endpoint_or_several_latencies() {
        let near_and_far = parse(&["--forward", "--latency-ms", "0,200"]).unwrap();
        let latencies = [0, 200].map(Duration::from_millis);
        let measurements = latencies.map(|latency| Measurement::Forward(Target::StandIn(latency)));
        assert_eq!(near_and_far.measurements(), measurements);
        assert_eq!(near_and_far.loads().len(), 3);
        let other = ["--endpoint", "http://127.0.0.1:8088/"];
        assert_eq!(parse(&[&["--forward"], &other[..]].concat()).unwrap().measurements().len(), 1);
        assert!(parse(&other).is_err());
        assert!(parse(&["--latency-ms", "50"]).is_err());
        assert!(parse(&["--forward", "--lake", "on"]).is_err());
    }
}
