//! The probes, and what they have told so far.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use gwobs_agent::connections::Connections;
use gwobs_agent::event::{Data, Direction, EventKind, KernelEvent, LeftOut, Opened, SocketCookie, Timestamp};
use gwobs_agent::exchange::{ExchangeEvent, Half, Outcome, Stage};
use gwobs_agent::probes::{Config, Followed, Probes};
use gwobs_route::Inconclusive;
use tokio::time::timeout;

use crate::gateway::Gateway;

/// A test that waits for longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Observer {
    pub(crate) probes: Probes,
    pub(crate) events: Vec<KernelEvent>,
}

impl Observer {
    pub(crate) fn new() -> Self {
        Self::with(&Config::default())
    }

    pub(crate) fn with(config: &Config) -> Self {
        match Probes::load(config) {
            Ok(probes) => Self {
                probes,
                events: Vec::new(),
            },
            Err(error) => panic!("these tests need a kernel and privileges to load BPF programs: {error}"),
        }
    }

    pub(crate) fn follow(&mut self, gateway: &Gateway) -> Followed {
        self.probes.follow(gateway.pid).unwrap()
    }

    /// Collects events until there is one like this.
    pub(crate) async fn until(&mut self, what: &str, mut found: impl FnMut(&KernelEvent) -> bool) {
        let mut seen = 0;
        let outcome = timeout(PATIENCE, async {
            loop {
                if self.events.iter().skip(seen).any(&mut found) {
                    return;
                }
                seen = self.events.len();
                self.probes.next_batch(&mut self.events).await.unwrap();
            }
        });
        if outcome.await.is_err() {
            panic!("never saw {what} in {:#?}\n{:?}", self.events, self.probes.counters());
        }
    }

    /// Collects events until the gateway is gone, and every connection that was told of with it.
    pub(crate) async fn until_gone(&mut self, gateway: Gateway) {
        let pid = gateway.pid;
        gateway.finish();
        self.until("the end of the process", |event| {
            event.pid == pid && event.kind == EventKind::ProcessExited
        })
        .await;
        let mut open: BTreeSet<SocketCookie> = self.opened().map(|opened| opened.socket).collect();
        self.until("the end of all connections", |event| {
            if let EventKind::Closed { socket } = event.kind {
                open.remove(&socket);
            }
            open.is_empty()
        })
        .await;
    }

    pub(crate) fn opened(&self) -> impl Iterator<Item = &Opened> {
        self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Opened(opened) => Some(opened),
            _ => None,
        })
    }

    /// The one connection with this peer.
    pub(crate) fn connection(&self, peer: SocketAddr) -> &Opened {
        let mut found = self.opened().filter(|opened| opened.peer == peer);
        let first = found
            .next()
            .unwrap_or_else(|| panic!("no connection with {peer} in {:#?}", self.events));
        assert!(found.next().is_none(), "connection with {peer} told twice");
        first
    }

    pub(crate) fn data(&self, socket: SocketCookie, direction: Direction) -> impl Iterator<Item = &Data> {
        self.events.iter().filter_map(move |event| match &event.kind {
            EventKind::Data(data) if data.socket == socket && data.direction == direction => Some(data),
            _ => None,
        })
    }

    /// The stream from a position on, with every part in its place; what is not there is `None`, byte by byte.
    pub(crate) fn stream(&self, socket: SocketCookie, direction: Direction, from: u32) -> Vec<Option<u8>> {
        let mut stream = Vec::new();
        for data in self.data(socket, direction) {
            let at = usize::try_from(data.position.wrapping_sub(from)).unwrap();
            assert!(at >= stream.len(), "overlap at {at} of {}: {data:?}", stream.len());
            assert!(at < 1 << 30, "far away: {data:?}");
            stream.resize(at, None);
            stream.extend(data.bytes.iter().copied().map(Some));
            stream.resize(at + usize::try_from(data.length).unwrap(), None);
        }
        stream
    }

    /// What the connections' layer makes of the events.
    pub(crate) fn exchanges(&self) -> Exchanges {
        let mut connections = Connections::new();
        let mut exchanges = Exchanges::default();
        let mut told = |event: ExchangeEvent<'_>| match event {
            ExchangeEvent::Progress {
                stage: Stage::Ended,
                half,
            } => exchanges.ended.push(half.clone()),
            ExchangeEvent::Unreadable { connection, why, .. } => exchanges.unreadable.push((connection.peer, why)),
            _ => {}
        };
        for event in &self.events {
            connections.on_event(event, &mut told);
        }
        connections.on_time(Timestamp(u64::MAX), &mut told);
        exchanges
    }

    /// Both streams of the one connection with this peer, from where it was opened.
    pub(crate) fn streams(&self, peer: SocketAddr) -> (Vec<Option<u8>>, Vec<Option<u8>>) {
        let opened = self.connection(peer);
        let (receive, send) = opened.positions.unwrap();
        (
            self.stream(opened.socket, Direction::Receive, receive),
            self.stream(opened.socket, Direction::Send, send),
        )
    }

    pub(crate) fn left_out(&self, socket: SocketCookie, direction: Direction) -> Vec<(LeftOut, u32)> {
        self.data(socket, direction)
            .filter_map(|data| Some((data.left_out?, data.length)))
            .collect()
    }
}

/// What is known of the requests.
#[derive(Debug, Default)]
pub(crate) struct Exchanges {
    pub(crate) ended: Vec<Half>,
    pub(crate) unreadable: Vec<(SocketAddr, Inconclusive)>,
}

impl Exchanges {
    /// The exchanges with one peer, in order: path and status of those that were read without a flaw, else the flaws.
    pub(crate) fn with(&self, peer: SocketAddr) -> Vec<Result<(String, u16), Vec<Inconclusive>>> {
        let ended = self.ended.iter().filter(|half| half.connection.peer == peer);
        ended.map(read).collect()
    }

    /// Why calls of one peer's connection were not read.
    pub(crate) fn unreadable(&self, peer: SocketAddr) -> BTreeSet<Inconclusive> {
        let of_peer = self.unreadable.iter().filter(|(of, _)| *of == peer);
        of_peer.map(|(_, why)| *why).collect()
    }
}

fn read(half: &Half) -> Result<(String, u16), Vec<Inconclusive>> {
    match (&half.request.head, &half.response.head) {
        (Some(request), Some(response)) if half.flaws.is_empty() && half.outcome == Outcome::Completed => {
            let path = request.path.as_deref().unwrap_or_default();
            Ok((String::from_utf8_lossy(path).into_owned(), response.status))
        }
        _ => Err(half.flaws.clone()),
    }
}

/// A stream with nothing missing.
pub(crate) fn whole(bytes: &[u8]) -> Vec<Option<u8>> {
    bytes.iter().copied().map(Some).collect()
}

/// Bytes that are not there.
pub(crate) fn missing(count: usize) -> Vec<Option<u8>> {
    vec![None; count]
}

/// Bytes of which no two stretches are alike.
pub(crate) fn pattern(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}
