//! Chunked bodies that outrun the capture window: their framing is followed from call to call, and only that is copied.
//! `gwobs_common::chunks` says why nothing depends on whether a place is right.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_loop, bpf_probe_read_user};
use gwobs_common::chunks::Chunks;
use gwobs_common::counter::Counter;
use gwobs_common::limits::{LINE, MAX_FOLLOWED, MAX_SEARCH, MIN_SEARCH};
use gwobs_common::record::{RecordHeader, left_out};

use crate::emit;
use crate::maps::SEARCHES;
use crate::registers::Buffers;
use crate::segments::{self, CONTINUE, STOP, Stretch};

/// Where the walk along the framing of one call is. It lies in a map for the reasons of [`segments::Walk`].
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Pursuit {
    /// The bytes that have been announced or copied end here, and its position moves on with them.
    told: Stretch,
    buffers: Buffers,
    /// Position of the next byte of the buffers.
    at: u32,
    /// Position after the call.
    end: u32,
    chunks: Chunks,
    /// Bytes of framing that are still to be told.
    line_length: u32,
    line: [u8; LINE],
}

/// A part of the framing, as a record.
#[derive(Clone, Copy)]
#[repr(C)]
struct LineRecord {
    header: RecordHeader,
    bytes: [u8; LINE],
}

/// The first bytes of a message, in which the end of its head is looked for.
pub struct Search {
    bytes: [u32; WORDS],
    before: u32,
    /// Length of the head, 0 if it was not found.
    head: u32,
}

const WORDS: usize = MAX_SEARCH as usize / 4;
const HEAD_END: u32 = u32::from_ne_bytes(*b"\r\n\r\n");

/// Tells of the bytes of a call behind position `told.position`, which end at `end`: lines are copied, data is announced.
/// `buffers` hold the bytes from position `from` on. Afterwards `chunks` is at the end of the call, or where it ended; then
/// the answer is how many bytes have been left to be told.
#[inline(always)]
pub fn follow(
    mut pursuit: *mut Pursuit,
    chunks: &mut Chunks,
    told: &Stretch,
    buffers: Buffers,
    from: u32,
    end: u32,
) -> Result<u32, Counter> {
    // SAFETY: nobody else uses it now: a slot of this CPU with preemption disabled, or the entry of the caller.
    unsafe {
        (*pursuit).told = *told;
        (*pursuit).buffers = buffers;
        (*pursuit).at = from;
        (*pursuit).end = end;
        (*pursuit).chunks = *chunks;
        (*pursuit).line_length = 0;
    }
    // SAFETY: the callback gets the pointer to `pursuit`, which outlives the loop.
    let steps = unsafe { bpf_loop(MAX_FOLLOWED, step as *mut c_void, (&raw mut pursuit).cast(), 0) };
    if steps < 0 {
        return Err(Counter::Loop);
    }
    // SAFETY: as above.
    let pursuit = unsafe { &mut *pursuit };
    tell_line(pursuit);
    *chunks = pursuit.chunks;
    if chunks.is_followed() && pursuit.at != end {
        *chunks = Chunks::OFF;
    }
    let left = end.wrapping_sub(pursuit.told.position);
    if !chunks.is_last() {
        segments::announce(&pursuit.told, left, left_out::WINDOW, Counter::Window);
        return Ok(0);
    }
    Ok(left)
}

/// The rest of a buffer as far as it is data, or a byte of framing.
extern "C" fn step(_index: u64, pursuit: *mut *mut Pursuit) -> i64 {
    // SAFETY: `follow` passes a pointer to its own pointer.
    let pursuit = unsafe { &mut **pursuit };
    if pursuit.at == pursuit.end || !pursuit.chunks.is_followed() || !segments::refill(&mut pursuit.buffers) {
        return STOP;
    }
    if pursuit.buffers.length == 0 {
        return CONTINUE;
    }
    let data = pursuit.chunks.next.wrapping_sub(pursuit.at);
    if data != 0 {
        tell_line(pursuit);
        let left = pursuit.end.wrapping_sub(pursuit.at);
        pass(pursuit, data.min(left));
        return CONTINUE;
    }
    let Some(byte) = read_byte(pursuit.buffers.address) else {
        return STOP;
    };
    note(pursuit, byte);
    pursuit.chunks.take(byte);
    pass(pursuit, 1);
    CONTINUE
}

/// Goes on in the buffer at hand, by no more than there is in it.
#[inline(always)]
fn pass(pursuit: &mut Pursuit, most: u32) {
    let length = u64::from(most).min(pursuit.buffers.length);
    pursuit.buffers.address = pursuit.buffers.address.wrapping_add(length);
    pursuit.buffers.length -= length;
    pursuit.at = pursuit.at.wrapping_add(length as u32);
}

/// Keeps a byte of framing, unless it has been told of.
#[inline(always)]
fn note(pursuit: &mut Pursuit, byte: u8) {
    if (pursuit.at.wrapping_sub(pursuit.told.position) as i32) < 0 {
        return;
    }
    if pursuit.line_length as usize >= LINE {
        tell_line(pursuit);
    }
    if let Some(place) = pursuit.line.get_mut(pursuit.line_length as usize & (LINE - 1)) {
        *place = byte;
    }
    pursuit.line_length += 1;
}

