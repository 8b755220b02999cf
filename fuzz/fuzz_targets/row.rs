//! libFuzzer's way into [`fuzz::row`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::row(input));
