//! Records into the ring buffer.

use core::hint::black_box;
use core::mem::size_of;

use aya_ebpf::helpers::generated::bpf_probe_read_user;
use gwobs_common::counter::Counter;
use gwobs_common::limits::PAYLOAD_CLASSES;
use gwobs_common::record::{RecordHeader, layer, left_out};
use gwobs_common::table::{LOST_RING, LOST_TABLE};

use crate::maps::{self, EVENTS};

const HEADER: usize = size_of::<RecordHeader>();

/// Who did it and when.
#[derive(Clone, Copy)]
pub struct Origin {
    pub time: u64,
    pub cookie: u64,
    pub pid: u32,
    pub tid: u32,
}

/// A header without data.
#[inline(always)]
pub fn header(origin: &Origin, kind: u8, direction: u8) -> RecordHeader {
    RecordHeader {
        time: origin.time,
        cookie: origin.cookie,
        pid: origin.pid,
        tid: origin.tid,
        kind,
        direction,
        left_out: left_out::NOTHING,
        layer: layer::WIRE,
        position: 0,
        length: 0,
        captured: 0,
        lost_ring: maps::lost(LOST_RING),
        lost_table: maps::lost(LOST_TABLE),
    }
}

/// Writes a record of constant size; false if the ring buffer was full.
#[inline(always)]
pub fn put<T: Copy>(record: T, counter: Counter) -> bool {
    let Some(entry) = EVENTS.reserve_bytes(size_of::<T>(), 0) else {
        maps::lose(LOST_RING);
        return false;
    };
    let mut entry = entry;
    // SAFETY: the entry is 8-byte aligned and of this size.
    unsafe { entry.as_mut_ptr().cast::<T>().write(record) };
    entry.submit(0);
    maps::count(counter);
    true
}

/// Writes a data record that carries `header.length` bytes from user memory, at most `MAX_PAYLOAD`.
#[inline(always)]
pub fn put_bytes(header: RecordHeader, address: u64, counter: Counter) {
    const SMALL: usize = PAYLOAD_CLASSES[0];
    const MEDIUM: usize = PAYLOAD_CLASSES[1];
    const LARGE: usize = PAYLOAD_CLASSES[2];
    const LARGEST: usize = PAYLOAD_CLASSES[3];
    match header.length as usize {
        ..=SMALL => put_class::<SMALL>(header, address, counter),
        ..=MEDIUM => put_class::<MEDIUM>(header, address, counter),
        ..=LARGE => put_class::<LARGE>(header, address, counter),
        _ => put_class::<LARGEST>(header, address, counter),
    }
}

/// The bytes go from user memory straight into the record. `CAPACITY` is a power of two and not less than the length.
#[inline(always)]
fn put_class<const CAPACITY: usize>(mut header: RecordHeader, address: u64, counter: Counter) {
    let Some(mut entry) = EVENTS.reserve_bytes(HEADER + CAPACITY, 0) else {
        maps::lose(LOST_RING);
        return;
    };
    // The verifier must see that the length lies in 1..=CAPACITY; the compiler, which knows, would drop the proof.
    let length = (black_box(header.length.wrapping_sub(1)) & (CAPACITY as u32 - 1)) + 1;
    let record = entry.as_mut_ptr();
    // SAFETY: the record has room for `length` bytes after the header; the helper checks the user address.
    let failed = unsafe { bpf_probe_read_user(record.add(HEADER).cast(), length, address as *const _) } != 0;
    if failed {
        header.left_out = left_out::FAULT;
        maps::count(Counter::Fault);
    } else {
        header.captured = length;
    }
    // SAFETY: the entry is 8-byte aligned and begins with a header.
    unsafe { record.cast::<RecordHeader>().write(header) };
    entry.submit(0);
    maps::count(counter);
}
