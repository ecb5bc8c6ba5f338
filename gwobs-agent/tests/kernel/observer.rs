//! The probes, and what they have told so far.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use gwobs_agent::event::{Data, Direction, EventKind, KernelEvent, LeftOut, Opened, SocketCookie};
use gwobs_agent::probes::{Config, Followed, Probes};
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
