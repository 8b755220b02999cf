//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;

use crate::case::{Case, Load};
use crate::requests::Preparation;
use crate::server::LakeMode;

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
    pub(crate) lake: Vec<LakeMode>,

    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,

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

    /// Events made ahead for a case, in place of what its fastest server would take
    #[arg(long, value_name = "EVENTS")]
    prepare: Option<u64>,

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

impl Arguments {
    /// What to send, each once.
    pub(crate) fn loads(&self) -> Vec<Load> {
        let mut loads: Vec<Load> = Vec::new();
        for &load in self.case.iter().flatten() {
            if !loads.contains(&load) {
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
        let enough = case.fastest_events_per_second() * (self.seconds + self.warmup);
        Preparation {
            events: self.prepare.unwrap_or(enough),
            most_bytes: self.memory.saturating_mul(1 << 20),
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
        assert_eq!(arguments.lake, [LakeMode::Off, LakeMode::On]);
    }

    #[test]
    fn all_is_every_case_and_idle() {
        assert_eq!(parse(&[]).unwrap().loads().len(), 4);
        assert!(parse(&["--case", "everything"]).is_err());
    }
}
