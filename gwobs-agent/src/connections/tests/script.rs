//! A small builder of kernel events, and a readable record of what was told.

use std::collections::HashMap;
use std::net::SocketAddr;

use bytes::Bytes;
use gwobs_route::Inconclusive;

use crate::connections::{Connections, Skip};
use crate::event::{
    Data, Direction, EventKind, KernelEvent, LeftOut, Lost, LostReason, Opened, Plaintext, Role, SocketCookie,
    Timestamp,
};
use crate::exchange::{ExchangeEvent, Half, HalfId, Outcome, Stage};

/// Where every stream begins: close to where positions wrap.
pub(super) const START: u32 = u32::MAX - 20;

/// The two directions of a connection, by what they carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Requests,
    Responses,
}

/// Plays events into [`Connections`] and keeps what they tell.
pub(super) struct Script {
    pub(super) connections: Connections,
    pub(super) told: Vec<Told>,
    pub(super) halves: HashMap<HalfId, Half>,
    pub(super) skips: Vec<Skip>,
    pub(super) time: u64,
    pub(super) pid: u32,
    pub(super) tid: u32,
    /// Role of connection 1.
    role: Role,
    positions: HashMap<(u64, bool), u32>,
}

/// One event that was told, without what tests seldom look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Stage(u64, Stage),
    Unreadable(Inconclusive),
    UnseenAnswered(Inconclusive),
    Unread(u64),
    ConnectFailed(SocketAddr),
    Lost,
}

impl Script {
    /// With connection 1 accepted.
    pub(super) fn accepted() -> Self {
        Self::on(Role::Accepted, false)
    }

    /// With connection 1 opened by the gateway.
    pub(super) fn connected() -> Self {
        Self::on(Role::Connected, false)
    }

    /// With connection 1 accepted before the probes were attached.
    pub(super) fn joined() -> Self {
        Self::on(Role::Accepted, true)
    }

    pub(super) fn on(role: Role, preexisting: bool) -> Self {
        let mut script = Self::empty();
        script.role = role;
        script.open(1, role, preexisting);
        script
    }

    /// Which way that side of connection 1 goes.
    pub(super) fn direction(&self, side: Side) -> Direction {
        match (self.role, side) {
            (Role::Accepted, Side::Requests) | (Role::Connected, Side::Responses) => Direction::Receive,
            _ => Direction::Send,
        }
    }

    pub(super) fn empty() -> Self {
        Self {
            connections: Connections::new(),
            told: Vec::new(),
            halves: HashMap::new(),
            skips: Vec::new(),
            time: 1_000,
            pid: 7,
            tid: 7,
            role: Role::Accepted,
            positions: HashMap::new(),
        }
    }

    pub(super) fn open(&mut self, socket: u64, role: Role, preexisting: bool) {
        self.event(EventKind::Opened(Opened {
            socket: SocketCookie(socket),
            role,
            local: address(80),
            peer: address(4000),
            preexisting,
            positions: Some((START, START)),
        }));
    }

    /// A client's bytes on connection 1.
    pub(super) fn request(&mut self, bytes: &[u8]) -> &mut Self {
        self.send(Side::Requests, bytes)
    }

    /// The gateway's bytes on connection 1.
    pub(super) fn response(&mut self, bytes: &[u8]) -> &mut Self {
        self.send(Side::Responses, bytes)
    }

    /// A call on connection 1 whose bytes all crossed.
    pub(super) fn send(&mut self, side: Side, bytes: &[u8]) -> &mut Self {
        self.bytes(1, self.direction(side), bytes)
    }

    /// A call whose bytes all crossed.
    pub(super) fn bytes(&mut self, socket: u64, direction: Direction, bytes: &[u8]) -> &mut Self {
        let position = self.reserve(socket, direction, bytes.len());
        self.call(socket, direction, position, bytes, bytes.len(), None)
    }

    /// A call of which only the first bytes crossed.
    pub(super) fn cut(&mut self, side: Side, bytes: &[u8], length: usize, why: LeftOut) -> &mut Self {
        let direction = self.direction(side);
        let position = self.reserve(1, direction, length);
        self.call(1, direction, position, bytes, length, Some(why))
    }

    /// A call at a position of its own.
    pub(super) fn at(&mut self, side: Side, position: u32, bytes: &[u8]) -> &mut Self {
        self.call(1, self.direction(side), position, bytes, bytes.len(), None)
    }

    /// Bytes that moved without an event.
    pub(super) fn unseen(&mut self, side: Side, length: usize) -> &mut Self {
        self.reserve(1, self.direction(side), length);
        self
    }

    /// Position of the next bytes of a direction.
    pub(super) fn reserve(&mut self, socket: u64, direction: Direction, length: usize) -> u32 {
        let next = self
            .positions
            .entry((socket, direction == Direction::Send))
            .or_insert(START);
        let position = *next;
        *next = next.wrapping_add(u32::try_from(length).unwrap());
        position
    }

    /// Bytes that a TLS library moved on connection 1.
    pub(super) fn ciphertext(&mut self, side: Side, bytes: &[u8]) -> &mut Self {
        let direction = self.direction(side);
        let position = self.reserve(1, direction, bytes.len());
        self.event(EventKind::Ciphertext(data(direction, position, bytes)))
    }

