//! What may be chosen when a sequencer is started.

use std::time::Duration;

use event::Erasures;

const MIB: usize = 1 << 20;

/// The limits of a sequencer of events.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How much may wait, and how much of it is committed at once.
    pub queue: QueueOptions,
    /// How long a retry is recognized.
    pub dedup: DedupOptions,
    /// Where erasures are made known once they are stored, and before they are answered.
    pub erasures: Erasures,
}

/// How much may wait, and how much of it is committed at once.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// The most submissions that wait; beyond it callers are turned away as busy.
    pub waiting_submissions: usize,
    /// The most bytes that wait; a larger submission is taken when nothing else waits.
    pub waiting_bytes: usize,
    /// The most submissions in one group.
    pub group_submissions: usize,
    /// The bytes at which a group is closed; a larger submission is a group of its own.
    pub group_bytes: usize,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            waiting_submissions: 8192,
            waiting_bytes: 64 * MIB,
            group_submissions: 4096,
            // A group's sync stays within tens of milliseconds on a slow disk.
            group_bytes: 8 * MIB,
        }
    }
}

/// The dedup window, and how it is kept on disk.
#[derive(Clone, Debug)]
pub struct DedupOptions {
    /// How long a key is remembered, by receipt time; a little longer is possible.
    pub window: Duration,
    /// The most keys that are remembered on disk; beyond it the oldest are forgotten early.
    ///
    /// The default takes 1.2 GB of disk and at most 64 MB of memory; memory grows in proportion.
    pub max_keys: u64,
    /// The receipt time after which keys in memory are written out.
    pub flush_interval: Duration,
    /// The appended bytes after which keys in memory are written out, since until then they hold
    /// the journal's segments.
    pub flush_bytes: u64,
    /// Filter bits for a key of a large run; a small run, of which there are more, gets four more.
    /// 0 turns filters off: slower, and as exact.
    pub filter_bits_per_key: u32,
    /// What merging leaves free on the volume.
    pub merge_reserve_bytes: u64,
}

impl Default for DedupOptions {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(24 * 3600),
            max_keys: 50_000_000,
            flush_interval: Duration::from_secs(3600),
            flush_bytes: 64 * MIB as u64,
            filter_bits_per_key: 6,
            merge_reserve_bytes: 1 << 30,
        }
    }
}
