//! Halves made by hand, and the oracle of the tests: paths decide, addresses tell the backend.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gwobs_http::{Field, RequestHead, ResponseHead, Unknown, Version};
use gwobs_route::{Inconclusive, Mismatch, Verdict};

use crate::event::{Role, SocketCookie, Timestamp};
use crate::exchange::{Connection, ExchangeEvent, Half, HalfId, Outcome, RequestPart, ResponsePart, Stage, Stamp};
use crate::pairing::{Attempt, CallPurpose, Oracle, Pairing, Settled, SettledRequest};

pub(super) const PID: u32 = 42;
const MICROSECOND: u64 = 1_000;

/// `/a/x` and `/b/x` both become `/x`; `/a/…` is due at backend 1, everything else at backend 2.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Backends that are right for everything, beside the one that is due.
    pub(super) also_right: Vec<u16>,
    /// When the specs change.
    pub(super) change: Option<Change>,
}

/// New specs, by which the two backends are due for each other's paths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    /// Position among all events from which on requests may be routed by them.
    pub(super) from: u64,
    /// Position from which on requests must be.
    pub(super) until: u64,
}

impl Change {
    /// Whether the old specs and the new ones may be followed by a request that was read there.
    pub(super) fn live(change: Option<Self>, read: u64) -> (bool, bool) {
        change.map_or((true, false), |change| (read < change.until, read >= change.from))
    }
}

/// The address of a backend.
pub(super) fn backend(number: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 8000 + number))
}

fn path_of(half: &Half) -> String {
    let path = half
        .request
        .head
        .as_ref()
        .and_then(|head| head.path.clone())
        .unwrap_or_default();
    String::from_utf8_lossy(&path).into_owned()
}

fn status_of(half: &Half) -> Option<u16> {
    half.response.head.as_ref().map(|head| head.status)
}

/// What `/a/x` and `/b/x` become.
pub(super) fn rewritten(path: &str) -> String {
    path.strip_prefix("/a")
        .or_else(|| path.strip_prefix("/b"))
        .unwrap_or(path)
        .to_owned()
}

/// The backend that is due for a path.
pub(super) fn due(path: &str) -> u16 {
    if path.starts_with("/a/") { 1 } else { 2 }
}

/// The verdict on a request for `path`, answered with `status`, whose attempts went to these backends; `live`: by the old
/// specs, by the new ones, or by either.
pub(super) fn verdict(
    path: &str,
    status: Option<u16>,
    backends: &[SocketAddr],
    also_right: &[u16],
    (old, new): (bool, bool),
) -> Verdict {
    let right = |due: u16| {
        let is_right = move |address: &SocketAddr| {
            *address == backend(due) || also_right.iter().any(|number| *address == backend(*number))
        };
        backends.iter().all(is_right)
    };
    match (backends, status) {
        ([], Some(404)) => Verdict::Mismatch(Mismatch::UnexpectedReply),
        ([], _) => Verdict::Inconclusive(Inconclusive::GatewayReply),
        _ if old && right(due(path)) || new && right(3 - due(path)) => Verdict::Match,
        _ => Verdict::Mismatch(Mismatch::WrongBackend),
    }
}

impl Paths {
    fn live(&self, downstream: &Half) -> (bool, bool) {
        let read = downstream.request.head_ended.unwrap_or(downstream.request.started);
        Change::live(self.change, read.order)
    }
}

impl Oracle for Paths {
    fn is_control(&self, _: SocketAddr) -> bool {
        false
    }

    fn may_become(&self, downstream: &Half, upstream: &Half) -> bool {
        let (from, to) = (path_of(downstream), path_of(upstream));
        from == to || rewritten(&from) == to
    }

    fn same_target(&self, a: &Half, b: &Half) -> bool {
        path_of(a) == path_of(b)
    }

    fn judge(&self, downstream: &Half, attempts: &[Attempt<'_>]) -> Verdict {
        let backends: Vec<SocketAddr> = attempts
            .iter()
            .map(|attempt| match attempt {
                Attempt::Sent(half) => half.connection.peer,
                Attempt::ConnectFailed(peer) => *peer,
            })
            .collect();
        let (path, status) = (path_of(downstream), status_of(downstream));
        verdict(&path, status, &backends, &self.also_right, self.live(downstream))
    }

    fn equal_for_routing(&self, a: &Half, b: &Half) -> bool {
        path_of(a) == path_of(b) && status_of(a) == status_of(b) && self.live(a) == self.live(b)
    }

    fn purpose(&self, upstream: &Half, _candidates: &[&Half]) -> CallPurpose {
        let host = upstream
            .request
            .head
            .as_ref()
            .and_then(|head| head.authority.clone())
            .unwrap_or_default();
        match &host[..] {
            b"mirror-shadow" => CallPurpose::Mirror,
            b"health" => CallPurpose::NoRequest,
            _ => CallPurpose::Route,
        }
    }

    fn leaves_alone(&self, header: &[u8]) -> bool {
        header != b"x-set-by-filter"
    }
}

/// Tells a pairing what happens, call by call, and collects what it hands out.
pub(super) struct Script {
    pub(super) pairing: Pairing,
    pub(super) oracle: Paths,
    pub(super) settled: Vec<Settled>,
    halves: BTreeMap<u64, Half>,
    thread_orders: BTreeMap<u32, u64>,
    pub(super) time: u64,
    pub(super) order: u64,
}

impl Script {
    pub(super) fn new() -> Self {
        Self::with(Pairing::new(Duration::from_secs(2)))
    }

