//! ELF images: a small one of either architecture, changed and cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gwobs_fuzz::tls_image::run(bytes));
