//! Whatever happens to the power: acknowledged rows are there, each exactly once.

use std::collections::HashMap;
use std::sync::Arc;

use journal::Offset;
use journal::sim::SimFs;
use proptest::prelude::*;
use sequencer::{DedupOptions, Options};

use crate::support::{
    Running, event_of_bytes, journal_options, number_of, options, rows_from, try_start_on,
};

const POOL: u64 = 60;

/// How a process ends.
#[derive(Clone, Debug)]
enum End {
    Stop,
    Kill,
    PowerLoss,
    /// The power goes in the middle of this change to the disk.
    PowerLossAfter(u32),
}

/// What a process is asked to do, and how it ends.
#[derive(Clone, Debug)]
struct Life {
    submissions: Vec<Vec<u64>>,
    end: End,
    is_trimmed: bool,
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let submissions = prop::collection::vec(prop::collection::vec(0..POOL, 1..12), 0..25);
    let end = prop_oneof![
        1 => Just(End::Stop),
        1 => Just(End::Kill),
        2 => Just(End::PowerLoss),
        4 => (0_u32..120).prop_map(End::PowerLossAfter),
    ];
    let life = (submissions, end, any::<bool>()).prop_map(|(submissions, end, is_trimmed)| Life {
        submissions,
        end,
        is_trimmed,
    });
    prop::collection::vec(life, 1..8)
}

/// Everybody outside: clients that remember what was acknowledged, and a sink with a cursor.
#[derive(Default)]
struct World {
    acknowledged: HashMap<u64, usize>,
    delivered: HashMap<u64, usize>,
    cursor: Offset,
}

impl World {
    fn start(&self, fs: &SimFs) -> Option<Running> {
        let journal = journal::Options {
            segment_bytes: 16 << 10,
            at_least: self.cursor,
            ..journal_options()
        };
        // Runs are written all the time, also small ones.
        let dedup = DedupOptions { flush_bytes: 6 << 10, ..options().dedup };
        try_start_on(Arc::new(fs.clone()), journal, Options { dedup, ..options() }).ok()
    }

    async fn submit(&mut self, running: &Running, numbers: &[u64]) {
        let events: Vec<_> = numbers.iter().map(|&number| event_of_bytes(number, 300)).collect();
        if let Ok(receipt) = running.submit(&events).await {
            assert_eq!((receipt.appended + receipt.duplicates) as usize, numbers.len());
            for number in numbers {
                *self.acknowledged.entry(*number).or_default() += 1;
            }
        }
    }

    /// The sink takes what is new; its cursor survives everything.
    fn deliver(&mut self, running: &Running) {
        for (offset, row) in rows_from(&running.journal, self.cursor) {
            *self.delivered.entry(number_of(&row)).or_default() += 1;
            self.cursor = offset.advanced(1);
        }
    }

    /// Lives one life and returns the disk as the next process finds it.
    async fn live(&mut self, fs: SimFs, life: Life) -> SimFs {
        if let End::PowerLossAfter(changes) = life.end {
            fs.crash_after(changes);
        }
        let Some(running) = self.start(&fs) else { return fs.power_loss() };
        let hold = running.journal.hold("sink", self.cursor);
        for numbers in &life.submissions {
            self.submit(&running, numbers).await;
        }
        if fs.is_alive() {
            self.deliver(&running);
            hold.advance(self.cursor);
            if life.is_trimmed {
                running.journal.trim().unwrap();
            }
        }
        match life.end {
            End::Stop => running.stop(),
            End::Kill => return fs.kill(),
            End::PowerLoss | End::PowerLossAfter(_) => return fs.power_loss(),
        }
        fs
    }
}

async fn check(seed: u64, lives: Vec<Life>) {
    let mut world = World::default();
    let mut fs = SimFs::new(seed);
    fs.write_in_parts();
    for life in lives {
        fs = world.live(fs, life).await;
    }
    let running = world.start(&fs).unwrap();
    world.deliver(&running);
    for number in world.acknowledged.keys() {
        assert_eq!(world.delivered.get(number), Some(&1), "event {number} was acknowledged");
    }
    // Clients send everything once more, as those do that never got their answer.
    for number in 0..POOL {
        world.submit(&running, &[number]).await;
    }
    world.deliver(&running);
    for number in 0..POOL {
        assert_eq!(world.delivered.get(&number), Some(&1), "event {number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_acknowledged_row_is_delivered_exactly_once(seed: u64, lives in lives()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(seed, lives));
    }
}
