//! The order of calls on each thread.

use rustc_hash::FxHashMap;

use super::limits::MAX_THREADS;
use crate::event::{Data, Direction, SocketCookie, Timestamp};

/// Numbers the calls of every thread.
#[derive(Debug, Default)]
pub(super) struct Threads {
    threads: FxHashMap<u32, Thread>,
    /// No number given so far is this high: where numbering goes on after a loss.
    ceiling: u64,
}

#[derive(Debug)]
struct Thread {
    next: u64,
    last: Option<Call>,
}

/// What tells whether the next event is another part of the same call.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    time: Timestamp,
    socket: SocketCookie,
    direction: Direction,
    end: u32,
}

/// The number of a call, and whether this event is its first part.
pub(super) struct Numbered {
    pub(super) thread_order: u64,
    pub(super) begins_call: bool,
}

impl Threads {
    /// Numbers an event that moved bytes; parts of one call share a number.
    pub(super) fn data(&mut self, tid: u32, time: Timestamp, data: &Data) -> Numbered {
        let thread = self.thread(tid);
        let start = Call {
            time,
            socket: data.socket,
            direction: data.direction,
            end: data.position,
        };
        let begins_call = thread.last.as_ref() != Some(&start);
        thread.last = Some(Call {
            end: data.position.wrapping_add(data.length),
            ..start
        });
        thread.next += u64::from(begins_call);
        let thread_order = thread.next - 1;
        self.ceiling = self.ceiling.max(thread_order + 2);
        Numbered {
            thread_order,
            begins_call,
        }
    }

    /// Numbers a call on a socket that is not read.
    pub(super) fn unread(&mut self, tid: u32) -> u64 {
        let thread = self.thread(tid);
        thread.last = None;
        thread.next += 1;
        let thread_order = thread.next - 1;
        self.ceiling = self.ceiling.max(thread_order + 2);
        thread_order
    }

    /// The number that the thread's next call will get, for what is not a call that moves bytes.
    pub(super) fn next(&self, tid: u32) -> u64 {
        self.threads.get(&tid).map_or(self.ceiling, |thread| thread.next)
    }

    /// Calls may be missing: no call before is adjacent to one after.
    pub(super) fn lost(&mut self) {
        self.threads.clear();
    }

    fn thread(&mut self, tid: u32) -> &mut Thread {
        if self.threads.len() >= MAX_THREADS && !self.threads.contains_key(&tid) {
            self.threads.clear();
        }
        let next = self.ceiling;
        self.threads.entry(tid).or_insert(Thread { next, last: None })
    }
}
