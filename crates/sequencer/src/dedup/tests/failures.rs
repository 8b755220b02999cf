//! Damaged files and disks that fail shorten the window, and do nothing else.

use std::path::{Path, PathBuf};

use journal::sim::{Fault, SimFs};
use journal::{Fs, Offset};

use crate::dedup::key::Key;
use crate::dedup::name::Name;
use crate::dedup::page::PAGE_BYTES;
use crate::dedup::testing::{
    DIR, NOW, find, journal, open, options, publish, random_keys, wait_until, write_run,
};
use crate::dedup::window::Window;

fn files(fs: &SimFs) -> Vec<PathBuf> {
    let names = fs.read_dir(Path::new(DIR)).unwrap();
    let mut paths: Vec<PathBuf> = names
        .into_iter()
        .filter(|name| Name::parse(name) != Name::Other)
        .map(PathBuf::from)
        .collect();
    paths.sort();
    paths.into_iter().map(|name| Path::new(DIR).join(name)).collect()
}

fn filled(fs: &SimFs, journal: &journal::Journal, keys: &[Key]) -> Window {
    let mut window = open(fs, journal, options(32_768));
    for (number, group) in (0..).zip(keys.chunks(100)) {
        publish(&mut window, group, number * 100, NOW);
        wait_until(|| window.lookup().view().frozen().next().is_none());
    }
    window
}

#[test]
fn a_damaged_header_costs_one_file_and_not_the_start() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let keys = random_keys(1, 300);
    filled(&fs, &journal, &keys).close();
    assert_eq!(files(&fs).len(), 3);
    fs.flip(&files(&fs)[1], 40, 1);
    let mut window = open(&fs, &journal, options(32_768));
    assert_eq!(find(&mut window, keys[0]), Some(Offset::new(0)));
    assert_eq!(find(&mut window, keys[150]), None);
    assert_eq!(find(&mut window, keys[299]), Some(Offset::new(299)));
    assert_eq!(files(&fs).len(), 2);
}

#[test]
fn a_damaged_filter_is_noticed_at_the_start() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let keys = random_keys(1, 100);
    filled(&fs, &journal, &keys).close();
    let file = &files(&fs)[0];
    let size = fs.open_read(file).unwrap().size().unwrap();
    fs.flip(file, size - 1, 1);
    let mut window = open(&fs, &journal, options(32_768));
    assert_eq!(find(&mut window, keys[0]), None);
    assert!(files(&fs).is_empty());
}

#[test]
fn a_damaged_page_takes_its_run_out_of_the_window() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let keys = random_keys(1, 200);
    let mut window = filled(&fs, &journal, &keys);
    fs.flip(&files(&fs)[0], PAGE_BYTES as u64 + 100, 1);
    assert_eq!(find(&mut window, keys[0]), None);
    assert_eq!(find(&mut window, keys[150]), Some(Offset::new(150)));
    publish(&mut window, &random_keys(2, 100), 200, NOW);
    wait_until(|| window.lookup().length().keys == 200);
    wait_until(|| files(&fs).len() == 2);
}

#[test]
fn a_damaged_input_does_not_stop_merging() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let keys = random_keys(1, 1_600);
    let mut window = filled(&fs, &journal, &keys[..700]);
    fs.flip(&files(&fs)[3], PAGE_BYTES as u64 + 100, 1);
    for (number, group) in (7..).zip(keys[700..].chunks(100)) {
        publish(&mut window, group, number * 100, NOW);
        wait_until(|| window.lookup().view().frozen().next().is_none());
    }
    wait_until(|| window.lookup().view().runs().count() < 9);
    assert_eq!(find(&mut window, keys[350]), None);
    for (number, &key) in keys.iter().enumerate().filter(|(number, _)| number / 100 != 3) {
        assert_eq!(find(&mut window, key), Some(Offset::new(number as u64)));
    }
}

#[test]
fn runs_of_another_journal_or_of_rows_that_it_lost_are_not_used() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let key = random_keys(1, 1)[0];
    // The run that tests write belongs to no journal.
    write_run(&fs, vec![(key, Offset::ZERO)], 0, 1);
    let mut window = open(&fs, &journal, options(32_768));
    assert_eq!(find(&mut window, key), None);
    window.close();

    let mut window = open(&fs, &journal, options(32_768));
    publish(&mut window, &[key], 1 << 50, NOW);
    window.close();
    let mut window = open(&fs, &journal, options(32_768));
    assert_eq!(find(&mut window, key), None);
    assert!(files(&fs).is_empty());
}

#[test]
fn the_inputs_of_a_finished_merge_are_removed_at_the_start() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let keys = random_keys(1, 800);
    filled(&fs, &journal, &keys[..700]).close();
    let inputs: Vec<_> =
        files(&fs).iter().map(|path| (path.clone(), journal::read_file(&fs, path))).collect();
    let mut window = open(&fs, &journal, options(32_768));
    publish(&mut window, &keys[700..], 700, NOW);
    wait_until(|| files(&fs).len() == 1);
    window.close();
    for (path, bytes) in inputs {
        journal::write_atomically(&fs, &path, &bytes.unwrap().unwrap()).unwrap();
    }
    let mut window = open(&fs, &journal, options(32_768));
    assert_eq!(files(&fs).len(), 1);
    assert_eq!(window.lookup().length().keys, 800);
    assert_eq!(find(&mut window, keys[5]), Some(Offset::new(5)));
}

#[test]
fn a_disk_that_fails_costs_the_oldest_waiting_keys_and_never_an_answer() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let keys = random_keys(1, 1_000);
    let mut window = filled(&fs, &journal, &keys[..100]);
    fs.fail_all(Some(Fault::NoSpace));
    for (number, group) in (1..).zip(keys[100..].chunks(100)) {
        publish(&mut window, group, number * 100, NOW);
    }
    let length = window.lookup().length();
    assert_eq!(length.keys, 300, "one run and two waiting maps");
    assert_eq!(find(&mut window, keys[0]), Some(Offset::new(0)));
    assert_eq!(find(&mut window, keys[150]), None);
    assert_eq!(find(&mut window, keys[999]), Some(Offset::new(999)));
    fs.fail_all(None);
    wait_until(|| window.lookup().view().frozen().next().is_none());
    assert_eq!(journal.holds()[0].at, Offset::new(1_000));
}
