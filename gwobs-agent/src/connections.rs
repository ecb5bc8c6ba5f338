//! From kernel events to halves: the bytes of every connection put in order, read as HTTP, and the requests of each
//! connection tied to their responses. Of a TLS connection these bytes are the plaintext, once that is told.
//!
//! On a connection that the gateway accepted, requests are received and responses are sent; on one it opened it is
//! the other way round. Nothing here knows about the other side of the gateway: that is pairing.
//!
//! *Invariant:* a head is told only if exactly its bytes moved on that connection. Where bytes are missing, what depends
//! on them is told as unreadable, and nothing else is.

mod connection;
mod counts;
mod exchanges;
mod flow;
mod handshake;
mod http2;
mod limits;
mod requests;
mod responses;
mod sequence;
mod skip;
mod threads;
mod tls;

use std::collections::VecDeque;
use std::net::SocketAddr;

use rustc_hash::FxHashMap;

pub use counts::Counts;
pub use handshake::HandshakeFailure;
pub use limits::{
    MARK_INTERVAL, MAX_CONNECTING, MAX_CONNECTIONS, MAX_HELD, MAX_PIPELINED, MAX_STREAMS, MAX_THREADS,
    REORDER_NANOSECONDS, SKIP_THRESHOLD,
};
pub use skip::Skip;
pub use tls::Hello;

use self::connection::State;
use self::limits::FORGOTTEN_SHARE;
use self::threads::Threads;
use crate::event::{Data, Direction, EventKind, KernelEvent, Opened, Plaintext, SocketCookie, Timestamp};
use crate::exchange::{ExchangeEvent, HalfId, Stamp};

/// Receives what this layer tells.
type Tell<'a> = dyn FnMut(ExchangeEvent<'_>) + 'a;

/// What the connections share while one event is worked on.
struct Context<'a> {
    tell: &'a mut Tell<'a>,
    counts: &'a mut Counts,
    skips: &'a mut Vec<Skip>,
    failures: &'a mut Vec<HandshakeFailure>,
    hellos: &'a mut Vec<Hello>,
    /// Losses told so far.
    losses: u64,
}

impl Context<'_> {
    fn new_id(&mut self) -> HalfId {
        self.counts.halves += 1;
        HalfId(self.counts.halves)
    }
}

/// A connect that has neither succeeded nor failed.
#[derive(Debug)]
struct Connecting {
    pid: u32,
    peer: SocketAddr,
    began: Stamp,
}

/// All connections of the followed processes.
#[derive(Debug, Default)]
pub struct Connections {
    /// Cookies come from the kernel, which counts them: nobody chooses them to collide, so a plain hash will do.
    connections: FxHashMap<SocketCookie, Box<State>>,
    connecting: FxHashMap<SocketCookie, Connecting>,
    threads: Threads,
    /// Connections that wait for bytes to come in order, by deadline.
    waiting: VecDeque<(Timestamp, SocketCookie)>,
    skips: Vec<Skip>,
    failures: Vec<HandshakeFailure>,
    hellos: Vec<Hello>,
    counts: Counts,
    /// Events so far.
    events: u64,
    /// Losses told so far.
    losses: u64,
}

