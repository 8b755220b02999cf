//! Which runs to merge: eight neighbors of a size into one of the next.
//!
//! Sizes are tiers: up to a flush, up to eight flushes, and beyond. A full window of 512 flushes is
//! then some eight runs of 64 flushes, and at most seven of each smaller tier, each key having been
//! rewritten twice. No run grows beyond an eighth of the window, so that dropping the oldest drops
//! no more than that, and merging never needs more memory than such a run's filter.

use std::ops::Range;

/// How many neighbors of a tier are merged at once.
const FAN_IN: usize = 8;

/// Runs beyond which neighbors are merged whatever their size.
const MANY_RUNS: usize = 40;

/// Flushes in a window.
const FLUSHES: u64 = 512;

/// Sizes that follow from the window's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Keys at which the active map is frozen.
    pub(crate) flush_keys: u64,
    /// Keys that no merged run exceeds.
    pub(crate) max_run_keys: u64,
}

impl Sizes {
    pub(crate) fn of_window(max_keys: u64) -> Self {
        let flush_keys = (max_keys / FLUSHES).max(64);
        Self { flush_keys, max_run_keys: flush_keys * FLUSHES / FAN_IN as u64 }
    }

    /// Filter bits for a run of so many keys: small runs are many and take little together.
    pub(crate) const fn filter_bits(&self, keys: u64, bits_of_large: u32) -> u32 {
        match bits_of_large > 0 && keys <= self.max_run_keys / 2 {
            true => bits_of_large + 4,
            false => bits_of_large,
        }
    }

    /// Chooses what to merge next of runs with so many keys, oldest first.
    pub(crate) fn choose(&self, runs: &[u64]) -> Option<Range<usize>> {
        self.full_tier(runs).or_else(|| self.smallest_pair(runs))
    }

    fn tier(&self, keys: u64) -> u8 {
        match keys {
            keys if keys <= self.flush_keys => 0,
            keys if keys <= self.flush_keys * FAN_IN as u64 => 1,
            _ => 2,
        }
    }

    /// Neighbors of one tier, where there are enough of them.
    fn full_tier(&self, runs: &[u64]) -> Option<Range<usize>> {
        let mut start = 0;
        for stretch in runs.chunk_by(|&one, &next| self.tier(one) == self.tier(next)) {
            if stretch.len() >= FAN_IN
                && let Some(chosen) = self.fitting(stretch)
            {
                return Some(start + chosen.start..start + chosen.end);
            }
            start += stretch.len();
        }
        None
    }

    /// The oldest neighbors that together fit a run.
    fn fitting(&self, runs: &[u64]) -> Option<Range<usize>> {
        (0..runs.len()).find_map(|start| {
            let mut keys = 0;
            let fits = |run: &&u64| {
                keys += **run;
                keys <= self.max_run_keys
            };
            let count = runs.get(start..)?.iter().take(FAN_IN).take_while(fits).count();
            (count >= 2).then_some(start..start + count)
        })
    }

    fn smallest_pair(&self, runs: &[u64]) -> Option<Range<usize>> {
        if runs.len() <= MANY_RUNS {
            return None;
        }
        let pairs = runs.windows(2).map(|pair| pair.iter().sum::<u64>()).enumerate();
        let (start, keys) = pairs.min_by_key(|&(_, keys)| keys)?;
        (keys <= self.max_run_keys).then_some(start..start + 2)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZES: Sizes = Sizes { flush_keys: 100, max_run_keys: 6400 };

    #[test]
    fn sizes_of_the_default_window_divide_it_evenly() {
        let sizes = Sizes::of_window(50_000_000);
        assert_eq!(sizes, Sizes { flush_keys: 97_656, max_run_keys: 6_249_984 });
    }

    #[test]
    fn eight_neighbors_of_a_tier_become_one() {
        assert_eq!(SIZES.choose(&[100; 7]), None);
        assert_eq!(SIZES.choose(&[100; 8]), Some(0..8));
        assert_eq!(SIZES.choose(&[800, 5, 100, 3, 9, 1, 100, 100, 2]), Some(1..9));
        assert_eq!(SIZES.choose(&[800; 8]), Some(0..8));
    }

    #[test]
    fn no_run_outgrows_its_limit() {
        assert_eq!(SIZES.choose(&[6400; 12]), None);
        assert_eq!(SIZES.choose(&[6000, 3000, 3000, 3000, 3000, 3000, 3000, 3000]), Some(1..3));
    }

    fn merged(mut runs: Vec<u64>) -> Vec<u64> {
        while let Some(chosen) = SIZES.choose(&runs) {
            let keys: u64 = runs[chosen.clone()].iter().sum();
            assert!(keys <= SIZES.max_run_keys && chosen.len() >= 2);
            runs.splice(chosen, [keys]);
        }
        runs
    }

    proptest! {
        /// A window holds 512 flushes; whatever the sizes of flushes, few runs remain.
        #[test]
        fn there_are_never_many_runs(
            flushes in prop::collection::vec(0_u64..=150, 0..2000),
        ) {
            let mut runs: Vec<u64> = Vec::new();
            for keys in flushes {
                runs.push(keys);
                runs = merged(runs);
                while runs.iter().sum::<u64>() > 51_200 {
                    runs.remove(0);
                }
                prop_assert!(runs.len() <= MANY_RUNS, "{} runs", runs.len());
            }
        }
    }
}
