//! libFuzzer's way into [`fuzz::v1`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::v1(input));
