//! TLS calls: plaintext as the library gives and takes it, told under the socket that the library uses.
//!
//! Libraries do not say which socket an object of theirs belongs to. But what they do on the socket they do within a call:
//! the first socket call nested in a call on an object, by the same caller, is on the object's socket, for callbacks come
//! after the library has read or written. An object that is freed and made anew at the same address names its new socket
//! with its first handshake.
//!
//! Probes run with preemption enabled, so nothing here lies in a per-CPU slot: work in progress is in the entry of the
//! caller.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_loop, bpf_probe_read_user};
use gwobs_common::chunks::Chunks;
use gwobs_common::counter::Counter;
use gwobs_common::limits::{MAX_PAYLOAD, WINDOW};
use gwobs_common::record::{RecordHeader, kind, layer, left_out};
use gwobs_common::table::{Connection, Flow, MarkKey, PLAINTEXT_MARK, PROCESS_ACTIVE, RECEIVE, SEND, STAGE_ANNOUNCED};
use gwobs_common::tls::{
    ALERT_RECEIVED, BORINGSSL_ERRORS, BROKEN, CALLER_GOROUTINE, GO_ERRORS, OPENSSL_ERRORS, PLAINTEXT, WIRE, function,
};

use crate::abi::Arguments;
use crate::emit::{self, Origin};
use crate::maps::{self, PROCESSES, TLS_CALLS, TLS_OBJECTS, TLS_PROCESSES};
use crate::{Outcome, connection, go_error, kernel, registers, transfer};

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
    fourth: u64,
    function: u64,
    /// The socket of the first socket call within it; 0 before.
    socket: u64,
    /// 1 while a handshake runs within it.
    shaking: u64,
    /// What is being copied.
    header: RecordHeader,
    address: u64,
    wanted: u64,
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
        fourth: arguments.fourth,
        function,
        socket: 0,
        shaking: u64::from(function == function::HANDSHAKE),
        header: EMPTY,
        address: 0,
        wanted: 0,
    };
    if TLS_CALLS.insert(&caller, &call, 0).is_err() {
        give_up(pid, arguments.object);
        return Err(Counter::TlsTable);
    }
    Ok(())
}

const EMPTY: RecordHeader = RecordHeader {
    time: 0,
    cookie: 0,
    pid: 0,
    tid: 0,
    kind: kind::DATA,
    direction: 0,
    left_out: 0,
    layer: 0,
    position: 0,
    length: 0,
    captured: 0,
    lost_ring: 0,
    lost_table: 0,
};

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
    let plan = transfer::plan(flow, &marks, position, length, turned);
    let header = RecordHeader {
        layer: if object.whole == 1 {
            layer::PLAINTEXT
        } else {
            layer::PLAINTEXT_JOINED
        },
        ..emit::header(origin, kind::DATA, direction)
    };
    announce(&header, position, plan.skipped, left_out::SKIPPED, Counter::Skipped);
    let start = position.wrapping_add(plan.skipped);
    if plan.wanted != 0 {
        call.address = call.buffer.wrapping_add(u64::from(plan.skipped));
        call.wanted = u64::from(plan.wanted);
        call.header = RecordHeader {
            position: start,
            ..header
        };
        copy(call)?;
    }
    let beyond = start.wrapping_add(plan.wanted);
    announce(&header, beyond, plan.beyond, left_out::WINDOW, Counter::Window);
    Ok(())
}

/// From here on the positions are those of the plaintext.
#[inline(always)]
fn begin_plaintext(connection: &mut Connection) {
    const FLOW: Flow = Flow {
        base: 0,
        mark_generation: 0,
        started: 0,
        ended: 0,
        chunks: Chunks::OFF,
    };
    let [received, sent] = &mut connection.flows;
    *received = Flow {
        ended: received.ended,
        ..FLOW
    };
    *sent = Flow {
        ended: sent.ended,
        ..FLOW
    };
    connection.last_direction = 0;
    connection.tls = PLAINTEXT;
}

#[inline(always)]
fn counter_of(direction: u8) -> Counter {
    if direction == RECEIVE {
        Counter::Received
    } else {
        Counter::Sent
    }
}

#[inline(always)]
fn announce(header: &RecordHeader, position: u32, length: u32, reason: u8, why: Counter) {
    if length != 0 {
        let record = RecordHeader {
            position,
            length,
            left_out: reason,
            ..*header
        };
        emit::put(record, counter_of(header.direction));
        maps::count(why);
    }
}

/// Copies what the call's entry says, a record's worth at a time.
#[inline(always)]
fn copy(call: &mut Call) -> Outcome {
    const PARTS: u32 = WINDOW / MAX_PAYLOAD + 1;
    let mut pointer: *mut Call = call;
    // SAFETY: the callback gets the pointer to `pointer`, which outlives the loop.
    let steps = unsafe { bpf_loop(PARTS, step as *mut c_void, (&raw mut pointer).cast(), 0) };
    if steps < 0 {
        return Err(Counter::Loop);
    }
    Ok(())
}

/// One record's worth.
extern "C" fn step(_index: u64, call: *mut *mut Call) -> i64 {
    const CONTINUE: i64 = 0;
    const STOP: i64 = 1;
    // SAFETY: `copy` passes a pointer to its own pointer.
    let call = unsafe { &mut **call };
    if call.wanted == 0 {
        return STOP;
    }
    let length = call.wanted.min(u64::from(MAX_PAYLOAD)) as u32;
    let header = RecordHeader { length, ..call.header };
    emit::put_bytes(header, call.address, counter_of(header.direction));
    call.address = call.address.wrapping_add(u64::from(length));
    call.header.position = call.header.position.wrapping_add(length);
    call.wanted -= u64::from(length);
    CONTINUE
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
