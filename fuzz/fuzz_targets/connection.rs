//! Kernel events of two connections, one of each role.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gwobs_fuzz::connection::run(bytes));
