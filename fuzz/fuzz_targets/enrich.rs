//! libFuzzer's way into [`fuzz::enrich`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::enrich(input));