impl Connections {
    /// Without any connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event and tells what follows from it.
    pub fn on_event(&mut self, event: &KernelEvent, out: &mut impl FnMut(ExchangeEvent<'_>)) {
        self.on_time(event.time, out);
        let order = self.events;
        self.events += 1;
        match &event.kind {
            EventKind::Data(data) => self.on_data(event, data, order, out),
            EventKind::Ciphertext(data) => self.on_ciphertext(event, data, order, out),
            EventKind::Plaintext(plaintext) => self.on_plaintext(event, plaintext, order, out),
            EventKind::Handshake { socket, outcome } => {
                let stamp = self.stamp(event, order);
                if let Some((state, mut context)) = self.parts(*socket, out) {
                    state.on_handshake(*outcome, stamp, &mut context);
                }
            }
            EventKind::Opened(opened) => self.on_opened(event, opened, order, out),
            EventKind::Connecting { socket, peer } => self.on_connecting(event, *socket, *peer, order),
            EventKind::ConnectFailed { socket, peer } => self.on_connect_failed(event, *socket, *peer, order, out),
            EventKind::HalfClosed { socket, direction } => self.on_half_closed(event, *socket, *direction, order, out),
            EventKind::Closed { socket } => self.on_closed(event, *socket, order, out),
            EventKind::Unread(unread) => {
                let thread_order = self.threads.unread(event.tid);
                let stamp = self.stamp(event, order);
                let (pid, stamp) = (event.pid, Stamp { thread_order, ..stamp });
                out(ExchangeEvent::Unread { pid, unread, stamp });
            }
            EventKind::ProcessStarted { .. } => {}
            EventKind::ProcessExited => self.on_process_exited(event.pid, out),
            EventKind::Lost(_) => {
                self.losses += 1;
                self.threads.lost();
                out(ExchangeEvent::Lost);
            }
        }
    }

    /// Stops waiting for bytes that are late at `now`. To be called now and then when no events come; every event
    /// does it by itself.
    pub fn on_time(&mut self, now: Timestamp, out: &mut impl FnMut(ExchangeEvent<'_>)) {
        while let Some((_, socket)) = self.waiting.pop_front_if(|(deadline, _)| *deadline <= now) {
            let Some((state, mut context)) = self.parts(socket, out) else {
                continue;
            };
            state.is_scheduled = false;
            if let Some(deadline) = state.on_deadline(now, &mut context) {
                state.is_scheduled = true;
                self.waiting.push_back((deadline.max(now), socket));
            }
        }
    }

    /// What the kernel side need not copy, since this was last asked.
    pub fn drain_skips(&mut self) -> std::vec::Drain<'_, Skip> {
        self.skips.drain(..)
    }

    /// TLS handshakes that failed, since this was last asked.
    pub fn drain_handshake_failures(&mut self) -> std::vec::Drain<'_, HandshakeFailure> {
        self.failures.drain(..)
    }

