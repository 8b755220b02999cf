//! libFuzzer's way into [`fuzz::otlp_ai`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::otlp_ai(input));
