//! libFuzzer's way into [`fuzz::recording`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::recording(input));
