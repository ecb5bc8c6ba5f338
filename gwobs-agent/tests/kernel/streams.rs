//! Streams as a whole: large heads, ends, many connections at once, a ring buffer that is too small.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd as _;
use std::thread;

use gwobs_agent::event::{Direction, EventKind, LostReason};
use gwobs_agent::probes::Config;
use gwobs_common::counter::Counter;

use crate::gateway::{Gateway, connected_pair, listener};
use crate::observer::{Observer, pattern, whole};

#[tokio::test]
async fn a_head_of_16_kib_crosses_whole_however_it_is_read() {
    for step in [1000, 4096, 16 * 1024] {
        let (mut peer, accepted) = connected_pair();
        let head = pattern(16 * 1024, 1);
        let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
            cues.pause();
            let mut buffer = vec![0; step];
            let mut left = 16 * 1024;
            while left > 0 {
                left -= (&accepted).read(&mut buffer).unwrap();
            }
        });
        let mut observer = Observer::new();
        observer.follow(&gateway);
        peer.write_all(&head).unwrap();
        gateway.go();
        drop(accepted);
        observer.until_gone(gateway).await;
        assert_eq!(observer.streams(peer.local_addr().unwrap()).0, whole(&head));
    }
}

/// The peer's FIN counts one in the kernel's positions, and is consumed with the last byte when both arrive together.
#[tokio::test]
async fn the_end_of_a_stream_does_not_shift_it_and_is_told() {
    let (peer, accepted) = connected_pair();
    let message = pattern(5000, 2);
    let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        cues.pause();
        let mut buffer = vec![0; 3000];
        (&accepted).read_exact(&mut buffer).unwrap();
        cues.pause();
        while (&accepted).read(&mut buffer).unwrap() > 0 {}
        (&accepted).write_all(b"answer").unwrap();
        accepted.shutdown(Shutdown::Write).unwrap();
        cues.pause();
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    (&peer).write_all(&message).unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    gateway.go();
    gateway.await_pause();
    gateway.go();
    gateway.await_pause();
    drop(accepted);
    observer
        .until("the end of sending", |e| is_half_closed(&e.kind, Direction::Send))
        .await;
    let order: Vec<&str> = observer.events.iter().map(|event| describe(&event.kind)).collect();
    assert_eq!(
        order,
        ["opened", "received", "received", "end received", "sent", "end sent"],
        "{:#?}",
        observer.events
    );
    assert_eq!(
        observer.streams(peer.local_addr().unwrap()),
        (whole(&message), whole(b"answer"))
    );
    gateway.go();
    observer.until_gone(gateway).await;
}

fn is_half_closed(kind: &EventKind, wanted: Direction) -> bool {
    matches!(kind, EventKind::HalfClosed { direction, .. } if *direction == wanted)
}

fn describe(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Opened(_) => "opened",
        EventKind::Data(data) if data.direction == Direction::Receive => "received",
        EventKind::Data(_) => "sent",
        EventKind::HalfClosed {
            direction: Direction::Receive,
            ..
        } => "end received",
        EventKind::HalfClosed {
            direction: Direction::Send,
            ..
        } => "end sent",
        EventKind::Closed { .. } => "closed",
        _ => "other",
    }
}

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 40;

/// Threads of the gateway echo what 64 peers send, all at once, in messages of all sizes.
fn echo(stream: &TcpStream) {
    let mut buffer = vec![0; 3000];
    loop {
        let length = (&*stream).read(&mut buffer).unwrap();
        if length == 0 {
            return;
        }
        (&*stream).write_all(&buffer[..length]).unwrap();
    }
}

fn speak(stream: &TcpStream, seed: u64) -> Vec<u8> {
    let mut said = Vec::new();
    for round in 0..ROUNDS {
        let message = pattern(1 + round * 61, seed * 1000 + round as u64);
        (&*stream).write_all(&message).unwrap();
        (&*stream).read_exact(&mut vec![0; message.len()]).unwrap();
        said.extend(message);
    }
    said
}

fn echo_server(listener: &std::net::TcpListener) {
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            let (stream, _) = listener.accept().unwrap();
            scope.spawn(move || echo(&stream));
        }
    });
}

#[tokio::test]
async fn many_connections_at_once_are_kept_apart() {
    let (listener, address) = listener();
    let mut gateway = Gateway::start(&[listener.as_raw_fd()], |cues| {
        cues.pause();
        echo_server(&listener);
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    let peers: Vec<TcpStream> = (0..CONNECTIONS).map(|_| TcpStream::connect(address).unwrap()).collect();
    let said: Vec<Vec<u8>> = thread::scope(|scope| {
        let speakers: Vec<_> = peers
            .iter()
            .zip(1..)
            .map(|(peer, seed)| scope.spawn(move || speak(peer, seed)))
            .collect();
        speakers.into_iter().map(|speaker| speaker.join().unwrap()).collect()
    });
    let addresses: Vec<_> = peers.iter().map(|peer| peer.local_addr().unwrap()).collect();
    drop(peers);
    drop(listener);
    observer.until_gone(gateway).await;
    for (address, said) in addresses.into_iter().zip(said) {
        assert!(!observer.connection(address).preexisting);
        assert_eq!(observer.streams(address), (whole(&said), whole(&said)));
    }
    assert!(observer.probes.counters().unwrap().lost().all(|(_, count)| count == 0));
}

/// Bytes read and written are either told or counted as lost, and nothing is told at a wrong place.
#[tokio::test]
async fn a_full_ring_buffer_loses_events_and_counts_them() {
    let (listener, address) = listener();
    let mut gateway = Gateway::start(&[listener.as_raw_fd()], |cues| {
        cues.pause();
        let (stream, _) = listener.accept().unwrap();
        echo(&stream);
    });
    let mut observer = Observer::with(&Config {
        ring_buffer: 16 * 1024,
        ..Config::default()
    });
    observer.follow(&gateway);
    gateway.go();
    let peer = TcpStream::connect(address).unwrap();
    let local = peer.local_addr().unwrap();
    // Nobody reads the ring buffer meanwhile.
    let said = speak(&peer, 1);
    observer.probes.drain(&mut observer.events).unwrap();
    let told_lost: u64 = observer.events.iter().map(|event| lost_count(&event.kind)).sum();
    assert!(told_lost > 0);
    // There is room again, and what comes now is told at its right place.
    (&peer).write_all(b"after the loss").unwrap();
    (&peer).read_exact(&mut [0; 14]).unwrap();
    drop(peer);
    drop(listener);
    observer.until_gone(gateway).await;
    let (received, sent) = observer.streams(local);
    let all = [said, b"after the loss".to_vec()].concat();
    for stream in [received, sent] {
        assert_eq!(stream.len(), all.len());
        assert!(
            stream
                .iter()
                .zip(&all)
                .all(|(seen, said)| seen.is_none_or(|byte| byte == *said))
        );
        assert_eq!(stream[all.len() - 14..], whole(b"after the loss"));
        assert!(stream.contains(&None));
    }
    let counters = observer.probes.counters().unwrap();
    let counted: u64 = counters.lost().map(|(_, count)| count).sum();
    assert_eq!(counted, told_lost);
    let told = counters.get(Counter::Received) + counters.get(Counter::Sent);
    assert!(told + told_lost >= 2 * ROUNDS as u64, "{counters:?}");
}

fn lost_count(kind: &EventKind) -> u64 {
    match kind {
        EventKind::Lost(lost) => {
            assert_eq!(lost.reason, LostReason::RingBufferFull);
            lost.count
        }
        _ => 0,
    }
}
