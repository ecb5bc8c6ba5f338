//! Bytes through a socket.

use aya_ebpf::bindings::{BPF_RB_AVAIL_DATA, BPF_RB_RING_SIZE};
use gwobs_common::chunks::Chunks;
use gwobs_common::counter::Counter;
use gwobs_common::limits::{WINDOW, WINDOW_FILLING, WINDOW_FULL, WINDOW_OF_CHUNKS};
use gwobs_common::record::{kind, left_out};
use gwobs_common::table::{Connection, Flow, MarkKey, PROCESS_ACTIVE, RECEIVE, SEND, STAGE_ANNOUNCED};

use crate::connection::{self, Positions};
use crate::emit::{self, Origin};
use crate::kernel::{self, Object, offset, read};
use crate::maps::{self, EVENTS, MARKS, PROCESSES, PURSUITS, TOURS};
use crate::registers::{self, Buffers};
use crate::segments::{self, Stretch};
use crate::{Outcome, chunks, frames, tls, unread};

const MSG_OOB: i32 = 0x1;
const MSG_PEEK: i32 = 0x2;
const MSG_TRUNC: i32 = 0x20;
const MSG_ERRQUEUE: i32 = 0x2000;

/// What to do with the bytes of one call, which are in this order: not needed, to be copied, beyond the window.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Plan {
    pub skipped: u32,
    pub wanted: u32,
    pub beyond: u32,
    /// The first bytes since the conversation turned, all of them of interest.
    pub begins: bool,
    /// The first bytes of this direction.
    first: bool,
    /// The frames are followed: they tell what is copied.
    pub framed: bool,
}

impl Plan {
    /// Before the first bytes.
    pub const NONE: Self = Self {
        skipped: 0,
        wanted: 0,
        beyond: 0,
        begins: false,
        first: false,
        framed: false,
    };

    /// Whether nothing of the call would be copied, and no framing is known to be in it.
    #[inline(always)]
    pub fn is_beyond(&self, flow: &Flow, length: u32) -> bool {
        self.beyond == length && !flow.chunks.is_followed()
    }

    /// A call that is all beyond the window seems to begin a message: the window opens there again. Else the message after a
    /// body would be missed if the conversation does not turn between them, as when the body was answered before its end,
    /// and the agent is not fast enough to say where it ends.
    #[inline(always)]
    pub fn anew(flow: &mut Flow, position: u32, length: u32) -> Self {
        flow.base = position;
        let wanted = length.min(window());
        Self {
            skipped: 0,
            wanted,
            beyond: length - wanted,
            begins: true,
            first: false,
            framed: false,
        }
    }
}

/// What a socket call did.
struct Moved {
    length: u32,
    flags: i32,
    direction: u8,
    /// What the bytes are (`layer`).
    layer: u8,
}

/// A socket call of the current task has moved `length` bytes, or has failed, or has read the end of the stream.
#[inline(always)]
pub fn try_transfer(sock: Object, length: i32, flags: i32, direction: u8) -> Outcome {
    if length < 0 {
        return Ok(());
    }
    let (tid, pid) = kernel::current();
    // SAFETY: a plain integer that the agent may change in the meantime.
    if !matches!(unsafe { PROCESSES.get(&pid) }, Some(&PROCESS_ACTIVE)) {
        return Ok(());
    }
    let cookie = kernel::cookie(sock);
    let origin = Origin {
        time: kernel::now(),
        cookie,
        pid,
        tid,
    };
    if direction == RECEIVE {
        if flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE) != 0 {
            maps::count(Counter::NotConsumed);
            return Ok(());
        }
        if length == 0 {
            return read_end(sock, &origin);
        }
    }
    let Some(connection) = connection::find_or_enter(sock, cookie, pid)? else {
        return if direction == RECEIVE {
            unread::try_receive(sock, &origin)
        } else {
            Ok(())
        };
    };
    let Some(layer) = tls::layer_of(connection, cookie, pid, tid) else {
        maps::count(Counter::Ciphertext);
        return Ok(());
    };
    let call = Moved {
        length: length as u32,
        flags,
        direction,
        layer,
    };
    move_bytes(sock, connection, &origin, &call)
}

