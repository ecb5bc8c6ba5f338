//! Iterators over the open files of all tasks: what a process had open before it was followed. While a program runs the
//! kernel holds the file, so its socket cannot be destroyed behind our back.

use core::mem::size_of;

use aya_ebpf::bindings::{file, seq_file, socket, task_struct};
use aya_ebpf::helpers::generated::{bpf_seq_write, bpf_sock_from_file};
use gwobs_common::counter::Counter;
use gwobs_common::record::DiscoveredRecord;
use gwobs_common::table::{PROCESS_TRACKED, ROLE_ACCEPTED, ROLE_CONNECTED, STAGE_CONNECTING, STAGE_UNANNOUNCED};

use crate::Outcome;
use crate::connection;
use crate::kernel::{self, Object, offset, read};
use crate::maps::{self, LISTENING_PORTS, PROCESSES};

const TCP_SYN_SENT: u8 = 2;
const TCP_CLOSE: u8 = 7;
const TCP_LISTEN: u8 = 10;

/// Context of the iterator (`struct bpf_iter__task_file`): 8 bytes a field.
#[repr(C)]
struct TaskFile {
    meta: *const Meta,
    task: *mut task_struct,
    fd: u64,
    file: *mut file,
}

/// `struct bpf_iter_meta`.
#[repr(C)]
struct Meta {
    seq: *mut seq_file,
}

/// A TCP socket in a descriptor of a process that is tracked and not yet active.
struct Found {
    sock: Object,
    pid: u32,
    state: u8,
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task_file")]
fn discover_listeners(ctx: *const TaskFile) -> i32 {
    conclude(try_listener(ctx))
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task_file")]
fn discover_connections(ctx: *const TaskFile) -> i32 {
    conclude(try_connection(ctx))
}

#[inline(always)]
fn conclude(outcome: Outcome) -> i32 {
    if let Err(counter) = outcome {
        maps::count(counter);
    }
    0
}

#[inline(always)]
fn try_listener(ctx: *const TaskFile) -> Outcome {
    match find(ctx)? {
        Some(found) if found.state == TCP_LISTEN => write(ctx, &found),
        _ => Ok(()),
    }
}

#[inline(always)]
fn try_connection(ctx: *const TaskFile) -> Outcome {
    let Some(found) = find(ctx)? else {
        return Ok(());
    };
    if found.state == TCP_LISTEN || found.state == TCP_CLOSE {
        return Ok(());
    }
    let port = u32::from(read::<u16>(found.sock, offset!(sock_local_port))?);
    // SAFETY: only whether it is there is of interest.
    let accepted = unsafe { LISTENING_PORTS.get(&port) }.is_some();
    let role = if accepted { ROLE_ACCEPTED } else { ROLE_CONNECTED };
    let stage = if found.state == TCP_SYN_SENT {
        STAGE_CONNECTING
    } else {
        STAGE_UNANNOUNCED
    };
    let mut entry = connection::fresh(found.pid, role, stage);
    entry.preexisting = u8::from(stage == STAGE_UNANNOUNCED);
    connection::enter(kernel::cookie(found.sock), &entry, true)?;
    write(ctx, &found)
}

#[inline(always)]
fn find(ctx: *const TaskFile) -> Result<Option<Found>, Counter> {
    // SAFETY: the context of this kind of iterator; the last call has neither task nor file.
    let (task, file) = unsafe { ((*ctx).task, (*ctx).file) };
    if task.is_null() || file.is_null() {
        return Ok(None);
    }
    let pid: u32 = read(task.cast(), offset!(task_tgid))?;
    // SAFETY: a plain integer.
    if !matches!(unsafe { PROCESSES.get(&pid) }, Some(&PROCESS_TRACKED)) {
        return Ok(None);
    }
    let sock = sock_of(file);
    if sock.is_null() || !connection::is_tcp(sock)? {
        return Ok(None);
    }
    Ok(Some(Found {
        sock,
        pid,
        state: read(sock, offset!(sock_state))?,
    }))
}

/// The verifier follows `socket->sk` by its constant offset; the agent has checked it against the kernel's BTF.
#[inline(always)]
fn sock_of(file: *mut file) -> Object {
    const SOCKET_SK: usize = 24;
    // SAFETY: a file of the iterator.
    let socket: *mut socket = unsafe { bpf_sock_from_file(file) };
    if socket.is_null() {
        return core::ptr::null();
    }
    // SAFETY: a live socket, of which the verifier knows the type.
    unsafe { socket.cast::<u8>().add(SOCKET_SK).cast::<Object>().read() }
}

#[inline(always)]
fn write(ctx: *const TaskFile, found: &Found) -> Outcome {
    let record = DiscoveredRecord {
        cookie: kernel::cookie(found.sock),
        pid: found.pid,
        state: u32::from(found.state),
        addresses: connection::addresses(found.sock)?,
    };
    // SAFETY: the iterator's own output; the helper copies the record.
    unsafe {
        let seq = (*(*ctx).meta).seq;
        bpf_seq_write(
            seq,
            (&raw const record).cast_mut().cast(),
            size_of::<DiscoveredRecord>() as u32,
        );
    }
    Ok(())
}
