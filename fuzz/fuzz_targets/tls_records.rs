//! TLS records of one direction of a connection.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gwobs_fuzz::tls_records::run(bytes));
