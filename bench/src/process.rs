//! What the kernel counts of a process: CPU, memory, and who else had its core.

use std::time::{Duration, Instant};

use anyhow::Context;

/// `USER_HZ`, in which `/proc` counts, is 100 wherever Linux runs today.
const TICK: Duration = Duration::from_millis(10);

/// Below so much CPU the ticks are too coarse.
const COARSE: Duration = Duration::from_secs(1);

/// Counters at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counters {
    at: Instant,
    /// User and system time of all threads, ended ones included, in whole ticks.
    process: Duration,
    /// The same of the threads that live, to the nanosecond.
    living_threads: Duration,
    /// Time that a core was busy, whoever with.
    core: Duration,
}

/// What happened between two moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Time passed.
    pub(crate) wall: Duration,
    /// CPU time of the process.
    pub(crate) cpu: Duration,
    /// Time that others had the core.
    pub(crate) others: Duration,
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident: u64,
    /// Most that was ever resident.
    pub(crate) peak: u64,
}

impl Counters {
    /// Reads the counters of a process that runs on a core.
    pub(crate) fn read(pid: u32, core: usize) -> anyhow::Result<Self> {
        let stat = read(pid, "stat")?;
        Ok(Self {
            at: Instant::now(),
            process: process_time(&stat).context("/proc/PID/stat is not as expected")?,
            living_threads: living_threads_time(pid),
            core: core_time(&std::fs::read_to_string("/proc/stat")?, core),
        })
    }

    /// When they were read.
    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    /// What happened since.
    pub(crate) fn since(&self, earlier: &Self) -> Usage {
        let process = self.process.saturating_sub(earlier.process);
        let cpu = match process > COARSE {
            true => process,
            false => self.living_threads.saturating_sub(earlier.living_threads),
        };
        let others = self.core.saturating_sub(earlier.core).saturating_sub(cpu);
        Usage { wall: self.at - earlier.at, cpu, others }
    }
}

impl Usage {
    /// Share of a core that the process had.
    pub(crate) fn cores(&self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64()
    }

    /// Share of its core that others had.
    pub(crate) fn others_share(&self) -> f64 {
        self.others.as_secs_f64() / self.wall.as_secs_f64()
    }
}

impl Memory {
    /// Reads the memory of a process.
    pub(crate) fn read(pid: u32) -> anyhow::Result<Self> {
        let status = read(pid, "status")?;
        let field = |name| kibibytes(&status, name).map(|kib| kib * 1_024);
        let both = field("VmRSS:").zip(field("VmHWM:"));
        let (resident, peak) = both.context("/proc/PID/status is not as expected")?;
        Ok(Self { resident, peak })
    }
}

fn read(pid: u32, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

/// The fields behind the name, which may hold anything, begin with the third; 14 and 15 are it.
fn process_time(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(|field| field.parse::<u32>().ok());
    let ticks = times.next()?? + times.next()??;
    Some(TICK * ticks)
}

fn living_threads_time(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// All but idle (fourth) and waiting for disks (fifth); guests (ninth on) are counted as user.
fn core_time(stat: &str, core: usize) -> Duration {
    let name = format!("cpu{core} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_default();
    let fields = line.split_whitespace().take(8).enumerate();
    let busy = fields.filter(|(field, _)| ![3, 4].contains(field));
    TICK * busy.filter_map(|(_, ticks)| ticks.parse::<u32>().ok()).sum::<u32>()
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 9 0 0 0 250 50 7 8 20 0 9 0 1 2 3";
        assert_eq!(process_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(process_time("42"), None);
    }

    #[test]
    fn a_core_is_busy_unless_it_idles_or_waits_for_a_disk() {
        let stat = "cpu  9 9 9 9\ncpu1 100 1 20 5000 300 4 5 6 70 0\ncpu10 1 1 1 1\n";
        assert_eq!(core_time(stat, 1), TICK * 136);
        assert_eq!(core_time(stat, 5), Duration::ZERO);
    }

    #[test]
    fn this_process_has_used_some() {
        let before = Counters::read(std::process::id(), 0).unwrap();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        let usage = Counters::read(std::process::id(), 0).unwrap().since(&before);
        assert!(usage.cpu > Duration::ZERO && usage.wall >= Duration::from_millis(50));
        let memory = Memory::read(std::process::id()).unwrap();
        assert!(memory.resident > 0 && memory.peak >= memory.resident);
    }
}
