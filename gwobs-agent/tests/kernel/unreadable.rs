//! What cannot be read costs the requests that it belongs to, and no others: kernel and connections' layer together.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::{AsRawFd as _, RawFd};
use std::ptr;
use std::sync::Mutex;
use std::thread;

use gwobs_agent::probes::Config;
use gwobs_route::Inconclusive;
use io_uring::{IoUring, opcode, types};

use crate::gateway::{Cues, Gateway, listener, owned};
use crate::observer::{Observer, pattern, whole};

const BODY: usize = 30_000;

fn request(path: &str, body: usize) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: a.example\r\ncontent-length: {body}\r\n\r\n");
    [head.as_bytes(), &pattern(body, 1)].concat()
}

fn head_of_response(status: u16, body: usize) -> Vec<u8> {
    format!("HTTP/1.1 {status} Said\r\ncontent-length: {body}\r\n\r\n").into_bytes()
}

/// Reads byte by byte up to the empty line, so that the body is left in the socket.
fn read_head(stream: &TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        (&*stream).read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
}

/// A gateway that accepts so many connections once it is followed, and the peers of these connections.
fn start(
    config: &Config,
    count: usize,
    keep: &[RawFd],
    body: impl FnOnce(&[TcpStream], &mut Cues),
) -> (Gateway, Observer, Vec<TcpStream>) {
    let (listener, address) = listener();
    let keep = [keep, &[listener.as_raw_fd()]].concat();
    let mut gateway = Gateway::start(&keep, |cues| {
        cues.pause();
        let accepted: Vec<TcpStream> = (0..count).map(|_| listener.accept().unwrap().0).collect();
        body(&accepted, cues);
    });
    let mut observer = Observer::with(config);
    observer.follow(&gateway);
    gateway.go();
    let peers = (0..count).map(|_| {
        let peer = TcpStream::connect(address).unwrap();
        peer.set_nodelay(true).unwrap();
        peer
    });
    (gateway, observer, peers.collect())
}

/// Sends a request and reads the whole answer.
fn ask(peer: &TcpStream, request: &[u8], answer: usize) {
    thread::scope(|scope| {
        scope.spawn(|| (&*peer).write_all(request).unwrap());
        (&*peer).read_exact(&mut vec![0; answer]).unwrap();
    });
}

fn said(path: &str, status: u16) -> Result<(String, u16), Vec<Inconclusive>> {
    Ok((path.to_owned(), status))
}

fn splice(from: RawFd, to: RawFd, length: usize) -> usize {
    // SAFETY: valid descriptors, no offsets.
    let moved = unsafe { libc::splice(from, ptr::null_mut(), to, ptr::null_mut(), length, 0) };
    usize::try_from(moved).unwrap()
}

/// Bodies that bypass user memory, as NGINX and HAProxy move them, have a known length: all is decided.
#[tokio::test]
async fn bodies_moved_by_sendfile_and_splice_cost_nothing() {
    // SAFETY: a name for a file in memory.
    let mut file = File::from(owned(unsafe { libc::memfd_create(c"body".as_ptr(), 0) }));
    file.write_all(&pattern(BODY, 2)).unwrap();
    let (gateway, mut observer, peers) = start(&Config::default(), 1, &[file.as_raw_fd()], |accepted, _| {
        let accepted = &accepted[0];
        let (pipe_out, pipe_in) = std::io::pipe().unwrap();
        for status in [200, 201, 202] {
            read_head(accepted);
            let mut left = BODY;
            while left > 0 {
                let moved = splice(accepted.as_raw_fd(), pipe_in.as_raw_fd(), left.min(4096));
                (&pipe_out).read_exact(&mut vec![0; moved]).unwrap();
                left -= moved;
            }
            (&*accepted).write_all(&head_of_response(status, BODY)).unwrap();
            let mut offset = 0;
            while usize::try_from(offset).unwrap() < BODY {
                // SAFETY: valid descriptors, and a place for the offset.
                assert!(unsafe { libc::sendfile(accepted.as_raw_fd(), file.as_raw_fd(), &raw mut offset, BODY) } > 0);
            }
        }
    });
    let peer = &peers[0];
    for (path, status) in [("/a", 200), ("/b", 201), ("/c", 202)] {
        ask(peer, &request(path, BODY), head_of_response(status, BODY).len() + BODY);
    }
    observer.until_gone(gateway).await;
    let exchanges = observer.exchanges();
    let peer = peer.local_addr().unwrap();
    assert_eq!(
        exchanges.with(peer),
        [said("/a", 200), said("/b", 201), said("/c", 202)]
    );
    assert_eq!(exchanges.unreadable(peer), [].into());
}

