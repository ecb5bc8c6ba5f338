//! The tables. Sizes that the user may choose are set by the agent at load time.

use core::arch::asm;

use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf};
use gwobs_common::counter::{COUNTERS as COUNTER_COUNT, Counter};
use gwobs_common::limits;
use gwobs_common::record::NAME;
use gwobs_common::table::{Connection, LOST_COUNTERS, Mark, MarkKey};
use gwobs_common::tls;

use crate::chunks::{Pursuit, Search};
use crate::frames::Tour;
use crate::segments::Walk;
use crate::tls::{Call, Caller, Object, ObjectKey};

/// Records for the agent.
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(limits::RING_BUFFER, 0);

/// Followed processes: `PROCESS_…`.
#[map]
pub static PROCESSES: HashMap<u32, u32> = HashMap::with_max_entries(limits::PROCESSES, 0);

/// Names of commands to be followed when they are executed.
#[map]
pub static NAMES: HashMap<[u8; NAME], u32> = HashMap::with_max_entries(limits::NAMES, 0);

/// Connections of followed processes, by socket cookie. An entry goes when its socket is destroyed, at which time no call
/// can be in flight on it: so nobody holds a reference to an entry that is given to another connection.
#[map]
pub static SOCKETS: HashMap<u64, Connection> = HashMap::with_max_entries(limits::CONNECTIONS, 0);

/// What the agent wants of a connection. Only the agent writes; that the oldest is dropped when the table is full costs a
/// window's worth of bytes, and no more.
#[map]
pub static MARKS: LruHashMap<MarkKey, Mark> = LruHashMap::with_max_entries(limits::CONNECTIONS * 2, 0);

/// Ports that tracked processes listen on.
#[map]
pub static LISTENING_PORTS: HashMap<u32, u32> = HashMap::with_max_entries(1 << 16, 0);

/// Processes whose TLS calls are watched, and who makes them: `CALLER_…`.
#[map]
pub static TLS_PROCESSES: HashMap<u32, u32> = HashMap::with_max_entries(limits::PROCESSES, 0);

/// TLS calls that have not returned.
#[map]
pub static TLS_CALLS: HashMap<Caller, Call> = HashMap::with_max_entries(tls::CALLS, 0);

/// TLS objects whose socket is known. An entry goes when its socket is destroyed.
#[map]
pub static TLS_OBJECTS: HashMap<ObjectKey, Object> = HashMap::with_max_entries(limits::CONNECTIONS, 0);

/// Lost events, for all CPUs together, so that a record can tell how many were lost before it.
#[map]
pub static LOST: Array<u64> = Array::with_max_entries(LOST_COUNTERS, 0);

/// `Counter`s.
#[map]
pub static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(COUNTER_COUNT, 0);

/// Adds one to a counter.
#[inline(always)]
pub fn count(counter: Counter) {
    if let Some(value) = COUNTERS.get_ptr_mut(counter as u32) {
        // SAFETY: a slot of this CPU; a program that interrupts this one may cost a count, no more.
        unsafe { *value += 1 };
    }
}

/// Notes a lost event: `LOST_RING` or `LOST_TABLE`.
#[inline(always)]
pub fn lose(reason: u32) {
    if let Some(value) = LOST.get_ptr_mut(reason) {
        // SAFETY: a live slot of the array, 8-byte aligned, only changed atomically. (The target's `core` has no atomic
        // addition, though the instruction is as old as BPF.)
        unsafe { asm!("lock *(u64 *)({slot} + 0) += {one}", slot = in(reg) value, one = in(reg) 1u64) };
    }
}

/// Events lost so far, wrapping.
#[inline(always)]
pub fn lost(reason: u32) -> u32 {
    match LOST.get_ptr(reason) {
        // SAFETY: as in `lose`; reading an aligned word is atomic.
        Some(value) => unsafe { value.read_volatile() as u32 },
        None => 0,
    }
}

/// Work in progress, by direction.
#[map]
pub static WALKS: PerCpuArray<Walk> = PerCpuArray::with_max_entries(2, 0);

/// The same.
#[map]
pub static PURSUITS: PerCpuArray<Pursuit> = PerCpuArray::with_max_entries(2, 0);

/// The same.
#[map]
pub static SEARCHES: PerCpuArray<Search> = PerCpuArray::with_max_entries(2, 0);

/// The same.
#[map]
pub static TOURS: PerCpuArray<Tour> = PerCpuArray::with_max_entries(2, 0);
