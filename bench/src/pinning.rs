//! A core for the server and another one for the load generator, by `taskset`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// Who runs where.
#[derive(Clone, Debug)]
pub(crate) struct Pinning {
    /// Core of the server.
    pub(crate) server_core: usize,
    /// Core of the generator.
    pub(crate) generator_core: usize,
    /// Cores that this process was given.
    all_cores: String,
    is_possible: bool,
}

impl Pinning {
    /// Looks whether there is a core for each, and `taskset`.
    pub(crate) fn find(server_core: usize, generator_core: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).status();
        let is_possible = cores > 1 && taskset.is_ok_and(|status| status.success());
        Self { server_core, generator_core, all_cores: allowed_cores(), is_possible }
    }

    /// How it is, in words.
    pub(crate) fn describe(&self) -> String {
        match self.is_possible {
            true => format!(
                "server on core {}, generator on core {}",
                self.server_core, self.generator_core
            ),
            false => "not pinned to cores (no taskset, or one core only)".to_owned(),
        }
    }

    /// A command that runs the server, on its core.
    pub(crate) fn server_command(&self, server: &Path) -> Command {
        if !self.is_possible {
            return Command::new(server);
        }
        let mut command = Command::new("taskset");
        command.arg("-c").arg(self.server_core.to_string()).arg(server);
        command
    }

    /// Moves this process to its core.
    pub(crate) fn pin_generator(&self) -> anyhow::Result<()> {
        let moved = !self.is_possible || move_self(&self.generator_core.to_string())?;
        ensure!(moved, "taskset cannot move this process to core {}", self.generator_core);
        Ok(())
    }

    /// Lets this process have all cores that it was given; it stays where it is if it may not.
    pub(crate) fn release_generator(&self) {
        if self.is_possible && !move_self(&self.all_cores).unwrap_or(false) {
            eprintln!("requests are made on one core only: taskset cannot use {}", self.all_cores);
        }
    }
}

/// Moves the main thread, on which all load is made, and with it threads that begin later.
fn move_self(cores: &str) -> anyhow::Result<bool> {
    let pid = std::process::id().to_string();
    let moved = Command::new("taskset")
        .args(["--cpu-list", "--pid", cores, &pid])
        .stdout(Stdio::null())
        .status()
        .context("cannot run taskset")?;
    Ok(moved.success())
}

fn allowed_cores() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    cores.unwrap_or("0").trim().to_owned()
}
