//! The frames of HTTP/2: what the agent reads of them is copied, however long the data between is. `gwobs_common::frames`
//! says why nothing depends on whether a place is right.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_loop, bpf_probe_read_user};
use gwobs_common::counter::Counter;
use gwobs_common::frames::{FRAME_HEADER, Frames, PREFACE, believable, is_first, is_preface};
use gwobs_common::limits::{MAX_FOLLOWED, MAX_PAYLOAD};
use gwobs_common::record::left_out;

use crate::emit::{self, Origin};
use crate::maps;
use crate::registers::Buffers;
use crate::segments::{self, CONTINUE, STOP, Stretch};

/// Where the walk along the frames of one call is. It lies in a map for the reasons of [`segments::Walk`].
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Tour {
    /// The bytes that have been announced or copied end here, and its position moves on with them.
    told: Stretch,
    buffers: Buffers,
    /// Position of the next byte of the buffers.
    at: u32,
    /// Position after the call.
    end: u32,
    frames: Frames,
    /// Bytes before `at` that are to be copied, which lie together.
    run_length: u32,
    run: u64,
}

impl Tour {
    /// Before the first call.
    pub const NONE: Self = Self {
        told: Stretch {
            origin: Origin {
                time: 0,
                cookie: 0,
                pid: 0,
                tid: 0,
            },
            position: 0,
            direction: 0,
            layer: 0,
        },
        buffers: Buffers {
            address: 0,
            length: 0,
            vectors: 0,
            count: 0,
        },
        at: 0,
        end: 0,
        frames: Frames::OFF,
        run_length: 0,
        run: 0,
    };
}

/// Tells of a call whose bytes are in `buffers` and end at position `end`: what the agent reads is copied, the rest is
/// announced. Answers how many bytes at its end are left to be told because the place of the next frame was lost.
#[inline(always)]
pub fn follow(
    mut tour: *mut Tour,
    frames: &mut Frames,
    call: &Stretch,
    buffers: Buffers,
    end: u32,
) -> Result<u32, Counter> {
    // SAFETY: nobody else uses it now: a slot of this CPU with preemption disabled, or the entry of the caller.
    unsafe {
        (*tour).told = *call;
        (*tour).buffers = buffers;
        (*tour).at = call.position;
        (*tour).end = end;
        (*tour).frames = *frames;
        (*tour).run_length = 0;
    }
    // SAFETY: the callback gets the pointer to `tour`, which outlives the loop.
    let steps = unsafe { bpf_loop(MAX_FOLLOWED, step as *mut c_void, (&raw mut tour).cast(), 0) };
    if steps < 0 {
        return Err(Counter::Loop);
    }
    // SAFETY: as above.
    let tour = unsafe { &*tour };
    *frames = tour.frames;
    let left = end.wrapping_sub(tour.told.position);
    if !frames.is_followed() || tour.at != end || tour.run_length != 0 {
        lose(frames);
        return Ok(left);
    }
    frames.reached(end);
    pass(&tour.told, left);
    Ok(0)
}

/// Announces payload that the agent does not read.
#[inline(always)]
pub fn pass(stretch: &Stretch, length: u32) {
    segments::announce(stretch, length, left_out::FRAME_DATA, Counter::FrameData);
}

/// The place of the next frame is not known any more.
#[inline(always)]
pub fn lose(frames: &mut Frames) {
    frames.lose();
    maps::count(Counter::FramesLost);
}

/// A stretch of a frame, or what is left of a buffer.
extern "C" fn step(_index: u64, tour: *mut *mut Tour) -> i64 {
    /// A frame header must have room behind what is to be copied.
    const FULL: u32 = MAX_PAYLOAD - FRAME_HEADER as u32;
    // SAFETY: `follow` passes a pointer to its own pointer.
    let tour = unsafe { &mut **tour };
    let goes_on = tour.at != tour.end && tour.frames.is_followed();
    let wants = goes_on && tour.frames.wants(tour.at);
    if tour.run_length != 0 && (!wants || tour.buffers.length == 0 || tour.run_length > FULL) {
        copy_run(tour);
    }
    if !goes_on || !segments::refill(&mut tour.buffers) {
        return STOP;
    }
    if tour.buffers.length == 0 {
        return CONTINUE;
    }
    let left = tour.end.wrapping_sub(tour.at);
    let most = u64::from(left).min(tour.buffers.length) as u32;
    let length = if tour.at == tour.frames.next {
        take_header(tour, most)
    } else if wants {
        let wanted = tour.frames.wanted.wrapping_sub(tour.at);
        most.min(wanted).min(MAX_PAYLOAD.wrapping_sub(tour.run_length))
    } else {
        most.min(tour.frames.next.wrapping_sub(tour.at))
    };
    if wants {
        if tour.run_length == 0 {
            tour.run = tour.buffers.address;
        }
        tour.run_length += length;
    }
    tour.buffers.address = tour.buffers.address.wrapping_add(u64::from(length));
    tour.buffers.length = tour.buffers.length.wrapping_sub(u64::from(length));
    tour.at = tour.at.wrapping_add(length);
    CONTINUE
}