    /// Components of more requests or calls than that are crowds.
    pub(super) fn with_component_limit(limit: usize) -> Self {
        Self::with(Pairing::new(Duration::from_secs(2)).with_component_limit(limit))
    }

    fn with(pairing: Pairing) -> Self {
        Self {
            pairing,
            oracle: Paths::default(),
            settled: Vec::new(),
            halves: BTreeMap::new(),
            thread_orders: BTreeMap::new(),
            time: 1_000_000_000,
            order: 0,
        }
    }

    /// A call on a thread, 10 µs after the one before.
    pub(super) fn stamp(&mut self, tid: u32) -> Stamp {
        self.time += 10 * MICROSECOND;
        self.order += 1;
        let thread_order = self.thread_orders.entry(tid).or_insert(0);
        *thread_order += 1;
        Stamp {
            time: Timestamp(self.time),
            order: self.order,
            tid,
            thread_order: *thread_order,
        }
    }

    pub(super) fn tell(&mut self, event: &ExchangeEvent<'_>) {
        self.pairing
            .on_exchange(Timestamp(self.time), event, &self.oracle, &mut self.settled);
    }

    fn progress(&mut self, id: u64, stage: Stage) {
        let half = self.halves[&id].clone();
        self.tell(&ExchangeEvent::Progress { stage, half: &half });
    }

    fn begin(&mut self, id: u64, role: Role, tid: u32, socket: u64, peer: SocketAddr, head: Option<RequestHead>) {
        let stamp = self.stamp(tid);
        self.begin_at(id, role, stamp, socket, peer, head);
    }

    /// The gateway read a request at that time, which is told only now.
    pub(super) fn read_at(&mut self, id: u64, stamp: Stamp, path: &str) {
        let peer = SocketAddr::from(([10, 0, 0, 8], 40_000));
        self.begin_at(id, Role::Accepted, stamp, 1_000 + id, peer, Some(head(path, &[])));
    }

    fn begin_at(
        &mut self,
        id: u64,
        role: Role,
        stamp: Stamp,
        socket: u64,
        peer: SocketAddr,
        head: Option<RequestHead>,
    ) {
        let half = half(id, role, stamp, socket, peer, head);
        self.halves.insert(id, half);
        self.progress(id, Stage::RequestHead);
    }

    /// A client sends a part of a head and goes away.
    pub(super) fn give_up(&mut self, id: u64, tid: u32, socket: u64) {
        let (stamp, peer) = (self.stamp(tid), SocketAddr::from(([10, 0, 0, 8], 40_000)));
        let mut half = half(id, Role::Accepted, stamp, socket, peer, None);
        (half.request.head_ended, half.request.ended) = (None, None);
        half.flaws.clear();
        self.halves.insert(id, half.clone());
        self.progress(id, Stage::RequestStarted);
        half.outcome = Outcome::Aborted;
        half.flaws.push(Inconclusive::Aborted);
        self.halves.insert(id, half);
        self.progress(id, Stage::Ended);
    }

    /// The gateway reads a request for `path` on a connection of its own.
    pub(super) fn read(&mut self, id: u64, tid: u32, path: &str) {
        self.read_on(id, tid, 1_000 + id, head(path, &[]));
    }

    /// The gateway reads a request on a connection; `None`: its head cannot be read.
    pub(super) fn read_on(&mut self, id: u64, tid: u32, socket: u64, head: impl Into<Option<RequestHead>>) {
        self.begin(
            id,
            Role::Accepted,
            tid,
            socket,
            SocketAddr::from(([10, 0, 0, 8], 40_000)),
            head.into(),
        );
    }

    /// The gateway writes a request to a backend.
    pub(super) fn write(&mut self, id: u64, tid: u32, to: u16, path: &str) {
        self.write_head(id, tid, to, head(path, &[]));
    }

    pub(super) fn write_head(&mut self, id: u64, tid: u32, to: u16, head: RequestHead) {
        self.begin(id, Role::Connected, tid, 2_000 + id, backend(to), Some(head));
    }

    /// The response of a half passes, all of it in one call.
    pub(super) fn answer(&mut self, id: u64, tid: u32, status: u16) {
        self.answer_with(id, tid, status, &[], b"");
    }