/// Bytes of a connection: tells of the connection if it is new, moves its window, and carries out what that means.
#[inline(always)]
fn move_bytes(sock: Object, connection: &mut Connection, origin: &Origin, call: &Moved) -> Outcome {
    let Moved {
        length,
        flags,
        direction,
        layer,
    } = *call;
    if length == 0 {
        return Ok(());
    }
    // Now the kernel's position is behind the bytes. If two threads use one direction of one socket at the same time, the
    // other's bytes may count in, and the agent sees a jump and an overlap instead of the right order.
    let position = if direction == RECEIVE {
        connection::received(sock)?
    } else {
        read::<u32>(sock, offset!(tcp_write_seq))?
    }
    .wrapping_sub(length);
    if connection.stage != STAGE_ANNOUNCED {
        let now = connection::positions(sock)?;
        let before = if direction == RECEIVE {
            Positions {
                receive: position,
                send: now.send,
            }
        } else {
            Positions {
                receive: now.receive,
                send: position,
            }
        };
        connection::announce(sock, connection, origin, before)?;
    }
    let (flow, turned) = turn(connection, direction);
    doubt_chunks(flow, turned, position);
    let marks = MarkKey {
        cookie: origin.cookie,
        direction: u64::from(direction),
    };
    let plan = plan(flow, &marks, position, length, turned);
    let stretch = Stretch {
        origin: *origin,
        position,
        direction,
        layer,
    };
    carry_out(sock, flow, &stretch, &plan, flags)
}

/// A body goes on while the other direction has its say; but bytes that nobody saw may have ended it.
#[inline(always)]
pub fn doubt_chunks(flow: &mut Flow, turned: bool, position: u32) {
    if (turned && !flow.chunks.is_sure()) || is_after(position, flow.chunks.next) {
        flow.chunks = Chunks::OFF;
    }
}

/// Announces and copies what the plan says, and follows the framing of what is beyond.
#[inline(always)]
fn carry_out(sock: Object, flow: &mut Flow, stretch: &Stretch, plan: &Plan, flags: i32) -> Outcome {
    let length = plan.skipped + plan.wanted + plan.beyond;
    let end = stretch.position.wrapping_add(length);
    if plan.framed || plan.first || flow.frames.is_seeking() {
        let buffers = find_buffers(sock, stretch.direction, flags);
        if let Ok(buffers) = buffers {
            find_frames(flow, plan, buffers, stretch.position, length);
        }
        if flow.frames.is_followed() {
            return follow_frames(flow, stretch, end, buffers);
        }
    }
    let mut plan = *plan;
    if plan.is_beyond(flow, length)
        && let Ok(buffers) = find_buffers(sock, stretch.direction, flags)
        && chunks::may_begin(buffers)
    {
        plan = Plan::anew(flow, stretch.position, length);
    }
    segments::announce(stretch, plan.skipped, left_out::SKIPPED, Counter::Skipped);
    let wanted = stretch.after(plan.skipped);
    let beyond = wanted.after(plan.wanted);
    let to_follow = plan.begins || has_framing_before(flow, end);
    if plan.wanted != 0 || to_follow {
        match find_buffers(sock, stretch.direction, flags) {
            Ok(buffers) => {
                segments::copy(&wanted, buffers, plan.skipped, plan.wanted)?;
                if to_follow {
                    return follow(flow, stretch, &beyond, end, buffers, plan.begins);
                }
            }
            Err(reason) => {
                flow.chunks = Chunks::OFF;
                segments::announce(&wanted, plan.wanted, reason, counter_of(reason));
            }
        }
    }
    segments::announce(&beyond, plan.beyond, left_out::WINDOW, Counter::Window);
    Ok(())
}

/// Looks for frames where none are followed, but might be.
#[inline(always)]
pub fn find_frames(flow: &mut Flow, plan: &Plan, buffers: Buffers, position: u32, length: u32) {
    if plan.first {
        flow.frames = frames::begin(buffers, position, length);
    } else if flow.frames.is_seeking() {
        frames::seek(&mut flow.frames, buffers, position, length);
    }
}

