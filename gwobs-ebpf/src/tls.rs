//! TLS calls: plaintext as the library gives and takes it, told under the socket that the library uses.
//!
//! Libraries do not say which socket an object of theirs belongs to. But what they do on the socket they do within a call:
//! the first socket call nested in a call on an object, by the same caller, is on the object's socket, for callbacks come
//! after the library has read or written. An object that is freed and made anew at the same address names its new socket
//! with its first handshake.
//!
//! Probes run with preemption enabled, so nothing here lies in a per-CPU slot: work in progress is in the entry of the
//! caller.

use aya_ebpf::helpers::generated::bpf_probe_read_user;
use gwobs_common::chunks::Chunks;
use gwobs_common::counter::Counter;
use gwobs_common::frames::Frames;
use gwobs_common::record::{RecordHeader, kind, layer, left_out};
use gwobs_common::table::{Connection, Flow, MarkKey, PLAINTEXT_MARK, PROCESS_ACTIVE, RECEIVE, SEND, STAGE_ANNOUNCED};
use gwobs_common::tls::{
    ALERT_RECEIVED, BORINGSSL_ERRORS, BROKEN, CALLER_GOROUTINE, GO_ERRORS, OPENSSL_ERRORS, PLAINTEXT, WIRE, function,
};

use crate::abi::Arguments;
use crate::chunks::Pursuit;
use crate::emit::{self, Origin};
use crate::frames::Tour;
use crate::maps::{self, PROCESSES, TLS_CALLS, TLS_OBJECTS, TLS_PROCESSES};
use crate::registers::Buffers;
use crate::segments::Stretch;
use crate::transfer::Plan;
use crate::{Outcome, chunks, connection, frames, go_error, kernel, registers, segments, transfer};

/// Who makes a call: a thread or a goroutine of a process.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Caller {
    pub pid: u64,
    pub who: u64,
}

/// An object of the library, in the memory of a process.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ObjectKey {
    pid: u64,
    object: u64,
}

/// What is known of an object.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Object {
    /// Its socket.
    cookie: u64,
    /// Plaintext bytes read and written.
    positions: [u32; 2],
    /// 1 if they count from the connection's beginning: its handshake was seen.
    whole: u32,
    /// 1 once the end of the handshake was told.
    told: u32,
    /// What the library reported first within the handshake: its own number and the reason; 0 before.
    reporter: u32,
    reason: u32,
}

/// A call that has not returned.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Call {
    object: u64,
    buffer: u64,
    /// Length of the buffer.
    length: u64,
    fourth: u64,
    function: u64,
    /// The socket of the first socket call within it; 0 before.
    socket: u64,
    /// 1 while a handshake runs within it.
    shaking: u64,
    /// 1 once its plaintext was told before it has returned.
    ahead: u64,
    /// What to do with its bytes.
    plan: Plan,
    /// What is being copied.
    work: Work,
}

impl Call {
    /// What to do with its bytes, read from memory that the verifier knows nothing of: else it follows all that comes next
    /// once for each way in which a plan can be made, which are too many.
    #[inline(always)]
    fn plan(&self) -> Plan {
        // SAFETY: a valid reference.
        unsafe { core::ptr::read_volatile(&raw const self.plan) }
    }
}

/// What a call is at: one after the other.
#[derive(Clone, Copy)]
#[repr(C)]
union Work {
    tour: Tour,
    pursuit: Pursuit,
}

/// How a call ended.
#[derive(Clone, Copy)]
pub enum Ending {
    /// What a C function answered.
    C(i32),
    /// The first words that a Go function answered: bytes, or the type of its error and the error.
    Go([u64; 2]),
}

