//! The default window, filled; by hand, for its figures.
//!
//! `cargo test --release -p hogflare-sequencer --lib full_size -- --ignored --nocapture`

use std::sync::Arc;
use std::time::Instant;

use journal::{Journal, Offset, RealFs};

use crate::dedup::keeper::Place;
use crate::dedup::key::Key;
use crate::dedup::load;
use crate::dedup::testing::{NOW, find, options, publish, random_keys, wait_until};
use crate::dedup::window::Window;

const KEYS: u64 = 56_000_000;
const GROUP: usize = 1_000;

fn group(number: u64) -> Vec<Key> {
    random_keys(number + 1, GROUP)
}

fn resident_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096 / 1_000_000
}

#[test]
#[ignore = "takes minutes and 2 GB of disk, and prints figures"]
fn the_default_window_filled() {
    let directory = tempfile::tempdir().unwrap();
    let fs = Arc::new(RealFs);
    let dir = directory.path().join("dedup");
    let at_least = Offset::new(1 << 40);
    let journal_options = journal::Options { at_least, ..Default::default() };
    let (_writer, journal) =
        Journal::open(fs.clone(), &directory.path().join("journal"), journal_options).unwrap();
    let open = || {
        let view = load::load(&*fs, &dir, &journal).unwrap();
        let begin = view.parts().first().map_or(Offset::ZERO, |_| view.end());
        let place = Place { fs: fs.clone(), dir: dir.clone(), journal_id: journal.id() };
        let hold = journal.hold("dedup", begin);
        Window::start(place, hold, view, options(50_000_000), begin).unwrap()
    };
    let before = resident_megabytes();
    let mut window = open();
    let started = Instant::now();
    for number in 0..KEYS / GROUP as u64 {
        publish(&mut window, &group(number), number * GROUP as u64, NOW);
    }
    println!("{} ns a key to fill", started.elapsed().as_nanos() / u128::from(KEYS));
    wait_until(|| window.lookup().view().frozen().next().is_none());
    println!("{:?}, {} MB resident", window.lookup().length(), resident_megabytes() - before);

    let view = window.lookup().view();
    println!("{} runs", view.parts().len());
    let strangers = random_keys(u64::MAX, 200_000);
    let started = Instant::now();
    let suspects = strangers.iter().filter(|&&key| view.may_contain(key)).count();
    println!("{} ns to filter a key", started.elapsed().as_nanos() / strangers.len() as u128);
    let started = Instant::now();
    assert!(strangers.iter().all(|&key| view.find(key).is_none()));
    let nanos = started.elapsed().as_nanos() / strangers.len() as u128;
    println!("{nanos} ns to search a new key; {suspects} of {} needed a page", strangers.len());
    drop(view);
    window.close();

    let started = Instant::now();
    let mut window = open();
    println!("{:?} to open", started.elapsed());
    let last = KEYS / GROUP as u64 - 1;
    assert_eq!(find(&mut window, group(last)[0]), Some(Offset::new(last * GROUP as u64)));
    assert_eq!(find(&mut window, group(0)[0]), None);
}
