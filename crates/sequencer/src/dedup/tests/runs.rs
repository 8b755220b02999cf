//! Files: what was written is found, and nothing else; merging changes nothing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use journal::Offset;
use journal::sim::SimFs;
use proptest::prelude::*;

use crate::dedup::cursor::RunCursor;
use crate::dedup::key::Key;
use crate::dedup::merge::{MergeError, merge};
use crate::dedup::page::PAGE_KEYS;
use crate::dedup::run::Run;
use crate::dedup::run_writer::RunWriter;
use crate::dedup::testing::{DIR, random_keys, subject, write_run};

fn numbered(keys: &[Key]) -> Vec<(Key, Offset)> {
    keys.iter().copied().zip((0..).map(Offset::new)).collect()
}

fn entries(run: &Arc<Run>) -> Vec<(Key, Offset)> {
    let mut cursor = RunCursor::new(Arc::clone(run)).unwrap();
    let mut entries = Vec::new();
    while let Some(entry) = cursor.head() {
        entries.push(entry);
        cursor.advance().unwrap();
    }
    entries
}

#[test]
fn a_run_finds_exactly_its_keys_also_when_opened_again() {
    let fs = SimFs::new(1);
    let keys = random_keys(1, 5_000);
    let written = write_run(&fs, numbered(&keys), 0, 5_000);
    let opened = Run::open(&fs, &written.path).unwrap();
    assert_eq!(opened.header, written.header);
    for run in [written, opened] {
        for (key, offset) in numbered(&keys) {
            assert_eq!(run.find(key).unwrap(), Some(offset));
        }
        for stranger in random_keys(2, 5_000) {
            assert_eq!(run.find(stranger).unwrap(), None);
        }
    }
}

#[test]
fn keys_that_share_their_upper_half_are_found_on_every_page() {
    let fs = SimFs::new(1);
    let count = PAGE_KEYS as u64 * 3;
    let crowded = (0..count).map(|low| Key { high: 7, low });
    let around = [Key { high: 6, low: 0 }, Key { high: 8, low: 0 }];
    let keys: Vec<Key> = crowded.chain(around).collect();
    let run = write_run(&fs, numbered(&keys), 0, count + 2);
    for (key, offset) in numbered(&keys) {
        assert_eq!(run.find(key).unwrap(), Some(offset), "{key:?}");
    }
    assert_eq!(run.find(Key { high: 7, low: count }).unwrap(), None);
}

#[test]
fn an_empty_run_says_only_how_far_the_window_reaches() {
    let fs = SimFs::new(1);
    let run = write_run(&fs, Vec::new(), 3, 9);
    let run = Run::open(&fs, &run.path).unwrap();
    assert_eq!((run.header.begin, run.header.end), (Offset::new(3), Offset::new(9)));
    assert!(!run.may_contain(Key { high: 1, low: 1 }));
}

#[test]
fn a_run_without_its_last_key_written_leaves_no_file() {
    let fs = SimFs::new(1);
    write_run(&fs, Vec::new(), 0, 1);
    let mut writer = RunWriter::create(&fs, Path::new(DIR), subject(1, 2, 1)).unwrap();
    writer.push(Key { high: 1, low: 1 }, Offset::ZERO).unwrap();
    drop(writer);
    assert_eq!(journal::Fs::read_dir(&fs, Path::new(DIR)).unwrap().len(), 1);
}

#[test]
fn an_interrupted_merge_stops() {
    let fs = SimFs::new(1);
    let keys = random_keys(1, 1 << 16);
    let inputs = [Arc::new(write_run(&fs, numbered(&keys), 0, 1 << 16))];
    let mut output = RunWriter::create(&fs, Path::new(DIR), subject(0, 1 << 17, 1 << 16)).unwrap();
    let merged = merge(&inputs, &mut output, || ControlFlow::Break(()));
    assert!(matches!(merged, Err(MergeError::Interrupted)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Keys from a small pool, so that runs share some: the oldest row of a key stays.
    #[test]
    fn a_merge_equals_the_map_of_its_inputs(
        picks in prop::collection::vec(prop::collection::btree_set(0_usize..1500, 0..500), 1..9),
    ) {
        let fs = SimFs::new(1);
        let pool = random_keys(3, 1500);
        let mut model = BTreeMap::new();
        let mut inputs = Vec::new();
        for (number, picked) in picks.iter().enumerate() {
            let begin = number as u64 * 10_000;
            let entries: Vec<_> = picked
                .iter()
                .map(|&pick| (pool[pick], Offset::new(begin + pick as u64)))
                .collect();
            for &(key, offset) in &entries {
                model.entry(key).or_insert(offset);
            }
            inputs.push(Arc::new(write_run(&fs, entries, begin, begin + 10_000)));
        }
        let end = picks.len() as u64 * 10_000;
        let max_keys = inputs.iter().map(|run| run.header.keys).sum();
        let dir = Path::new(DIR);
        let mut output = RunWriter::create(&fs, dir, subject(0, end, max_keys)).unwrap();
        merge(&inputs, &mut output, || ControlFlow::Continue(())).unwrap();
        let merged = Arc::new(output.finish().unwrap());
        prop_assert_eq!(entries(&merged), model.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(merged.header, Run::open(&fs, &merged.path).unwrap().header);
    }
}