/// A call begins.
#[inline(always)]
pub fn try_enter(function: u64, who: u64, arguments: Arguments) -> Outcome {
    let (_, pid) = kernel::current();
    // SAFETY: a plain integer that is not looked at.
    if unsafe { PROCESSES.get(&pid) }.is_none() {
        return Ok(());
    }
    let caller = Caller {
        pid: u64::from(pid),
        who,
    };
    if function == function::ALERT {
        note_alert(&caller, arguments.buffer as u8);
        return Ok(());
    }
    if function == function::HANDSHAKE {
        if let Some(outer) = call_of(&caller) {
            if outer.object == arguments.object && outer.function != function::HANDSHAKE {
                outer.shaking = 1;
                return Ok(());
            }
        }
    }
    let call = Call {
        object: arguments.object,
        buffer: arguments.buffer,
        length: arguments.third,
        fourth: arguments.fourth,
        function,
        socket: 0,
        shaking: u64::from(function == function::HANDSHAKE),
        ahead: 0,
        plan: Plan::NONE,
        work: Work { tour: Tour::NONE },
    };
    if TLS_CALLS.insert(&caller, &call, 0).is_err() {
        give_up(pid, arguments.object);
        return Err(Counter::TlsTable);
    }
    Ok(())
}

/// Go ends a handshake by an alert of its own: that is why it fails, unless the peer's alert says more.
#[inline(always)]
fn note_alert(caller: &Caller, alert: u8) {
    let Some(call) = call_of(caller) else {
        return;
    };
    if call.shaking == 0 {
        return;
    }
    let key = ObjectKey {
        pid: caller.pid,
        object: call.object,
    };
    if let Some(object) = object_of(&key) {
        if object.reporter == 0 {
            object.reporter = GO_ERRORS;
            object.reason = u32::from(alert);
        }
    }
}

/// The library reports an error; within a handshake that is why it fails.
#[inline(always)]
pub fn try_report(function: u64, who: u64, arguments: Arguments) -> Outcome {
    let (_, pid) = kernel::current();
    let caller = Caller {
        pid: u64::from(pid),
        who,
    };
    let Some(call) = call_of(&caller) else {
        return Ok(());
    };
    let key = ObjectKey {
        pid: caller.pid,
        object: call.object,
    };
    let reporter = arguments.object as u32;
    let is_of_library = reporter == BORINGSSL_ERRORS || reporter == OPENSSL_ERRORS;
    if call.shaking == 0 || !is_of_library {
        return Ok(());
    }
    let reason = if function == function::REPORT {
        arguments.buffer as u32
    } else {
        arguments.third as u32
    };
    if let Some(object) = object_of(&key) {
        // What the peer says weighs more than what made the library look for it.
        if object.reporter == 0 || reason > ALERT_RECEIVED {
            object.reporter = reporter;
            object.reason = reason;
        }
    }
    Ok(())
}

/// A call ends.
#[inline(always)]
pub fn try_leave(function: u64, who: u64, ending: Ending) -> Outcome {
    let (tid, pid) = kernel::current();
    // SAFETY: a plain integer that the agent may change in the meantime.
    let state = unsafe { PROCESSES.get(&pid) };
    if state.is_none() {
        return Ok(());
    }
    let caller = Caller {
        pid: u64::from(pid),
        who,
    };
    let Some(call) = call_of(&caller) else {
        maps::count(Counter::TlsCallUnseen);
        return Ok(());
    };
    let is_inner = call.function != function;
    if is_inner && function != function::HANDSHAKE {
        maps::count(Counter::TlsCallUnseen);
        return Ok(());
    }
    let key = ObjectKey {
        pid: caller.pid,
        object: call.object,
    };
    let origin = |cookie| Origin {
        time: kernel::now(),
        cookie,
        pid,
        tid,
    };
    let outcome = match (function, object_of(&key)) {
        (_, None) if bytes(call, ending) == 0 => Ok(()),
        (_, Some(_)) if call.ahead != 0 && !is_inner => Ok(()),
        (function::HANDSHAKE, None) => Ok(()),
        (_, None) => {
            maps::count(Counter::PlaintextUnbound);
            Ok(())
        }
        (function::HANDSHAKE, Some(object)) => {
            tell_handshake(object, &origin(object.cookie), ending);
            Ok(())
        }
        (_, Some(object)) => {
            let active = matches!(state, Some(&PROCESS_ACTIVE));
            tell(call, object, &origin(object.cookie), bytes(call, ending), active)
        }
    };
    if is_inner {
        call.shaking = 0;
    } else {
        // What is not there need not be removed.
        let _ = TLS_CALLS.remove(&caller);
    }
    outcome
}