/// One connection is served through `io_uring`, one with ordinary calls, by one thread.
#[tokio::test]
async fn io_uring_costs_its_own_requests_only() {
    let length = request("/uring", 0).len();
    let (gateway, mut observer, peers) = start(&Config::default(), 2, &[], |accepted, _| {
        let mut ring = IoUring::new(8).expect("this test needs io_uring (sysctl kernel.io_uring_disabled=0)");
        let (uring, accepted) = (&accepted[0], &accepted[1]);
        for _ in 0..20 {
            let mut buffer = vec![0u8; length];
            let fd = types::Fd(uring.as_raw_fd());
            let receive = opcode::Recv::new(fd, buffer.as_mut_ptr(), u32::try_from(length).unwrap()).build();
            // SAFETY: the buffer lives until the completion has been taken.
            unsafe { ring.submission().push(&receive) }.unwrap();
            ring.submit_and_wait(1).unwrap();
            assert_eq!(
                ring.completion().next().unwrap().result(),
                i32::try_from(length).unwrap()
            );
            read_head(accepted);
            (&*accepted).write_all(&head_of_response(200, 0)).unwrap();
            (&*uring).write_all(&head_of_response(500, 0)).unwrap();
        }
    });
    let (uring_peer, peer) = (&peers[0], &peers[1]);
    for _ in 0..20 {
        (&*uring_peer).write_all(&request("/uring", 0)).unwrap();
        ask(peer, &request("/plain", 0), head_of_response(200, 0).len());
        (&*uring_peer)
            .read_exact(&mut vec![0; head_of_response(500, 0).len()])
            .unwrap();
    }
    observer.until_gone(gateway).await;
    let exchanges = observer.exchanges();
    let (uring, plain) = (uring_peer.local_addr().unwrap(), peer.local_addr().unwrap());
    assert_eq!(exchanges.with(plain), vec![said("/plain", 200); 20]);
    assert_eq!(exchanges.unreadable(plain), [].into());
    assert!(
        exchanges.with(uring).iter().all(Result::is_err),
        "{:?}",
        exchanges.with(uring)
    );
    assert!(
        !exchanges.unreadable(uring).is_empty(),
        "its requests are known to go unseen"
    );
}

