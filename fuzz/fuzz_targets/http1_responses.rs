//! One direction of a connection: response messages from any bytes and gaps.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gwobs_fuzz::http1::run_responses(bytes));