/// Follows the frames through a call. Where their place is lost the window opens again.
#[inline(always)]
fn follow_frames(flow: &mut Flow, call: &Stretch, end: u32, buffers: Result<Buffers, u8>) -> Outcome {
    let length = end.wrapping_sub(call.position);
    let buffers = match buffers {
        Ok(buffers) => buffers,
        Err(reason) => {
            if flow.frames.is_payload_until(end) {
                flow.frames.reached(end);
            } else {
                frames::lose(&mut flow.frames);
            }
            segments::announce(call, length, reason, counter_of(reason));
            return Ok(());
        }
    };
    let Some(tour) = TOURS.get_ptr_mut(u32::from(call.direction)) else {
        return Err(Counter::Loop);
    };
    let left = frames::follow(tour, &mut flow.frames, call, buffers, end)?;
    open_window(flow, call, end, left, buffers)
}

/// Of the bytes of a call that are left to be told, those are copied for which the window has room when it begins there.
#[inline(always)]
fn open_window(flow: &mut Flow, call: &Stretch, end: u32, left: u32, buffers: Buffers) -> Outcome {
    let rest = Stretch {
        position: end.wrapping_sub(left),
        ..*call
    };
    let wanted = left.min(window());
    if wanted != 0 {
        flow.base = rest.position;
        segments::copy(&rest, buffers, rest.position.wrapping_sub(call.position), wanted)?;
    }
    segments::announce(&rest.after(wanted), left - wanted, left_out::WINDOW, Counter::Window);
    Ok(())
}

#[inline(always)]
pub fn has_framing_before(flow: &Flow, end: u32) -> bool {
    flow.chunks.is_followed() && is_after(end, flow.chunks.next)
}

/// Follows the framing through a call, of which what is before `beyond` is told already. Where the body ends the window
/// opens again.
#[inline(always)]
fn follow(flow: &mut Flow, call: &Stretch, beyond: &Stretch, end: u32, buffers: Buffers, begins: bool) -> Outcome {
    if begins {
        flow.chunks = chunks::guess(buffers, call.position, end.wrapping_sub(call.position), call.direction)?;
    }
    if !has_framing_before(flow, end) {
        let length = end.wrapping_sub(beyond.position);
        segments::announce(beyond, length, left_out::WINDOW, Counter::Window);
        return Ok(());
    }
    let Some(pursuit) = PURSUITS.get_ptr_mut(u32::from(call.direction)) else {
        return Err(Counter::Loop);
    };
    let left = chunks::follow(pursuit, &mut flow.chunks, beyond, buffers, call.position, end)?;
    if !flow.chunks.is_last() {
        return Ok(());
    }
    flow.base = flow.chunks.next;
    flow.chunks = Chunks::OFF;
    open_window(flow, call, end, left, buffers)
}

/// The memory of the call, if there is any that holds the bytes.
#[inline(always)]
fn find_buffers(sock: Object, direction: u8, flags: i32) -> Result<Buffers, u8> {
    if direction == RECEIVE && flags & MSG_TRUNC != 0 {
        return Err(left_out::NO_BUFFER);
    }
    registers::buffers(sock, direction)
}

#[inline(always)]
fn counter_of(reason: u8) -> Counter {
    match reason {
        left_out::NO_BUFFER => Counter::NoBuffer,
        left_out::FAULT => Counter::Fault,
        _ => Counter::NotThisSocket,
    }
}

/// The conversation goes on in this direction; whether it turned.
#[inline(always)]
pub fn turn(connection: &mut Connection, direction: u8) -> (&mut Flow, bool) {
    let turned = connection.last_direction != direction + 1;
    connection.last_direction = direction + 1;
    let [receive, send] = &mut connection.flows;
    (if direction == SEND { send } else { receive }, turned)
}

