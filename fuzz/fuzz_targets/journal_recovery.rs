//! libFuzzer's way into [`fuzz::journal_recovery`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::journal_recovery(input));