/// A head that is longer than what is kept of one, between two that are not.
#[tokio::test]
async fn a_head_that_is_too_long_costs_its_own_request_only() {
    let (gateway, mut observer, peers) = start(&Config::default(), 2, &[], |accepted, _| {
        for status in [200, 201, 202, 203] {
            for stream in accepted {
                read_head(stream);
                (&*stream).write_all(&head_of_response(status, 0)).unwrap();
            }
        }
    });
    let (peer, other_peer) = (&peers[0], &peers[1]);
    let long = format!(
        "GET /long HTTP/1.1\r\nhost: a.example\r\nx-long: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    let answer = head_of_response(200, 0).len();
    for first in [request("/a", 0), long.into_bytes(), request("/b", 0), request("/c", 0)] {
        ask(peer, &first, answer);
        ask(other_peer, &request("/other", 0), answer);
    }
    observer.until_gone(gateway).await;
    let exchanges = observer.exchanges();
    let others = [200, 201, 202, 203].map(|status| said("/other", status));
    assert_eq!(exchanges.with(other_peer.local_addr().unwrap()), others);
    let own = exchanges.with(peer.local_addr().unwrap());
    assert_eq!(own.first(), Some(&said("/a", 200)));
    assert_eq!(own.get(1), Some(&Err(vec![Inconclusive::Truncated])));
    assert_eq!(own.last(), Some(&said("/c", 203)));
    assert!(own.iter().flatten().all(|(path, _)| path != "/long"));
}

/// Requests whose answers say which they were, so that a wrong pair would be seen.
fn numbered(number: u16) -> (String, u16) {
    (format!("/{number}"), 200 + number % 300)
}

/// A ring buffer that holds some dozens of events, and is read only now and then.
#[tokio::test]
async fn a_full_ring_buffer_never_makes_a_wrong_pair_and_is_recovered_from() {
    const ROUNDS: u16 = 400;
    let small = Config {
        ring_buffer: 64 * 1024,
        ..Config::default()
    };
    let (gateway, mut observer, peers) = start(&small, 1, &[], |accepted, _| {
        let accepted = &accepted[0];
        for number in 0..ROUNDS {
            assert!((&*accepted).read(&mut [0; 4096]).unwrap() > 0);
            (&*accepted)
                .write_all(&head_of_response(numbered(number).1, 0))
                .unwrap();
        }
    });
    let peer = &peers[0];
    for number in 0..ROUNDS {
        ask(peer, &request(&numbered(number).0, 0), head_of_response(200, 0).len());
        if number % 200 == 199 || number >= ROUNDS - 10 {
            observer.probes.drain(&mut observer.events).unwrap();
        }
    }
    observer.until_gone(gateway).await;
    let lost: u64 = observer.probes.counters().unwrap().lost().map(|(_, count)| count).sum();
    assert!(lost > 0, "the ring buffer was large enough");
    let exchanges = observer.exchanges();
    let known: Vec<(String, u16)> = exchanges
        .with(peer.local_addr().unwrap())
        .into_iter()
        .flatten()
        .collect();
    let true_ones: Vec<(String, u16)> = (0..ROUNDS).map(numbered).collect();
    assert!(known.iter().all(|pair| true_ones.contains(pair)), "{known:?}");
    assert!(known.len() < usize::from(ROUNDS));
    let last = &true_ones[usize::from(ROUNDS) - 5..];
    assert!(
        known.ends_with(last),
        "once nothing is lost any more all is known again: {known:?}"
    );
    let flaws = exchanges
        .with(peer.local_addr().unwrap())
        .into_iter()
        .filter_map(Result::err)
        .flatten();
    assert!(flaws.into_iter().all(|flaw| flaw == Inconclusive::LostEvents));
}

/// Threads that take turns on one socket, as a lock of their program makes them: the order is that of the lock.
#[tokio::test]
async fn threads_that_share_a_socket_keep_its_order() {
    const ROUNDS: u16 = 300;
    let (gateway, mut observer, peers) = start(&Config::default(), 1, &[], |accepted, _| {
        let accepted = &accepted[0];
        let next = Mutex::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let mut next = next.lock().unwrap();
                        if *next == ROUNDS {
                            return;
                        }
                        read_head(accepted);
                        (&*accepted).write_all(&head_of_response(numbered(*next).1, 0)).unwrap();
                        *next += 1;
                        drop(next);
                        thread::yield_now();
                    }
                });
            }
        });
    });
    let peer = &peers[0];
    for number in 0..ROUNDS {
        ask(peer, &request(&numbered(number).0, 0), head_of_response(200, 0).len());
    }
    observer.until_gone(gateway).await;
    let exchanges = observer.exchanges();
    let expected: Vec<_> = (0..ROUNDS).map(|number| Ok(numbered(number))).collect();
    assert_eq!(exchanges.with(peer.local_addr().unwrap()), expected);
}

/// Two directions of one connection at once, each from a thread of its own.
#[tokio::test]
async fn both_directions_at_once_are_kept_apart() {
    let (there, back) = (pattern(200_000, 3), pattern(200_000, 4));
    let answer = back.clone();
    let (gateway, mut observer, peers) = start(&Config::default(), 1, &[], |accepted, _| {
        let accepted = &accepted[0];
        thread::scope(|scope| {
            scope.spawn(|| {
                for part in answer.chunks(700) {
                    (&*accepted).write_all(part).unwrap();
                }
            });
            let mut left = 200_000;
            while left > 0 {
                left -= (&*accepted).read(&mut [0; 900]).unwrap();
            }
        });
    });
    let peer = &peers[0];
    ask(peer, &there, back.len());
    observer.until_gone(gateway).await;
    let (received, sent) = observer.streams(peer.local_addr().unwrap());
    for (seen, said) in [(received, there), (sent, back)] {
        assert_eq!(seen.len(), said.len());
        let agrees = seen
            .iter()
            .zip(&said)
            .all(|(seen, said)| seen.is_none_or(|byte| byte == *said));
        assert!(agrees);
        assert_eq!(seen[..10], whole(&said[..10]));
    }
}