/// The current task has sent bytes on a socket. If a goroutine did so within a write, the write's plaintext is told now:
/// it writes all of it or breaks the connection, and until it returns another goroutine may have read the answer and passed
/// it on. What a thread writes is told when the call returns, for it may have written a part only; it reads the answer
/// itself, so that is soon enough.
#[inline(always)]
pub fn try_sent(length: i32) -> Outcome {
    if length <= 0 {
        return Ok(());
    }
    let (tid, pid) = kernel::current();
    // SAFETY: plain integers that the agent may change in the meantime.
    let (style, state) = unsafe { (TLS_PROCESSES.get(&pid), PROCESSES.get(&pid)) };
    if !matches!(style, Some(&CALLER_GOROUTINE)) {
        return Ok(());
    }
    let caller = Caller {
        pid: u64::from(pid),
        who: registers::goroutine(),
    };
    let Some(call) = call_of(&caller) else {
        return Ok(());
    };
    if call.function != function::WRITE || call.shaking != 0 || call.ahead != 0 || call.socket == 0 {
        return Ok(());
    }
    let key = ObjectKey {
        pid: caller.pid,
        object: call.object,
    };
    let Some(object) = object_of(&key) else {
        return Ok(());
    };
    call.ahead = 1;
    let origin = Origin {
        time: kernel::now(),
        cookie: object.cookie,
        pid,
        tid,
    };
    let active = matches!(state, Some(&PROCESS_ACTIVE));
    tell(call, object, &origin, call.length as u32, active)
}

/// Bytes that a call moved.
#[inline(always)]
fn bytes(call: &Call, ending: Ending) -> u32 {
    match (call.function, ending) {
        (function::READ | function::WRITE, Ending::C(result)) => result.max(0) as u32,
        (function::READ | function::WRITE, Ending::Go([count, _])) => (count as i32).max(0) as u32,
        (function::READ_EX | function::WRITE_EX, Ending::C(1)) => read_count(call.fourth),
        _ => 0,
    }
}

#[inline(always)]
fn read_count(address: u64) -> u32 {
    let mut count = 0u64;
    // SAFETY: the helper checks the user address, and writes the 8 bytes of `count`.
    let result = unsafe { bpf_probe_read_user((&raw mut count).cast(), 8, address as *const _) };
    if result == 0 { count as u32 } else { 0 }
}

#[inline(always)]
fn tell_handshake(object: &mut Object, origin: &Origin, ending: Ending) {
    let succeeded = match ending {
        Ending::C(1) | Ending::Go([0, _]) => 1,
        // The library only waits for the peer.
        Ending::C(_) if object.reporter == 0 => return,
        Ending::C(_) => 0,
        Ending::Go([_, error]) => {
            if let Some(alert) = go_error::alert(error) {
                object.reporter = GO_ERRORS;
                object.reason = ALERT_RECEIVED + u32::from(alert);
            }
            0
        }
    };
    if object.told == 0 {
        let header = RecordHeader {
            length: succeeded,
            position: object.reason,
            captured: object.reporter,
            ..emit::header(origin, kind::HANDSHAKE, RECEIVE)
        };
        object.told = u32::from(emit::put(header, Counter::Handshake));
    }
}

/// Plaintext moved.
#[inline(always)]
fn tell(call: &mut Call, object: &mut Object, origin: &Origin, length: u32, active: bool) -> Outcome {
    if length == 0 {
        return Ok(());
    }
    let reads = matches!(call.function, function::READ | function::READ_EX);
    let direction = if reads { RECEIVE } else { SEND };
    let [received, sent] = &mut object.positions;
    let moved = if reads { received } else { sent };
    let position = *moved;
    *moved = position.wrapping_add(length);
    let Some(connection) = connection::find(object.cookie) else {
        maps::count(Counter::PlaintextUnbound);
        return Ok(());
    };
    if !active || connection.stage != STAGE_ANNOUNCED || connection.tls == BROKEN {
        maps::count(Counter::PlaintextUnbound);
        return Ok(());
    }
    if connection.tls == WIRE {
        begin_plaintext(connection);
    }
    let marks = MarkKey {
        cookie: object.cookie,
        direction: u64::from(direction) + PLAINTEXT_MARK,
    };
    let (flow, turned) = transfer::turn(connection, direction);
    transfer::doubt_chunks(flow, turned, position);
    call.plan = transfer::plan(flow, &marks, position, length, turned);
    let stretch = Stretch {
        origin: *origin,
        position,
        direction,
        layer: if object.whole == 1 {
            layer::PLAINTEXT
        } else {
            layer::PLAINTEXT_JOINED
        },
    };
    carry_out(call, flow, &stretch, length)
}

