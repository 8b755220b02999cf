//! libFuzzer's way into [`fuzz::ai`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::ai(input));
