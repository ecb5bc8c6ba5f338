//! Manifests, YAML or JSON, all the way: read, converted, made into a snapshot, linted, asked.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| gwobs_fuzz::objects::run(text));