/// Announces what is before the framing that was kept, and copies that.
#[inline(always)]
fn tell_line(pursuit: &mut Pursuit) {
    let length = pursuit.line_length;
    if length == 0 {
        return;
    }
    pursuit.line_length = 0;
    let start = pursuit.at.wrapping_sub(length);
    let before = start.wrapping_sub(pursuit.told.position);
    segments::announce(&pursuit.told, before, left_out::WINDOW, Counter::Window);
    pursuit.told.position = start;
    let header = RecordHeader {
        captured: length,
        ..segments::data_header(&pursuit.told, length)
    };
    let bytes = pursuit.line;
    emit::put(
        LineRecord { header, bytes },
        segments::counter_of(pursuit.told.direction),
    );
    pursuit.told.position = pursuit.at;
}

#[inline(always)]
fn read_byte(address: u64) -> Option<u8> {
    let mut byte = 0u8;
    // SAFETY: the helper checks the user address, and writes the one byte.
    let result = unsafe { bpf_probe_read_user((&raw mut byte).cast(), 1, address as *const _) };
    (result == 0).then_some(byte)
}

/// Where a body would begin, if a message begins with these buffers, or began a byte before: behind the empty line that
/// ends its head.
#[inline(always)]
pub fn guess(mut buffers: Buffers, position: u32, length: u32, direction: u8) -> Result<Chunks, Counter> {
    if !segments::refill(&mut buffers) || !begins_in_capitals(buffers.address) {
        return Ok(Chunks::OFF);
    }
    let first = u64::from(length).min(buffers.length) as u32;
    let head = if length < MIN_SEARCH {
        0
    } else {
        find_head_end(buffers.address, first, direction)?
    };
    if head != 0 {
        return Ok(Chunks::at(position.wrapping_add(head)));
    }
    let is_head = first >= 4 && read_word(buffers.address.wrapping_add(u64::from(first) - 4)) == Some(HEAD_END);
    Ok(if is_head {
        Chunks::at(position.wrapping_add(first))
    } else {
        Chunks::OFF
    })
}

/// Whether a message may begin with these buffers.
#[inline(always)]
pub fn may_begin(mut buffers: Buffers) -> bool {
    segments::refill(&mut buffers) && begins_message(buffers.address)
}

/// Whether a message may begin here: four capitals, or three and a blank (a method, or HTTP).
#[inline(always)]
fn begins_message(address: u64) -> bool {
    let Some(word) = read_word(address) else {
        return false;
    };
    let [a, b, c, d] = word.to_ne_bytes();
    a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_uppercase() && (d.is_ascii_uppercase() || d == b' ')
}

/// Two capitals: a method or HTTP, or what is left of it behind the first letter.
#[inline(always)]
fn begins_in_capitals(address: u64) -> bool {
    let Some(word) = read_word(address) else {
        return false;
    };
    let [a, b, ..] = word.to_ne_bytes();
    a.is_ascii_uppercase() && b.is_ascii_uppercase()
}

#[inline(always)]
fn find_head_end(address: u64, length: u32, direction: u8) -> Result<u32, Counter> {
    let Some(mut search) = SEARCHES.get_ptr_mut(u32::from(direction)) else {
        return Err(Counter::Loop);
    };
    let read = length.min(MAX_SEARCH);
    // SAFETY: a slot of this CPU with room for that many bytes. A program of another task that comes in between may spoil
    // what is found, which is a guess in any case.
    let failed = unsafe {
        (*search).before = 0;
        (*search).head = 0;
        bpf_probe_read_user((&raw mut (*search).bytes).cast(), read, address as *const _)
    } != 0;
    if failed {
        return Ok(0);
    }
    // SAFETY: the callback gets the pointer to `search`, which outlives the loop.
    let steps = unsafe { bpf_loop(read / 4, look as *mut c_void, (&raw mut search).cast(), 0) };
    if steps < 0 {
        return Err(Counter::Loop);
    }
    // SAFETY: as above.
    Ok(unsafe { (*search).head })
}

/// Looks at the places that begin in the word before.
extern "C" fn look(index: u64, search: *mut *mut Search) -> i64 {
    // SAFETY: `find_head_end` passes a pointer to its own pointer.
    let search = unsafe { &mut **search };
    let index = index as usize & (WORDS - 1);
    let Some(&word) = search.bytes.get(index) else {
        return STOP;
    };
    let window = u64::from(search.before) | u64::from(word) << 32;
    search.before = word;
    let mut place = 0u32;
    while place <= 4 {
        if (window >> (8 * place)) as u32 == HEAD_END {
            search.head = index as u32 * 4 + place;
            return STOP;
        }
        place += 1;
    }
    CONTINUE
}

#[inline(always)]
fn read_word(address: u64) -> Option<u32> {
    let mut word = 0u32;
    // SAFETY: the helper checks the user address, and writes the four bytes.
    let result = unsafe { bpf_probe_read_user((&raw mut word).cast(), 4, address as *const _) };
    (result == 0).then_some(word)
}
