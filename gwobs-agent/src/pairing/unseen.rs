//! What could not be read: streams that may carry requests or calls nobody sees, and losses of events.
//!
//! **Sockets that are not read** (unix sockets, multipath TCP) tell only when something was received. On one that the
//! gateway accepted that may be a request, which may own any call; on one that it opened it may be the answer to a call,
//! for any request that was not answered yet. Writing does not count, for a log is written too, and never answers.
//!
//! **A unix socket between two ends of one process** is no hop at all: HAProxy chains frontends by one. The request that
//! came in elsewhere goes on within the process, and the call that it makes in the end is its own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use gwobs_http::Version;
use gwobs_route::Inconclusive;

use super::limits::{LOSS_MEMORY, MAX_UNREADABLE, UNSEEN_MEMORY, nanoseconds};
use crate::event::{Role, SocketCookie, Timestamp, Unread};
use crate::exchange::{Connection, Half, Stamp};

/// Local ports of connections that cannot be read which are told apart: more than any gateway listens on.
const MAX_PORTS: usize = 256;

/// The last unreadable activity of each connection, by side, and the last loss.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    downstream: Activity,
    upstream: Activity,
    /// The last unreadable activity of downstream connections, by their local port.
    ports: BTreeMap<u16, Timestamp>,
    /// Local ports by which requests come in all the time without being seen.
    listeners: BTreeSet<u16>,
    /// When a request may have come in last by no port at all.
    portless: Option<Timestamp>,
    /// Sockets by which the process talks to itself. The other end tells of them whenever it receives.
    own: HashSet<SocketCookie>,
    lost: Option<Timestamp>,
}

/// Unreadable activity of one side: the last of each connection, in order of time for each thread.
#[derive(Debug, Default)]
struct Activity {
    connections: HashMap<SocketCookie, Stamp>,
    by_thread: BTreeMap<u32, BTreeMap<(Timestamp, SocketCookie), Inconclusive>>,
    /// The last on a connection that found no room to be remembered by itself.
    elsewhere: Option<(Timestamp, Inconclusive)>,
}

impl Activity {
    fn note(&mut self, socket: SocketCookie, stamp: Stamp, why: Inconclusive) {
        self.forget(socket);
        if self.connections.len() >= MAX_UNREADABLE {
            self.forget_old(stamp.time);
        }
        if self.connections.len() >= MAX_UNREADABLE {
            self.elsewhere = Some((stamp.time, why));
            return;
        }
        self.connections.insert(socket, stamp);
        let thread = self.by_thread.entry(stamp.tid).or_default();
        thread.insert((stamp.time, socket), why);
    }

    fn forget(&mut self, socket: SocketCookie) {
        let Some(stamp) = self.connections.remove(&socket) else {
            return;
        };
        if let Some(thread) = self.by_thread.get_mut(&stamp.tid) {
            thread.remove(&(stamp.time, socket));
            if thread.is_empty() {
                self.by_thread.remove(&stamp.tid);
            }
        }
    }

    /// Forgets the connections whose last activity is too old to matter.
    fn forget_old(&mut self, now: Timestamp) {
        let is_old = |last: &Stamp| last.time.0.saturating_add(nanoseconds(UNSEEN_MEMORY)) < now.0;
        let old: Vec<SocketCookie> = self
            .connections
            .iter()
            .filter(|(_, last)| is_old(last))
            .map(|(socket, _)| *socket)
            .collect();
        old.into_iter().for_each(|socket| self.forget(socket));
    }

    /// A request that began then, on this connection, was answered: so was all that came before it (RFC 9112
    /// section 9.3.2).
    fn answered(&mut self, socket: SocketCookie, began: Stamp) {
        if self
            .connections
            .get(&socket)
            .is_some_and(|last| last.order < began.order)
        {
            self.forget(socket);
        }
    }

    /// The last activity of one thread, or of any.
    fn last(&self, thread: Option<u32>) -> Option<(Timestamp, Inconclusive)> {
        let threads = self
            .by_thread
            .iter()
            .filter(|(tid, _)| thread.is_none_or(|thread| thread == **tid));
        let last = threads.filter_map(|(_, calls)| calls.last_key_value().map(|((time, _), why)| (*time, *why)));
        last.chain(self.elsewhere).max()
    }
}