/// Moves the window, and lays it over the bytes of the call.
#[inline(always)]
pub fn plan(flow: &mut Flow, marks: &MarkKey, position: u32, length: u32, turned: bool) -> Plan {
    apply_mark(flow, marks, position);
    let first = flow.started == 0;
    move_base(flow, turned, position);
    if flow.frames.is_followed() {
        let framed = flow.frames.reaches(position);
        if framed {
            return Plan {
                skipped: 0,
                wanted: 0,
                beyond: length,
                begins: false,
                first: false,
                framed,
            };
        }
        maps::count(Counter::FramesLost);
    }
    let ahead = flow.base.wrapping_sub(position);
    if is_after(flow.base, position) {
        let skipped = ahead.min(length);
        let wanted = (length - skipped).min(window_of(flow));
        return Plan {
            skipped,
            wanted,
            beyond: length - skipped - wanted,
            begins: false,
            first: false,
            framed: false,
        };
    }
    let used = position.wrapping_sub(flow.base);
    let wanted = length.min(window_of(flow).saturating_sub(used));
    Plan {
        skipped: 0,
        wanted,
        beyond: length - wanted,
        // A read of one byte is how Go waits for the next request, and the message goes on in the next one.
        begins: (turned || used == 1) && !flow.chunks.is_followed(),
        first,
        framed: false,
    }
}

#[inline(always)]
fn window_of(flow: &Flow) -> u32 {
    if flow.chunks.is_sure() {
        WINDOW_OF_CHUNKS
    } else {
        window()
    }
}

/// The capture window as the ring buffer's filling allows it: what is left of a buffer that fills up is kept for heads,
/// for a body that is not copied costs nothing, and an event that is lost costs its request.
#[inline(always)]
pub fn window() -> u32 {
    const AVAILABLE: u64 = BPF_RB_AVAIL_DATA as u64;
    const SIZE: u64 = BPF_RB_RING_SIZE as u64;
    let (filled, size) = (EVENTS.query(AVAILABLE), EVENTS.query(SIZE));
    if filled < size / 2 {
        WINDOW
    } else if filled < size / 4 * 3 {
        WINDOW_FILLING
    } else {
        WINDOW_FULL
    }
}

/// A mark of the agent is applied once. It may correct a skip that has not been reached, else it only moves ahead.
#[inline(always)]
fn apply_mark(flow: &mut Flow, marks: &MarkKey, position: u32) {
    // SAFETY: plain integers; the agent replaces entries as a whole.
    let Some(mark) = (unsafe { MARKS.get(marks) }) else {
        return;
    };
    if mark.generation == flow.mark_generation {
        return;
    }
    flow.mark_generation = mark.generation;
    if mark.framed == 1 {
        flow.frames.told(position, mark.position);
    }
    if flow.started == 0 || is_after(mark.position, flow.base) || is_after(flow.base, position) {
        flow.base = mark.position;
        flow.started = 1;
    }
}

#[inline(always)]
fn move_base(flow: &mut Flow, turned: bool, position: u32) {
    /// Positions are compared modulo 2^32: the base must not fall behind so far that it seems to be ahead.
    const FAR_BEHIND: u32 = 1 << 30;
    if flow.started == 0 || (turned && is_after(position, flow.base)) {
        flow.base = position;
        flow.started = 1;
    } else if is_after(position, flow.base.wrapping_add(FAR_BEHIND)) && is_after(position, flow.base) {
        flow.base = position.wrapping_sub(WINDOW);
    }
}

/// Whether stream position `a` comes after `b`, at a distance of less than 2^31.
#[inline(always)]
fn is_after(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) > 0
}

/// A read answered 0: the end of the stream, if the peer's FIN is there (else the buffer was empty).
#[inline(always)]
fn read_end(sock: Object, origin: &Origin) -> Outcome {
    let Some(connection) = connection::find(origin.cookie) else {
        return unread::try_receive(sock, origin);
    };
    if connection.stage != STAGE_ANNOUNCED || !connection::peer_has_finished(sock)? {
        return Ok(());
    }
    tell_end(connection, origin, RECEIVE);
    Ok(())
}

/// Tells the agent, once, that a direction has ended.
#[inline(always)]
pub fn tell_end(connection: &mut Connection, origin: &Origin, direction: u8) {
    let [receive, send] = &mut connection.flows;
    let flow = if direction == SEND { send } else { receive };
    if flow.ended == 0 && emit::put(emit::header(origin, kind::HALF_CLOSED, direction), Counter::HalfClosed) {
        flow.ended = 1;
    }
}