/// Announces and copies what the plan says, or what the frames say.
#[inline(always)]
fn carry_out(call: &mut Call, flow: &mut Flow, stretch: &Stretch, length: u32) -> Outcome {
    let plan = call.plan();
    let buffers = Buffers {
        address: call.buffer,
        length: u64::from(length),
        vectors: 0,
        count: 0,
    };
    transfer::find_frames(flow, &plan, buffers, stretch.position, length);
    if flow.frames.is_followed() {
        let end = stretch.position.wrapping_add(length);
        let left = frames::follow(tour(call), &mut flow.frames, stretch, buffers, end)?;
        let wanted = left.min(transfer::window());
        if wanted != 0 {
            flow.base = end.wrapping_sub(left);
        }
        return copy(call, stretch, [length - left, wanted, left - wanted]);
    }
    if plan.is_beyond(flow, length) && chunks::may_begin(buffers) {
        call.plan = Plan::anew(flow, stretch.position, length);
    }
    let plan = call.plan();
    segments::announce(stretch, plan.skipped, left_out::SKIPPED, Counter::Skipped);
    let end = stretch.position.wrapping_add(length);
    if !plan.begins && !transfer::has_framing_before(flow, end) {
        return copy(call, stretch, [plan.skipped, plan.wanted, plan.beyond]);
    }
    copy(call, stretch, [plan.skipped, plan.wanted, 0])?;
    let beyond = stretch.after(plan.skipped).after(plan.wanted);
    follow_chunks(call, flow, stretch, &beyond, buffers, plan.begins)
}

/// Follows the framing of a chunked body beyond what was copied. Where the body ends the window opens again.
#[inline(always)]
fn follow_chunks(
    call: &mut Call,
    flow: &mut Flow,
    stretch: &Stretch,
    beyond: &Stretch,
    buffers: Buffers,
    begins: bool,
) -> Outcome {
    let length = buffers.length as u32;
    let end = stretch.position.wrapping_add(length);
    if begins {
        flow.chunks = chunks::guess(buffers, stretch.position, length, stretch.direction)?;
    }
    if !transfer::has_framing_before(flow, end) {
        let left = end.wrapping_sub(beyond.position);
        segments::announce(beyond, left, left_out::WINDOW, Counter::Window);
        return Ok(());
    }
    let pursuit = &raw mut call.work.pursuit;
    let left = chunks::follow(pursuit, &mut flow.chunks, beyond, buffers, stretch.position, end)?;
    if !flow.chunks.is_last() {
        return Ok(());
    }
    flow.base = flow.chunks.next;
    flow.chunks = Chunks::OFF;
    let wanted = left.min(transfer::window());
    copy(call, stretch, [length - left, wanted, left - wanted])
}

fn tour(call: &mut Call) -> *mut Tour {
    &raw mut call.work.tour
}

/// Of a call's bytes: some that have been told of, some that are copied, and some that are announced.
#[inline(always)]
fn copy(call: &mut Call, stretch: &Stretch, parts: [u32; 3]) -> Outcome {
    let [before, wanted, beyond] = parts;
    let start = stretch.after(before);
    let rest = start.after(wanted);
    if wanted != 0 {
        let buffers = Buffers {
            address: call.buffer.wrapping_add(u64::from(before)),
            length: u64::from(wanted),
            vectors: 0,
            count: 0,
        };
        let mut all = Frames::after(start.position, rest.position);
        frames::follow(tour(call), &mut all, &start, buffers, rest.position)?;
    }
    segments::announce(&rest, beyond, left_out::WINDOW, Counter::Window);
    Ok(())
}

