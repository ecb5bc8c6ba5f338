//! Processes: the followed tree grows and shrinks with fork and exit. A thread is not a process.

use aya_ebpf::helpers::bpf_get_current_comm;
use gwobs_common::counter::Counter;
use gwobs_common::record::{NAME, ProcessRecord, kind};
use gwobs_common::table::{LOST_TABLE, PROCESS_ACTIVE, RECEIVE};

use crate::Outcome;
use crate::emit::{self, Origin};
use crate::kernel::{self, Object, offset, read};
use crate::maps::{self, NAMES, PROCESSES};

/// The current task has made another. It is active at once, even while its parent's sockets are still being looked up.
#[inline(always)]
pub fn try_fork(child: Object) -> Outcome {
    let (_, parent) = kernel::current();
    if !is_followed(parent) {
        return Ok(());
    }
    let pid: u32 = read(child, offset!(task_tgid))?;
    if pid == parent {
        return Ok(());
    }
    follow(pid)?;
    tell_started(pid, parent, read(child, offset!(task_comm))?);
    Ok(())
}

#[inline(always)]
fn follow(pid: u32) -> Outcome {
    PROCESSES.insert(&pid, &PROCESS_ACTIVE, 0).map_err(|_| {
        maps::lose(LOST_TABLE);
        Counter::ProcessTable
    })
}

/// The current process has executed a program, and may have another name. If that is one to be followed, it is from here
/// on: a gateway that is started anew is seen from its first byte.
#[inline(always)]
pub fn try_exec(task: Object) -> Outcome {
    let (_, pid) = kernel::current();
    let name = bpf_get_current_comm().map_err(|_| Counter::KernelRead)?;
    if !is_followed(pid) {
        // SAFETY: a plain integer that is not looked at.
        if unsafe { NAMES.get(&name) }.is_none() {
            return Ok(());
        }
        follow(pid)?;
    }
    let parent: Object = read(task, offset!(task_real_parent))?;
    tell_started(pid, read(parent, offset!(task_tgid))?, name);
    Ok(())
}

/// A thread of the current process ends; the process does with its last.
#[inline(always)]
pub fn try_exit(task: Object) -> Outcome {
    let (tid, pid) = kernel::current();
    if !is_followed(pid) {
        return Ok(());
    }
    let shared: Object = read(task, offset!(task_signal))?;
    let live: i32 = read(shared, offset!(signal_live))?;
    // Of two threads that end at the same time only one finds the entry.
    if live == 0 && PROCESSES.remove(&pid).is_ok() {
        let origin = Origin {
            time: kernel::now(),
            cookie: 0,
            pid,
            tid,
        };
        emit::put(
            emit::header(&origin, kind::PROCESS_EXITED, RECEIVE),
            Counter::ProcessExited,
        );
    }
    Ok(())
}

#[inline(always)]
fn is_followed(pid: u32) -> bool {
    // SAFETY: a plain integer that is not looked at.
    unsafe { PROCESSES.get(&pid) }.is_some()
}

#[inline(always)]
fn tell_started(pid: u32, parent: u32, name: [u8; NAME]) {
    let origin = Origin {
        time: kernel::now(),
        cookie: 0,
        pid,
        tid: pid,
    };
    let header = emit::header(&origin, kind::PROCESS_STARTED, RECEIVE);
    emit::put(
        ProcessRecord {
            header,
            name,
            parent,
            reserved: 0,
        },
        Counter::ProcessStarted,
    );
}
