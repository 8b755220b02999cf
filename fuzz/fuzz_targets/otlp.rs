//! libFuzzer's way into [`fuzz::otlp`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::otlp(input));
