use bytes::Bytes;
use proptest::prelude::*;

use super::{Alert, Records, Seen};
use crate::Chunk;

/// A ClientHello for `name` with ALPN h2 and http/1.1, as records of at most `limit` bytes.
fn hello(name: &str, limit: usize) -> Vec<u8> {
    let mut extensions = Vec::new();
    let name = name.as_bytes();
    let entry = [&[0][..], &length_16(name.len()), name].concat();
    push_extension(&mut extensions, 0, &[&length_16(entry.len())[..], &entry].concat());
    push_extension(&mut extensions, 43, &[2, 3, 4]);
    push_extension(
        &mut extensions,
        16,
        &[&length_16(12)[..], b"\x02h2\x08http/1.1"].concat(),
    );
    let body = [
        &[3, 3][..],
        &[7; 32],
        &[4, 1, 2, 3, 4],
        &[0, 2, 0x13, 1],
        &[1, 0],
        &length_16(extensions.len()),
        &extensions,
    ]
    .concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    message.chunks(limit).flat_map(|part| record(22, part)).collect()
}

fn push_extension(extensions: &mut Vec<u8>, kind: u16, body: &[u8]) {
    extensions.extend(kind.to_be_bytes());
    extensions.extend(length_16(body.len()));
    extensions.extend(body);
}

fn length_16(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap().to_be_bytes()
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &length_16(body.len()), body].concat()
}

fn bytes(data: &[u8]) -> Chunk {
    Chunk::Bytes(Bytes::copy_from_slice(data))
}

fn all(records: &mut Records, data: &[u8], step: usize) -> Seen {
    let mut all = Seen::default();
    for part in data.chunks(step) {
        let seen = records.take(bytes(part));
        all.hello = all.hello.or(seen.hello);
        all.alert = all.alert.or(seen.alert);
        all.application_data |= seen.application_data;
        all.is_foreign |= seen.is_foreign;
    }
    all
}

#[test]
fn a_hello_is_read_however_it_is_cut() {
    for limit in [1, 7, 60, 4096] {
        for step in [1, 3, 100, 10_000] {
            let seen = all(&mut Records::default(), &hello("One.Example.test", limit), step);
            let found = seen.hello.expect("a hello");
            assert_eq!(found.server_name.as_deref(), Some("one.example.test"));
            assert_eq!(found.random, [7; 32]);
            assert_eq!(found.protocols, [&b"h2"[..], b"http/1.1"]);
            assert!(!seen.application_data);
        }
    }
}

#[test]
fn a_name_that_no_host_has_is_none() {
    let seen = all(&mut Records::default(), &hello("a b", 4096), 4096);
    assert_eq!(seen.hello.expect("a hello").server_name, None);
}

#[test]
fn application_data_is_told_from_the_handshake() {
    let mut records = Records::default();
    assert!(!all(&mut records, &hello("a.test", 4096), 4096).application_data);
    assert!(!records.take(bytes(&record(20, &[1]))).application_data);
    assert!(records.take(bytes(&record(23, &[0; 40]))).application_data);
}

#[test]
fn early_data_behind_the_hello_is_seen() {
    let both = [hello("a.test", 4096), record(23, &[0; 9])].concat();
    let seen = Records::default().take(bytes(&both));
    assert!(seen.hello.is_some() && seen.application_data);
}

#[test]
fn an_alert_in_the_clear_is_read_and_an_encrypted_one_is_not() {
    let fatal = Alert {
        is_fatal: true,
        description: 40,
    };
    assert_eq!(Records::default().take(bytes(&record(21, &[2, 40]))).alert, Some(fatal));
    assert_eq!(
        all(&mut Records::default(), &record(21, &[2, 40]), 1).alert,
        Some(fatal)
    );
    assert_eq!(Records::default().take(bytes(&record(21, &[1; 26]))).alert, None);
}

#[test]
fn a_gap_within_a_record_is_passed_over_and_one_across_records_loses_the_place() {
    let mut records = Records::default();
    records.take(bytes(&record(20, &[1, 2, 3, 4])[..6]));
    records.take(Chunk::Gap(3));
    assert!(!records.take(bytes(&record(20, &[1]))).application_data);
    records.take(Chunk::Gap(1));
    assert!(records.take(bytes(&record(20, &[1]))).application_data);
}

#[test]
fn a_hello_with_a_gap_is_none_but_the_place_is_kept() {
    let whole = hello("a.test", 4096);
    let mut records = Records::default();
    records.take(bytes(&whole[..20]));
    records.take(Chunk::Gap(30));
    let seen = records.take(bytes(&whole[50..]));
    assert_eq!(seen, Seen::default());
    assert!(!records.take(bytes(&record(20, &[1]))).application_data);
}

#[test]
fn whoever_begins_with_no_record_speaks_no_tls() {
    for step in [1, 100] {
        assert!(all(&mut Records::default(), b"HTTP/1.1 400 Bad Request", step).is_foreign);
        let later = [&record(20, &[1])[..], b"HTTP/1.1 400 Bad Request"].concat();
        assert!(!all(&mut Records::default(), &later, step).is_foreign);
    }
    assert!(!Records::midstream().take(bytes(b"HTTP/1.1")).is_foreign);
}

#[test]
fn what_was_joined_later_may_be_anything() {
    assert!(Records::midstream().take(bytes(&record(20, &[1]))).application_data);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(data: Vec<u8>, step in 1..40usize) {
        all(&mut Records::default(), &data, step);
    }

    #[test]
    fn a_damaged_hello_makes_no_panic(at in 0..200usize, value: u8, step in 1..40usize) {
        let mut data = hello("a.example.test", 90);
        let index = at % data.len();
        data[index] = value;
        all(&mut Records::default(), &data, step);
    }
}
