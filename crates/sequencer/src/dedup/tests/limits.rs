//! Time, number and memory.

use std::time::Duration;

use event::Timestamp;
use journal::Offset;
use journal::sim::SimFs;

use crate::dedup::testing::{NOW, find, journal, open, options, publish, random_keys, wait_until};
use crate::dedup::window::Window;
use crate::options::DedupOptions;
use crate::received::Received;

const HOUR_MICROS: i64 = 3_600_000_000;

fn hours(hours: i64) -> Received {
    Received::at(NOW.newest.plus_micros(hours * HOUR_MICROS))
}

fn runs(window: &Window) -> usize {
    window.lookup().view().runs().count()
}

fn settle(window: &Window) {
    wait_until(|| window.lookup().view().frozen().next().is_none());
}

#[test]
fn keys_are_forgotten_when_the_window_has_passed() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let mut window = open(&fs, &journal, options(1 << 20));
    let keys = random_keys(1, 5 * 3_000);
    let days: Vec<_> = keys.chunks(3_000).collect();
    for (number, day) in (0..).zip(&days) {
        publish(&mut window, day, number * 3_000, hours(number as i64 * 10));
        settle(&window);
    }
    // Received 40, 30, 20, 10 and 0 hours ago.
    wait_until(|| window.lookup().length().keys == 9_000);
    assert_eq!(find(&mut window, days[0][0]), None);
    assert_eq!(find(&mut window, days[1][0]), None);
    assert_eq!(find(&mut window, days[2][0]), Some(Offset::new(6_000)));
    assert_eq!(window.lookup().length().duration, Duration::from_secs(20 * 3600));
}

#[test]
fn the_oldest_keys_are_forgotten_when_there_are_too_many() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let mut window = open(&fs, &journal, options(32_768));
    let keys = random_keys(1, 60_000);
    for (number, group) in (0..).zip(keys.chunks(60)) {
        publish(&mut window, group, number * 60, NOW);
        settle(&window);
    }
    let length = window.lookup().length();
    // A dropped run takes at most an eighth of the window along.
    assert!(length.keys > 32_768 * 7 / 8 - 128, "{} keys", length.keys);
    assert!(length.keys <= 32_768 + 128, "{} keys", length.keys);
    assert_eq!(find(&mut window, keys[0]), None);
    for (&key, offset) in keys.iter().zip(0..).skip(60_000 - (32_768 * 7 / 8 - 128)) {
        assert_eq!(find(&mut window, key), Some(Offset::new(offset)));
    }
    assert!(runs(&window) <= 24, "{} runs", runs(&window));
}

#[test]
fn keys_are_written_when_they_hold_the_journal_for_long() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let mut window = open(&fs, &journal, DedupOptions { flush_bytes: 10, ..options(1 << 20) });
    let held = || journal.holds()[0].at;
    publish(&mut window, &random_keys(1, 3), 0, hours(0));
    assert_eq!(held(), Offset::ZERO);
    publish(&mut window, &random_keys(2, 3), 3, hours(1));
    wait_until(|| held() == Offset::new(6));
    // Rows without keys hold the journal just as well.
    for offset in 7..20 {
        window.begin_group(1);
        window.publish(Offset::new(offset), 1, hours(1));
    }
    wait_until(|| held() >= Offset::new(16));
}

#[test]
fn a_full_journal_is_let_go_of() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let mut window = open(&fs, &journal, options(1 << 20));
    publish(&mut window, &random_keys(1, 3), 0, NOW);
    window.release_journal();
    wait_until(|| journal.holds()[0].at == Offset::new(3));
}

#[test]
fn a_clock_that_jumps_does_no_harm() {
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let mut window = open(&fs, &journal, options(1 << 20));
    let times = [i64::MIN, i64::MAX, 0, i64::MAX, i64::MIN, NOW.newest.as_micros()];
    let keys = random_keys(1, times.len() * 100);
    for (number, (group, micros)) in (0..).zip(keys.chunks(100).zip(times)) {
        let received = Received::at(Timestamp::from_micros(micros));
        publish(&mut window, group, number * 100, received);
        settle(&window);
    }
    assert_eq!(find(&mut window, keys[599]), Some(Offset::new(599)));
}

/// A 256th of the default window must do with a 256th of 64 MB, buffers aside.
#[test]
fn a_full_window_stays_within_its_memory() {
    const PART: usize = 256;
    const BUFFERS: usize = 1_300_000;
    let fs = SimFs::new(1);
    let (_writer, journal) = journal(&fs);
    let max_keys = 50_000_000 / PART as u64;
    let mut window = open(&fs, &journal, options(max_keys));
    let keys = random_keys(1, max_keys as usize * 5 / 4);
    for (number, group) in (0..).zip(keys.chunks(50)) {
        publish(&mut window, group, number * 50, NOW);
        settle(&window);
    }
    let length = window.lookup().length();
    assert!(length.keys > max_keys * 7 / 8 - 1000);
    let limit = (64_000_000 - BUFFERS) / PART + BUFFERS;
    let peak = length.peak_memory_bytes;
    assert!(peak <= limit, "{peak} bytes at the peak, {limit} are allowed");
}
