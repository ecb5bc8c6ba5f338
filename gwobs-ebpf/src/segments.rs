//! The bytes of one call, from the buffers of the user into records.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gwobs_common::counter::Counter;
use gwobs_common::limits::{MAX_PAYLOAD, MAX_SEGMENTS};
use gwobs_common::record::{RecordHeader, kind, left_out};
use gwobs_common::table::RECEIVE;

use crate::Outcome;
use crate::emit::{self, Origin};
use crate::maps::{self, WALKS};
use crate::registers::{Buffers, read_user};

/// Consecutive bytes of a stream.
#[derive(Clone, Copy)]
pub struct Stretch {
    pub origin: Origin,
    /// Of the first byte.
    pub position: u32,
    pub direction: u8,
    /// What the bytes are (`layer`).
    pub layer: u8,
}

impl Stretch {
    /// What follows after that many bytes.
    #[inline(always)]
    pub fn after(&self, length: u32) -> Self {
        Self {
            position: self.position.wrapping_add(length),
            ..*self
        }
    }
}

/// Where the walk over the buffers is.
///
/// It lies in a map because the verifier takes what it reads there as unknown, and so has to look at one step of the loop
/// only; on the stack it would follow every number through every step. Tracepoints run with preemption disabled, and
/// socket calls are not made in interrupts: nobody else is in the slot of a direction on this CPU.
#[derive(Clone, Copy)]
pub struct Walk {
    next: Stretch,
    buffers: Buffers,
    /// Bytes to pass over before the first wanted one.
    skip: u64,
    /// Bytes still to be copied.
    wanted: u32,
}

/// Of the loop's callback.
pub const CONTINUE: i64 = 0;
/// Of the loop's callback.
pub const STOP: i64 = 1;

/// Bytes of `struct iovec`.
const VECTOR: u64 = 16;

/// Announces bytes by their length.
#[inline(always)]
pub fn announce(stretch: &Stretch, length: u32, reason: u8, why: Counter) {
    if length != 0 {
        let header = RecordHeader {
            left_out: reason,
            ..data_header(stretch, length)
        };
        emit::put(header, counter_of(stretch.direction));
        maps::count(why);
    }
}

/// Copies `wanted` bytes that lie `skip` bytes into the buffers.
#[inline(always)]
pub fn copy(stretch: &Stretch, buffers: Buffers, skip: u32, wanted: u32) -> Outcome {
    let Some(mut walk) = WALKS.get_ptr_mut(u32::from(stretch.direction)) else {
        return Err(Counter::Loop);
    };
    // SAFETY: a slot of this CPU that only this program uses now.
    unsafe {
        *walk = Walk {
            next: *stretch,
            buffers,
            skip: u64::from(skip),
            wanted,
        }
    };
    // SAFETY: the callback gets the pointer to `walk`, which outlives the loop.
    let steps = unsafe { bpf_loop(MAX_SEGMENTS, step as *mut c_void, (&raw mut walk).cast(), 0) };
    if steps < 0 {
        return Err(Counter::Loop);
    }
    // SAFETY: as above. Buffers that were changed under our feet may be too short.
    let end = unsafe { &*walk };
    announce(&end.next, end.wanted, left_out::FAULT, Counter::Fault);
    Ok(())
}

/// Goes on to the next buffer if this one is used up; false if there is none.
#[inline(always)]
pub fn refill(buffers: &mut Buffers) -> bool {
    if buffers.length != 0 {
        return true;
    }
    if buffers.count == 0 {
        return false;
    }
    let Some([address, length]) = read_user(buffers.vectors) else {
        return false;
    };
    buffers.vectors = buffers.vectors.wrapping_add(VECTOR);
    buffers.count -= 1;
    buffers.address = address;
    buffers.length = length;
    true
}

/// One buffer, or a record's worth of it.
extern "C" fn step(_index: u64, walk: *mut *mut Walk) -> i64 {
    // SAFETY: `copy` passes a pointer to its own pointer.
    let walk = unsafe { &mut **walk };
    if walk.wanted == 0 {
        return STOP;
    }
    let buffers = &mut walk.buffers;
    if !refill(buffers) {
        return STOP;
    }
    if walk.skip >= buffers.length {
        walk.skip -= buffers.length;
        buffers.length = 0;
        return CONTINUE;
    }
    let address = buffers.address.wrapping_add(walk.skip);
    let available = buffers.length - walk.skip;
    let length = available.min(u64::from(walk.wanted)).min(u64::from(MAX_PAYLOAD)) as u32;
    emit::put_bytes(
        data_header(&walk.next, length),
        address,
        counter_of(walk.next.direction),
    );
    walk.skip = 0;
    buffers.address = address.wrapping_add(u64::from(length));
    buffers.length = available - u64::from(length);
    walk.next.position = walk.next.position.wrapping_add(length);
    walk.wanted -= length;
    CONTINUE
}

#[inline(always)]
pub fn data_header(stretch: &Stretch, length: u32) -> RecordHeader {
    let header = emit::header(&stretch.origin, kind::DATA, stretch.direction);
    RecordHeader {
        layer: stretch.layer,
        position: stretch.position,
        length,
        ..header
    }
}

#[inline(always)]
pub fn counter_of(direction: u8) -> Counter {
    if direction == RECEIVE {
        Counter::Received
    } else {
        Counter::Sent
    }
}