impl Unseen {
    /// Bytes moved on a stream that cannot be read.
    pub(super) fn note(&mut self, connection: &Connection, stamp: Stamp, why: Inconclusive) {
        match connection.role {
            Role::Accepted => {
                self.note_port(connection.local.port(), stamp.time);
                self.downstream.note(connection.socket, stamp, why);
            }
            Role::Connected => self.upstream.note(connection.socket, stamp, why),
        }
    }

    /// Something was received on a socket that is not read.
    pub(super) fn note_unread(&mut self, unread: &Unread, stamp: Stamp) {
        let accepted = unread.role == Some(Role::Accepted);
        if let Some(peer) = unread.peer.filter(|_| accepted && unread.own) {
            self.note_own(peer);
            return;
        }
        if self.own.contains(&unread.socket) {
            return;
        }
        let why = Inconclusive::UnsupportedProtocol;
        if unread.role != Some(Role::Connected) {
            match unread.local_port {
                Some(port) => self.note_port(port, stamp.time),
                None => self.portless = Some(stamp.time),
            }
            self.downstream.note(unread.socket, stamp, why);
        }
        if !accepted {
            self.upstream.note(unread.socket, stamp, why);
        }
    }

    /// Nobody tells when such a socket is closed: now and then all are forgotten, and told again.
    fn note_own(&mut self, socket: SocketCookie) {
        if self.own.len() >= MAX_UNREADABLE {
            self.own.clear();
        }
        self.own.insert(socket);
    }

    pub(super) fn note_port(&mut self, port: u16, at: Timestamp) {
        if self.ports.len() < MAX_PORTS || self.ports.contains_key(&port) {
            self.ports.insert(port, at);
        } else {
            // As if something had been missed: then no port is known for sure.
            self.lose(at);
        }
    }

    /// The local ports by which a request may have come in that nobody saw, and that caused a call which began then; `None`
    /// if it may be any.
    pub(super) fn ports(&self, began: Stamp) -> Option<Vec<u16>> {
        let recent = |at: Timestamp, memory| at.0.saturating_add(nanoseconds(memory)) >= began.time.0;
        let is_open = self.portless.is_some_and(|last| recent(last, UNSEEN_MEMORY));
        if is_open || self.lost.is_some_and(|lost| recent(lost, LOSS_MEMORY)) {
            return None;
        }
        let ports = self.ports.iter().filter(|(_, last)| recent(**last, UNSEEN_MEMORY));
        let ports = ports.map(|(port, _)| port).chain(&self.listeners);
        Some(ports.copied().collect())
    }

    /// Requests come in at this local port all the time without being seen.
    pub(super) fn note_listener(&mut self, port: u16) {
        self.listeners.insert(port);
    }

    /// A request that was read was answered: no request before it on its HTTP/1 connection is under way.
    pub(super) fn answered(&mut self, downstream: &Half) {
        let is_read = downstream
            .request
            .head
            .as_ref()
            .is_some_and(|head| head.version != Version::H2);
        if is_read && downstream.response.head.is_some() && downstream.flaws.is_empty() {
            self.downstream
                .answered(downstream.connection.socket, downstream.request.started);
        }
    }

    /// Events were lost.
    pub(super) fn lose(&mut self, at: Timestamp) {
        self.lost = Some(at);
    }

    /// Why a call that began then may belong to a request that nobody saw; `None` if every possible owner was seen.
    /// `steady`: requests never move between threads.
    pub(super) fn owner_of(&self, began: Stamp, steady: bool) -> Option<Inconclusive> {
        let recent = |at: Timestamp, memory| at.0.saturating_add(nanoseconds(memory)) >= began.time.0;
        if self.lost.is_some_and(|lost| recent(lost, LOSS_MEMORY)) {
            return Some(Inconclusive::LostEvents);
        }
        let last = self.downstream.last(steady.then_some(began.tid));
        let why = last
            .filter(|(last, _)| recent(*last, UNSEEN_MEMORY))
            .map(|(_, why)| why);
        why.or_else(|| self.listeners.first().map(|_| Inconclusive::UnsupportedProtocol))
    }

    /// Why a request whose head was read then may have made a call that nobody saw up to now.
    pub(super) fn call_since(&self, read: Stamp, steady: bool) -> Option<Inconclusive> {
        let (last, why) = self.upstream.last(steady.then_some(read.tid))?;
        (last >= read.time).then_some(why)
    }
}
