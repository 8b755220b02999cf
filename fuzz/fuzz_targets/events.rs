//! libFuzzer's way into [`fuzz::events`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::events(input));
