//! What a figure means nothing without: the code, the machine, the day and the command.

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::ensure;
use serde::Serialize;

use crate::pinning::Pinning;

/// Where and with what the figures were taken.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    commit: String,
    server_version: String,
    cpu: String,
    cores: usize,
    memory_gib: u64,
    system: String,
    kernel: String,
    filesystem: String,
    pinning: String,
    date: String,
    command: String,
}

impl Machine {
    /// Looks around; refuses a data folder in memory, where a sync costs nothing.
    pub(crate) fn describe(
        server: &Path,
        data_dir: &Path,
        pinning: &Pinning,
    ) -> anyhow::Result<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let filesystem = filesystem_of(data_dir, &mounts);
        let in_memory = ["tmpfs", "ramfs"].contains(&filesystem.as_str());
        ensure!(!in_memory, "{} is in memory, not on a disk (--data-dir)", data_dir.display());
        Ok(Self {
            commit: commit(),
            server_version: output(Command::new(server).arg("--version")),
            cpu: field("/proc/cpuinfo", "model name", ':'),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory_gib(&field("/proc/meminfo", "MemTotal", ':')),
            system: field("/etc/os-release", "PRETTY_NAME", '=').trim_matches('"').to_owned(),
            kernel: output(Command::new("uname").arg("-r")),
            filesystem,
            pinning: pinning.describe(),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            command: command(std::env::args()),
        })
    }
}

/// As Markdown.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "commit {}, {}, {}", self.commit, self.server_version, self.date)?;
        writeln!(
            f,
            "{}, {} cores, {} GiB, {}, kernel {}, data on {}; {}",
            self.cpu,
            self.cores,
            self.memory_gib,
            self.system,
            self.kernel,
            self.filesystem,
            self.pinning
        )?;
        writeln!(f, "\n    {}", self.command)
    }
}

fn commit() -> String {
    let git = |arguments: &[&str]| output(Command::new("git").args(arguments));
    let hash = git(&["rev-parse", "--short", "HEAD"]);
    match git(&["status", "--porcelain"]).as_str() {
        "" | UNKNOWN => hash,
        _ => format!("{hash} with changes"),
    }
}

const UNKNOWN: &str = "unknown";

/// What a command prints, or that it is unknown.
fn output(command: &mut Command) -> String {
    match command.output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => UNKNOWN.to_owned(),
    }
}

/// The first value of this name in a file of names and values.
fn field(path: &str, name: &str, separator: char) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| {
        let (found, value) = line.split_once(separator)?;
        (found.trim() == name).then(|| value.trim().to_owned())
    });
    value.unwrap_or_else(|| UNKNOWN.to_owned())
}

fn memory_gib(kibibytes: &str) -> u64 {
    let kibibytes: u64 =
        kibibytes.split(' ').next().and_then(|digits| digits.parse().ok()).unwrap_or_default();
    (kibibytes + (1 << 19)) >> 20
}

/// The type of the filesystem mounted nearest above a path.
fn filesystem_of(path: &Path, mounts: &str) -> String {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let above = mounts.filter(|(point, _)| path.starts_with(point));
    let nearest = above.max_by_key(|(point, _)| point.len());
    nearest.map_or(UNKNOWN, |(_, filesystem)| filesystem).to_owned()
}

/// The command line, with programs by their names alone.
fn command(arguments: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = arguments.collect();
    if let Some(program) = words.first_mut() {
        let name = Path::new(program).file_name().map(|name| name.to_string_lossy().into_owned());
        *program = name.unwrap_or_default();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_tells_the_filesystem() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tmp/disk xfs rw\n";
        assert_eq!(filesystem_of(Path::new("/tmp/disk/a"), mounts), "xfs");
        assert_eq!(filesystem_of(Path::new("/tmp/b"), mounts), "tmpfs");
        assert_eq!(filesystem_of(Path::new("/home"), mounts), "ext4");
    }

    #[test]
    fn memory_is_rounded_to_what_was_bought() {
        assert_eq!(memory_gib("24689532 kB"), 24);
        assert_eq!(memory_gib(UNKNOWN), 0);
    }
}