/// Takes the header of a frame, or one byte of it if not all is there; answers how many bytes these are.
#[inline(always)]
fn take_header(tour: &mut Tour, most: u32) -> u32 {
    let address = tour.buffers.address;
    if tour.frames.missing() == FRAME_HEADER && most >= FRAME_HEADER as u32 {
        let Some(header) = read_header(address) else {
            tour.frames.lose();
            return 0;
        };
        for byte in header {
            tour.frames.take(byte);
        }
        return FRAME_HEADER as u32;
    }
    let mut byte = 0u8;
    // SAFETY: the helper checks the user address, and writes the one byte.
    let result = unsafe { bpf_probe_read_user((&raw mut byte).cast(), 1, address as *const _) };
    if result != 0 {
        tour.frames.lose();
        return 0;
    }
    tour.frames.take(byte);
    1
}

/// Announces what is before the bytes that are to be copied, and copies them.
#[inline(always)]
fn copy_run(tour: &mut Tour) {
    let length = tour.run_length;
    tour.run_length = 0;
    let start = tour.at.wrapping_sub(length);
    pass(&tour.told, start.wrapping_sub(tour.told.position));
    tour.told.position = start;
    let header = segments::data_header(&tour.told, length);
    emit::put_bytes(header, tour.run, segments::counter_of(tour.told.direction));
    tour.told.position = tour.at;
}

/// Where the frames of a direction are, if its first bytes tell.
#[inline(always)]
pub fn begin(buffers: Buffers, position: u32, length: u32) -> Frames {
    match first_bytes(buffers, length) {
        Some((bytes, _)) if is_preface(&bytes) => Frames::after(position, position.wrapping_add(PREFACE)),
        Some((bytes, _)) if is_first(&bytes) => Frames::ahead(position, position),
        _ => Frames::OFF,
    }
}

/// Looks for frames where a call begins: programs mostly write whole ones. They are believed if they chain.
#[inline(always)]
pub fn seek(frames: &mut Frames, buffers: Buffers, position: u32, length: u32) {
    let Some((header, first)) = first_bytes(buffers, length) else {
        return;
    };
    let Some(payload) = believable(&header) else {
        return;
    };
    let behind = payload + FRAME_HEADER as u32;
    let chains = behind == length
        || (behind <= first.length.saturating_sub(FRAME_HEADER as u32) && {
            let next = read_header(first.address.wrapping_add(u64::from(behind)));
            next.is_some_and(|next| believable(&next).is_some())
        });
    if chains {
        *frames = Frames::ahead(position, position);
    }
}

/// The first buffer of a call.
struct First {
    address: u64,
    length: u32,
}

#[inline(always)]
fn first_bytes(mut buffers: Buffers, length: u32) -> Option<([u8; FRAME_HEADER], First)> {
    if !segments::refill(&mut buffers) {
        return None;
    }
    let first = u64::from(length).min(buffers.length) as u32;
    if first < FRAME_HEADER as u32 {
        return None;
    }
    let header = read_header(buffers.address)?;
    Some((
        header,
        First {
            address: buffers.address,
            length: first,
        },
    ))
}

#[inline(always)]
fn read_header(address: u64) -> Option<[u8; FRAME_HEADER]> {
    let mut header = [0u8; FRAME_HEADER];
    // SAFETY: the helper checks the user address, and writes the 9 bytes of `header`.
    let result = unsafe { bpf_probe_read_user((&raw mut header).cast(), FRAME_HEADER as u32, address as *const _) };
    (result == 0).then_some(header)
}
