//! What the tests of this module share.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use event::Timestamp;
use journal::sim::SimFs;
use journal::{Fs, Journal, JournalId, Offset, Writer};
use uuid::Uuid;

use super::keeper::Place;
use super::key::Key;
use super::load;
use super::run::Run;
use super::run_writer::{RunWriter, Subject};
use super::view::View;
use super::window::Window;
use crate::options::DedupOptions;
use crate::prepared::PreparedRow;
use crate::received::Received;

pub(crate) const DIR: &str = "data/dedup";
pub(crate) const NOW: Received = Received::at(Timestamp::from_micros(1_750_000_000_000_000));

/// Different keys, the same for the same seed.
pub(crate) fn random_keys(seed: u64, count: usize) -> Vec<Key> {
    let mut state = mixed(seed);
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(state)
    };
    (0..count).map(|_| Key { high: next(), low: next() }).collect()
}

/// The finalizer of SplitMix64.
const fn mixed(mut state: u64) -> u64 {
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// A window of at most so many keys, which is frozen every 64 keys or 512th part.
pub(crate) fn options(max_keys: u64) -> DedupOptions {
    DedupOptions { max_keys, merge_reserve_bytes: 0, ..DedupOptions::default() }
}

/// A journal that vouches for every row that tests speak of, and holds none.
pub(crate) fn journal(fs: &SimFs) -> (Writer, Journal) {
    let options = journal::Options { at_least: Offset::new(1 << 40), ..Default::default() };
    Journal::open(Arc::new(fs.clone()), Path::new("data/journal"), options).unwrap()
}

/// Opens the window in [`DIR`] without reading the journal.
pub(crate) fn open(fs: &SimFs, journal: &Journal, options: DedupOptions) -> Window {
    let view = load::load(fs, Path::new(DIR), journal).unwrap();
    let view = View::new(Offset::ZERO, view.parts().to_vec());
    let begin = view.end();
    let hold = journal.hold("dedup", begin);
    let place = Place { fs: Arc::new(fs.clone()), dir: DIR.into(), journal_id: journal.id() };
    Window::start(place, hold, view, options, begin).unwrap()
}

/// A row that nobody looked up.
pub(crate) const fn row(key: Key) -> PreparedRow {
    PreparedRow { end: 0, created_at: Timestamp::EPOCH, key: Some(key), original: None }
}

/// Admits and publishes new keys as one group, from `first` on.
pub(crate) fn publish(window: &mut Window, keys: &[Key], first: u64, received: Received) {
    window.begin_group(keys.len());
    for (&key, offset) in keys.iter().zip(first..) {
        assert_eq!(window.admit(&row(key), Offset::ZERO, Offset::new(offset)), None);
    }
    window.publish(Offset::new(first + keys.len() as u64), 1, received);
}

/// Returns where a key's row is, from the thread's point of view, and adds nothing.
pub(crate) fn find(window: &mut Window, key: Key) -> Option<Offset> {
    window.begin_group(1);
    let found = window.admit(&row(key), Offset::ZERO, Offset::new(u64::MAX));
    window.discard();
    found
}

/// Waits until the background thread has done what `is_done` looks for.
pub(crate) fn wait_until(mut is_done: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if is_done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the background thread did not get there");
}

/// Writes a run of these entries, which are sorted here.
pub(crate) fn write_run(fs: &dyn Fs, mut entries: Vec<(Key, Offset)>, begin: u64, end: u64) -> Run {
    entries.sort_unstable_by_key(|&(key, _)| key);
    fs.create_dir_all(Path::new(DIR)).unwrap();
    let subject = subject(begin, end, entries.len() as u64);
    let mut writer = RunWriter::create(fs, Path::new(DIR), subject).unwrap();
    entries.into_iter().for_each(|(key, offset)| writer.push(key, offset).unwrap());
    writer.finish().unwrap()
}

pub(crate) const fn subject(begin: u64, end: u64, max_keys: u64) -> Subject {
    Subject {
        journal_id: JournalId::from_uuid(Uuid::from_u128(1)),
        begin: Offset::new(begin),
        end: Offset::new(end),
        received: NOW,
        max_keys,
        filter_bits_per_key: 6,
    }
}
