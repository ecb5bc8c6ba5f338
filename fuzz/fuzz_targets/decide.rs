//! Routes and requests of arbitrary text, without YAML between: the engine and lint.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gwobs_fuzz::decide::run(bytes));
