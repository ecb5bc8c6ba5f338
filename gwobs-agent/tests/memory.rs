//! What an idle connection costs the agent: the heap of the whole pipeline, counted byte by byte, so this test is alone in
//! its program and has one thread.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gwobs_agent::event::{Data, Direction, EventKind, KernelEvent, Opened, Role, SocketCookie, Timestamp};
use gwobs_agent::finished::Finished;
use gwobs_agent::pipeline::{Pipeline, Settings, Sink};
use gwobs_agent::weighed::Weighed;
use gwobs_route::ObjectName;

/// Counts what is allocated and not freed.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator, with a count beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Default)]
struct Count(usize);

impl Sink for Count {
    fn finished(&mut self, _: &Finished) {
        self.0 += 1;
    }

    fn converged(&mut self, _: &ObjectName, _: Duration) {}

    fn weighed(&mut self, _: &Weighed) {}
}

const CONNECTIONS: u64 = 10_000;
/// Requests on each of them.
const ROUNDS: usize = 2;
const MILLISECOND: u64 = 1_000_000;

/// 1 MiB for 1,000 of them.
const MOST: usize = 1 << 20;

struct Gateway {
    pipeline: Pipeline,
    finished: Count,
    /// Nanoseconds: each event comes a millisecond after the one before, so that few requests are open at a time.
    now: u64,
}

impl Gateway {
    fn event(&mut self, kind: EventKind) {
        self.now += MILLISECOND;
        let time = Timestamp(self.now);
        let event = KernelEvent {
            time,
            pid: 7,
            tid: 7,
            kind,
        };
        self.pipeline.on_event(time, &event, &mut self.finished);
        if self.now.is_multiple_of(50 * MILLISECOND) {
            self.pipeline.on_tick(time, &mut self.finished);
        }
    }

    fn open(&mut self, socket: u64, role: Role) {
        let address = |port: u64| SocketAddr::from(([10, 0, 0, 1], u16::try_from(port).unwrap()));
        self.event(EventKind::Opened(Opened {
            socket: SocketCookie(socket),
            role,
            local: address(80),
            peer: address(2_000 + socket),
            preexisting: false,
            positions: Some((0, 0)),
        }));
    }

    fn data(&mut self, socket: u64, direction: Direction, position: usize, bytes: &[u8]) {
        self.event(EventKind::Data(Data {
            socket: SocketCookie(socket),
            direction,
            position: u32::try_from(position).unwrap(),
            length: u32::try_from(bytes.len()).unwrap(),
            bytes: Bytes::copy_from_slice(bytes),
            left_out: None,
        }));
    }

    fn settle(&mut self) {
        for _ in 0..200 {
            self.now += 50 * MILLISECOND;
            self.pipeline.on_tick(Timestamp(self.now), &mut self.finished);
        }
    }
}

/// Heads as browsers and applications send them.
fn request(connection: u64, round: usize) -> Vec<u8> {
    format!(
        "POST /api/v2/items/{connection}?page={round} HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: {}\r\nCookie: {}\r\n\
         Content-Length: 1000\r\nX-Request-Id: {connection:032}{round:04}\r\n\r\n{}",
        "u".repeat(120),
        "c".repeat(400),
        "b".repeat(1_000)
    )
    .into_bytes()
}

fn response() -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: test\r\nContent-Length: 2000\r\n\r\n{}",
        "x".repeat(2_000)
    )
    .into_bytes()
}

#[test]
fn a_thousand_idle_connections_take_at_most_a_mebibyte() {
    let mut gateway = Gateway {
        pipeline: Pipeline::new(Settings::default()),
        finished: Count::default(),
        now: MILLISECOND,
    };
    let before = ALLOCATED.load(Ordering::Relaxed);
    for connection in 0..CONNECTIONS {
        gateway.open(connection, Role::Accepted);
    }
    for upstream in 0..10 {
        gateway.open(CONNECTIONS + upstream, Role::Connected);
    }
    let response = response();
    let (mut sent, mut received) = (vec![0; 10], vec![0; 10]);
    for round in 0..ROUNDS {
        let mut position = vec![0; usize::try_from(CONNECTIONS).unwrap()];
        for (connection, downstream) in (0..CONNECTIONS).zip(&mut position) {
            let request = request(connection, 0);
            let upstream = usize::try_from(connection % 10).unwrap();
            *downstream = round * request.len();
            gateway.data(connection, Direction::Receive, *downstream, &request);
            gateway.data(CONNECTIONS + connection % 10, Direction::Send, sent[upstream], &request);
            sent[upstream] += request.len();
            gateway.data(
                CONNECTIONS + connection % 10,
                Direction::Receive,
                received[upstream],
                &response,
            );
            received[upstream] += response.len();
            gateway.data(connection, Direction::Send, round * response.len(), &response);
        }
        gateway.settle();
    }
    assert_eq!(gateway.finished.0, ROUNDS * usize::try_from(CONNECTIONS).unwrap());
    let each_thousand = (ALLOCATED.load(Ordering::Relaxed) - before) / usize::try_from(CONNECTIONS / 1_000).unwrap();
    assert!(each_thousand <= MOST, "{each_thousand} bytes");
    println!("{} bytes for each idle connection", each_thousand / 1_000);
}