/// From here on the positions are those of the plaintext.
#[inline(always)]
fn begin_plaintext(connection: &mut Connection) {
    let [received, sent] = &mut connection.flows;
    *received = Flow {
        ended: received.ended,
        ..Flow::NEW
    };
    *sent = Flow {
        ended: sent.ended,
        ..Flow::NEW
    };
    connection.last_direction = 0;
    connection.tls = PLAINTEXT;
}

/// A followed process moves bytes on a socket: if it does so within a TLS call, the call's object is the socket's. Answers
/// what the bytes are, or `None` if their plaintext is told instead.
#[inline(always)]
pub fn layer_of(connection: &mut Connection, cookie: u64, pid: u32, tid: u32) -> Option<u8> {
    // SAFETY: a plain integer that the agent may change in the meantime.
    let Some(style) = (unsafe { TLS_PROCESSES.get(&pid) }) else {
        return Some(layer::WIRE);
    };
    let who = if *style == CALLER_GOROUTINE {
        registers::goroutine()
    } else {
        u64::from(tid)
    };
    let caller = Caller {
        pid: u64::from(pid),
        who,
    };
    let mut within = false;
    if let Some(call) = call_of(&caller) {
        if call.socket == 0 {
            call.socket = cookie;
            bind(connection, cookie, &caller, call);
        }
        within = call.socket == cookie;
    }
    match (connection.tls, within) {
        (PLAINTEXT, _) => None,
        (WIRE, true) => Some(layer::CIPHERTEXT),
        _ => Some(layer::WIRE),
    }
}

#[inline(always)]
fn bind(connection: &mut Connection, cookie: u64, caller: &Caller, call: &Call) {
    let key = ObjectKey {
        pid: caller.pid,
        object: call.object,
    };
    let shaking = call.shaking as u32;
    if let Some(known) = object_of(&key) {
        if known.cookie == cookie {
            let [received, sent] = known.positions;
            if received | sent == 0 {
                known.whole |= shaking;
            }
            return;
        }
    }
    if connection.tls == PLAINTEXT {
        connection.tls = BROKEN;
    }
    let object = Object {
        cookie,
        positions: [0; 2],
        whole: shaking,
        told: 0,
        reporter: 0,
        reason: 0,
    };
    if TLS_OBJECTS.insert(&key, &object, 0).is_err() {
        maps::count(Counter::TlsTable);
        return;
    }
    connection.tls_object = call.object;
    connection.tls_pid = caller.pid as u32;
}

/// The connection's socket is gone: its object's next socket is another one.
#[inline(always)]
pub fn unbind(cookie: u64, connection: &Connection) {
    if connection.tls_object == 0 {
        return;
    }
    let key = ObjectKey {
        pid: u64::from(connection.tls_pid),
        object: connection.tls_object,
    };
    if object_of(&key).is_some_and(|object| object.cookie == cookie) {
        let _ = TLS_OBJECTS.remove(&key);
    }
}

/// A call on the object is missed: what it moves is a gap of unknown size.
#[inline(always)]
fn give_up(pid: u32, object: u64) {
    let key = ObjectKey {
        pid: u64::from(pid),
        object,
    };
    if let Some(object) = object_of(&key) {
        if let Some(connection) = connection::find(object.cookie) {
            connection.tls = BROKEN;
        }
    }
}

#[inline(always)]
fn call_of(caller: &Caller) -> Option<&'static mut Call> {
    // SAFETY: the entry is its caller's own, which makes one call at a time.
    TLS_CALLS.get_ptr_mut(caller).map(|call| unsafe { &mut *call })
}

#[inline(always)]
fn object_of(key: &ObjectKey) -> Option<&'static mut Object> {
    // SAFETY: threads that share an object race for plain integers, of which each direction has its own.
    TLS_OBJECTS.get_ptr_mut(key).map(|object| unsafe { &mut *object })
}
