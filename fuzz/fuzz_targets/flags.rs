//! libFuzzer's way into [`fuzz::flags`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::flags(input));