    /// Hellos that the process itself moved, since this was last asked.
    pub fn drain_hellos(&mut self) -> std::vec::Drain<'_, Hello> {
        self.hellos.drain(..)
    }

    /// The hello of this connection went on from a client to a backend: what follows it does too.
    pub fn passes_on(&mut self, socket: SocketCookie) {
        if let Some(state) = self.connections.get_mut(&socket) {
            state.passes_on = true;
        }
    }

    /// What was given up, by reason.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Connections known now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// True if no connection is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    fn on_data(&mut self, event: &KernelEvent, data: &Data, order: u64, out: &mut impl FnMut(ExchangeEvent<'_>)) {
        let numbered = self.threads.data(event.tid, event.time, data);
        let stamp = Stamp {
            time: event.time,
            order,
            tid: event.tid,
            thread_order: numbered.thread_order,
        };
        let Some((state, mut context)) = self.parts(data.socket, out) else {
            self.counts.unknown_connection += 1;
            return;
        };
        state.used_by(event.pid, order);
        state.on_wire(data, stamp, numbered.begins_call, &mut context);
        let deadline = state.take_deadline();
        self.waiting.extend(deadline.map(|deadline| (deadline, data.socket)));
    }

    /// What a TLS library does on its sockets is no call of its own: its caller only sees the plaintext.
    fn on_ciphertext(&mut self, event: &KernelEvent, data: &Data, order: u64, out: &mut impl FnMut(ExchangeEvent<'_>)) {
        let stamp = self.stamp(event, order);
        let Some((state, mut context)) = self.parts(data.socket, out) else {
            self.counts.unknown_connection += 1;
            return;
        };
        state.used_by(event.pid, order);
        state.on_ciphertext(data, stamp, true, &mut context);
        let deadline = state.take_deadline();
        self.waiting.extend(deadline.map(|deadline| (deadline, data.socket)));
    }

    fn on_plaintext(
        &mut self,
        event: &KernelEvent,
        plaintext: &Plaintext,
        order: u64,
        out: &mut impl FnMut(ExchangeEvent<'_>),
    ) {
        let numbered = self.threads.data(event.tid, event.time, &plaintext.data);
        let stamp = Stamp {
            time: event.time,
            order,
            tid: event.tid,
            thread_order: numbered.thread_order,
        };
        let socket = plaintext.data.socket;
        let Some((state, mut context)) = self.parts(socket, out) else {
            self.counts.unknown_connection += 1;
            return;
        };
        state.used_by(event.pid, order);
        state.on_plaintext(plaintext, stamp, numbered.begins_call, &mut context);
        let deadline = state.take_deadline();
        self.waiting.extend(deadline.map(|deadline| (deadline, socket)));
    }

    fn on_opened(&mut self, event: &KernelEvent, opened: &Opened, order: u64, out: &mut impl FnMut(ExchangeEvent<'_>)) {
        let connecting = self.connecting.remove(&opened.socket);
        if self.connections.contains_key(&opened.socket) {
            return;
        }
        if self.connections.len() >= MAX_CONNECTIONS {
            self.forget(out);
        }
        let pid = connecting.as_ref().map_or(event.pid, |connecting| connecting.pid);
        let mut state = State::new(opened, pid, self.losses);
        state.began = connecting.map(|connecting| connecting.began);
        state.used_by(pid, order);
        self.connections.insert(opened.socket, Box::new(state));
        self.counts.connections += 1;
    }

    fn on_connecting(&mut self, event: &KernelEvent, socket: SocketCookie, peer: SocketAddr, order: u64) {
        if self.connecting.len() >= MAX_CONNECTING {
            self.counts.connecting_forgotten += self.connecting.len() as u64;
            self.connecting.clear();
        }
        let began = self.stamp(event, order);
        self.connecting.insert(
            socket,
            Connecting {
                pid: event.pid,
                peer,
                began,
            },
        );
    }

    fn on_connect_failed(
        &mut self,
        event: &KernelEvent,
        socket: SocketCookie,
        peer: SocketAddr,
        order: u64,
        out: &mut impl FnMut(ExchangeEvent<'_>),
    ) {
        let unseen = Connecting {
            pid: event.pid,
            peer,
            began: self.stamp(event, order),
        };
        let Connecting { pid, peer, began } = self.connecting.remove(&socket).unwrap_or(unseen);
        out(ExchangeEvent::ConnectFailed { pid, peer, began });
    }

    fn on_half_closed(
        &mut self,
        event: &KernelEvent,
        socket: SocketCookie,
        direction: Direction,
        order: u64,
        out: &mut impl FnMut(ExchangeEvent<'_>),
    ) {
        let stamp = self.stamp(event, order);
        if let Some((state, mut context)) = self.parts(socket, out) {
            state.end_direction(direction, stamp, &mut context);
        }
    }

    fn on_closed(
        &mut self,
        event: &KernelEvent,
        socket: SocketCookie,
        order: u64,
        out: &mut impl FnMut(ExchangeEvent<'_>),
    ) {
        let stamp = self.stamp(event, order);
        if let Some((state, mut context)) = self.parts(socket, out) {
            state.close(stamp, &mut context);
            self.connections.remove(&socket);
        } else if let Some(connecting) = self.connecting.remove(&socket) {
            let Connecting { pid, peer, began } = connecting;
            out(ExchangeEvent::ConnectFailed { pid, peer, began });
        }
    }

    /// What only that process used will not go on, or goes on in a child that shares the socket: then it is joined
    /// anew. The kernel tells the end of each socket by itself.
    fn on_process_exited(&mut self, pid: u32, out: &mut impl FnMut(ExchangeEvent<'_>)) {
        let used = |state: &State| state.is_used_only_by(pid);
        let sockets: Vec<_> = self
            .connections
            .iter()
            .filter(|(_, state)| used(state))
            .map(|(&socket, _)| socket)
            .collect();
        for socket in sockets {
            if let Some((state, mut context)) = self.parts(socket, out) {
                state.orphan(&mut context);
            }
        }
    }

    /// Forgets the least recently used connections, idle ones first.
    fn forget(&mut self, out: &mut impl FnMut(ExchangeEvent<'_>)) {
        let mut by_age: Vec<_> = self
            .connections
            .iter()
            .map(|(&socket, state)| (!state.is_idle(), state.last_used, socket))
            .collect();
        let count = by_age.len().div_ceil(FORGOTTEN_SHARE);
        by_age.sort_unstable();
        for (_, _, socket) in by_age.into_iter().take(count) {
            if let Some((state, mut context)) = self.parts(socket, out) {
                state.forgotten(&mut context);
            }
            self.connections.remove(&socket);
            self.counts.forgotten += 1;
        }
    }

    /// The stamp of an event that is not a call that moves bytes.
    fn stamp(&self, event: &KernelEvent, order: u64) -> Stamp {
        Stamp {
            time: event.time,
            order,
            tid: event.tid,
            thread_order: self.threads.next(event.tid),
        }
    }

    /// A connection, and what it needs to work.
    fn parts<'a>(
        &'a mut self,
        socket: SocketCookie,
        out: &'a mut impl FnMut(ExchangeEvent<'_>),
    ) -> Option<(&'a mut State, Context<'a>)> {
        let state = self.connections.get_mut(&socket)?;
        let context = Context {
            tell: out,
            counts: &mut self.counts,
            skips: &mut self.skips,
            failures: &mut self.failures,
            hellos: &mut self.hellos,
            losses: self.losses,
        };
        Some((state, context))
    }
}

#[cfg(test)]
mod tests;