    /// Plaintext of connection 1 at a position.
    pub(super) fn plaintext(&mut self, side: Side, from_start: bool, position: u32, bytes: &[u8]) -> &mut Self {
        let data = data(self.direction(side), position, bytes);
        self.event(EventKind::Plaintext(Plaintext { data, from_start }))
    }

    fn call(
        &mut self,
        socket: u64,
        direction: Direction,
        position: u32,
        bytes: &[u8],
        length: usize,
        left_out: Option<LeftOut>,
    ) -> &mut Self {
        let (bytes, length) = (Bytes::copy_from_slice(bytes), u32::try_from(length).unwrap());
        let socket = SocketCookie(socket);
        self.event(EventKind::Data(Data {
            socket,
            direction,
            position,
            length,
            bytes,
            left_out,
        }))
    }

    pub(super) fn lose(&mut self) -> &mut Self {
        self.event(EventKind::Lost(Lost {
            reason: LostReason::RingBufferFull,
            count: 1,
        }))
    }

    pub(super) fn close(&mut self) -> &mut Self {
        self.event(EventKind::Closed {
            socket: SocketCookie(1),
        })
    }

    pub(super) fn event(&mut self, kind: EventKind) -> &mut Self {
        self.time += 1_000;
        let event = KernelEvent {
            time: Timestamp(self.time),
            pid: self.pid,
            tid: self.tid,
            kind,
        };
        let (told, halves) = (&mut self.told, &mut self.halves);
        self.connections
            .on_event(&event, &mut |event| record(&event, told, halves));
        self.skips.extend(self.connections.drain_skips());
        self
    }

    /// Lets so much time pass that nothing waits any more.
    pub(super) fn wait(&mut self) -> &mut Self {
        self.time += 1_000_000_000;
        let (told, halves) = (&mut self.told, &mut self.halves);
        self.connections
            .on_time(Timestamp(self.time), &mut |event| record(&event, told, halves));
        self
    }

    /// The halves in the order of their beginning, written down.
    pub(super) fn summary(&self) -> Vec<String> {
        let mut halves: Vec<_> = self.halves.values().collect();
        halves.sort_by_key(|half| half.id);
        halves.into_iter().map(summarize).collect()
    }

    /// Why bytes were told to be unreadable.
    pub(super) fn unreadable(&self) -> Vec<Inconclusive> {
        let why = |told: &Told| {
            if let Told::Unreadable(why) = told {
                Some(*why)
            } else {
                None
            }
        };
        self.told.iter().filter_map(why).collect()
    }

    /// Why the requests of responses were told to be unseen.
    pub(super) fn unseen_answered(&self) -> Vec<Inconclusive> {
        let why = |told: &Told| match told {
            Told::UnseenAnswered(why) => Some(*why),
            _ => None,
        };
        self.told.iter().filter_map(why).collect()
    }
}

pub(super) fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn record(event: &ExchangeEvent<'_>, told: &mut Vec<Told>, halves: &mut HashMap<HalfId, Half>) {
    told.push(match event {
        ExchangeEvent::Progress { stage, half } => {
            let before = halves.insert(half.id, (*half).clone());
            assert!(
                before.is_none_or(|before| before.outcome == Outcome::Open),
                "told after its end: {half:?}"
            );
            assert_eq!(*stage == Stage::Ended, half.outcome != Outcome::Open);
            Told::Stage(half.id.0, *stage)
        }
        ExchangeEvent::Unreadable { why, .. } => Told::Unreadable(*why),
        ExchangeEvent::UnseenAnswered { why, .. } => Told::UnseenAnswered(*why),
        ExchangeEvent::ConnectFailed { peer, .. } => Told::ConnectFailed(*peer),
        ExchangeEvent::Unread { unread, .. } => Told::Unread(unread.socket.0),
        ExchangeEvent::Lost => Told::Lost,
    });
}

/// `GET /path (request body) -> status (response body) outcome flaws`, with `*` for an end that was not seen.
fn summarize(half: &Half) -> String {
    let request = half.request.head.as_ref().map_or("?".to_owned(), |head| {
        format!(
            "{} {}",
            text(&head.method),
            head.path.as_deref().map_or("-".into(), text)
        )
    });
    let response = half
        .response
        .head
        .as_ref()
        .map_or("?".to_owned(), |head| head.status.to_string());
    let mark = |ended: bool| if ended { "" } else { "*" };
    let mut line = format!(
        "{request} {}{} -> {response} {}{} {:?}",
        half.request.body_length,
        mark(half.request.ended.is_some()),
        half.response.body_length,
        mark(half.response.ended.is_some()),
        half.outcome,
    );
    for flaw in &half.flaws {
        line.push(' ');
        line.push_str(flaw.as_str());
    }
    line
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes of connection 1 that all crossed.
fn data(direction: Direction, position: u32, bytes: &[u8]) -> Data {
    Data {
        socket: SocketCookie(1),
        direction,
        position,
        length: u32::try_from(bytes.len()).unwrap(),
        bytes: Bytes::copy_from_slice(bytes),
        left_out: None,
    }
}