    pub(super) fn answer_with(
        &mut self,
        id: u64,
        tid: u32,
        status: u16,
        headers: &[(&str, &str)],
        body: &'static [u8],
    ) {
        let stamp = self.stamp(tid);
        let half = self.halves.get_mut(&id).unwrap();
        let head = ResponseHead {
            version: Version::Http11,
            status,
            headers: fields(headers),
            unknown: 0,
        };
        half.response = ResponsePart {
            head: Some(Arc::new(head)),
            started: Some(stamp),
            head_ended: Some(stamp),
            ended: Some(stamp),
            body_prefix: Bytes::from_static(body),
            body_length: body.len() as u64,
            ..ResponsePart::default()
        };
        self.progress(id, Stage::ResponseHead);
        self.end(id, Outcome::Completed);
    }

    /// A half is over.
    pub(super) fn end(&mut self, id: u64, outcome: Outcome) {
        self.halves.get_mut(&id).unwrap().outcome = outcome;
        self.progress(id, Stage::Ended);
    }

    /// Bytes move on a downstream connection that cannot be read.
    pub(super) fn unreadable(&mut self, tid: u32, role: Role) {
        let stamp = self.stamp(tid);
        let connection = Arc::new(unread_connection(role));
        self.tell(&ExchangeEvent::Unreadable {
            connection: &connection,
            stamp,
            why: Inconclusive::Encrypted,
        });
    }

    /// A request is answered that nobody saw.
    pub(super) fn unseen_answered(&mut self, tid: u32) {
        let stamp = self.stamp(tid);
        let connection = Arc::new(unread_connection(Role::Accepted));
        self.tell(&ExchangeEvent::UnseenAnswered {
            connection: &connection,
            stamp,
            why: Inconclusive::JoinedMidstream,
        });
    }

    /// Time passes, in steps of 50 ms.
    pub(super) fn wait(&mut self, duration: Duration) {
        let end = self.time + u64::try_from(duration.as_nanos()).unwrap();
        while self.time < end {
            self.time += 50_000 * MICROSECOND;
            self.pairing
                .on_tick(Timestamp(self.time), &self.oracle, &mut self.settled);
        }
    }

    /// The verdict on each request that was handed out.
    pub(super) fn verdicts(&self) -> BTreeMap<u64, Verdict> {
        self.requests()
            .map(|request| (request.downstream.id.0, self.verdict_on(request)))
            .collect()
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = &SettledRequest> {
        self.settled.iter().filter_map(|settled| match settled {
            Settled::Request(request) => Some(request),
            Settled::Call { .. } | Settled::Stray(_) | Settled::Unexplained(_) => None,
        })
    }

    /// What the pipeline would say about a request.
    pub(super) fn verdict_on(&self, request: &SettledRequest) -> Verdict {
        use crate::pairing::{SettledCall, Tie};
        if let Tie::Unknown(why) = request.tie {
            return Verdict::Inconclusive(why);
        }
        let attempts: Vec<Attempt<'_>> = request
            .attempts
            .iter()
            .map(|attempt| match attempt {
                SettledCall::Sent(half) => Attempt::Sent(half),
                SettledCall::ConnectFailed { peer, .. } => Attempt::ConnectFailed(*peer),
            })
            .collect();
        self.oracle.judge(&request.downstream, &attempts)
    }
}

/// A connection whose requests are not read.
fn unread_connection(role: Role) -> Connection {
    Connection {
        socket: SocketCookie(77),
        pid: PID,
        role,
        local: SocketAddr::from(([10, 0, 0, 9], 443)),
        peer: SocketAddr::from(([10, 0, 0, 8], 50_000)),
        preexisting: false,
        tls: None,
        missed: None,
    }
}

/// A half whose request was read in one call; without a head it could not be.
pub(super) fn half(
    id: u64,
    role: Role,
    stamp: Stamp,
    socket: u64,
    peer: SocketAddr,
    head: Option<RequestHead>,
) -> Half {
    let connection = Connection {
        socket: SocketCookie(socket),
        pid: PID,
        role,
        local: SocketAddr::from(([10, 0, 0, 9], 80)),
        peer,
        preexisting: false,
        tls: None,
        missed: None,
    };
    let flaws = if head.is_none() {
        vec![Inconclusive::Truncated]
    } else {
        Vec::new()
    };
    Half {
        id: HalfId(id),
        connection: Arc::new(connection),
        request: RequestPart {
            head: head.map(Arc::new),
            started: stamp,
            head_ended: Some(stamp),
            ended: Some(stamp),
            body_length: 0,
        },
        response: ResponsePart::default(),
        outcome: Outcome::Open,
        flaws,
    }
}

/// A request head for `path`.
pub(super) fn head(path: &str, headers: &[(&str, &str)]) -> RequestHead {
    RequestHead {
        version: Version::Http11,
        method: Bytes::from_static(b"GET"),
        authority: Some(Bytes::from_static(b"example.com")),
        path: Some(Bytes::copy_from_slice(path.as_bytes())),
        headers: fields(headers),
        unknown: Unknown::default(),
    }
}

fn fields(headers: &[(&str, &str)]) -> Vec<Field> {
    let copy = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    headers
        .iter()
        .map(|(name, value)| Field {
            name: copy(name),
            value: copy(value),
        })
        .collect()
}
