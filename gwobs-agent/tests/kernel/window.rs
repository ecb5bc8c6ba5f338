//! What is copied and what is only announced.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;

use gwobs_agent::event::{Direction, LeftOut};
use gwobs_common::limits::{MAX_PAYLOAD, WINDOW};

use crate::gateway::{Cues, Gateway, connected_pair};
use crate::observer::{Observer, missing, pattern, whole};

const WINDOW_BYTES: usize = WINDOW as usize;
/// Two of them fill the window.
const CHUNK: usize = WINDOW_BYTES / 2;

/// Reads exactly so many bytes, in one call.
fn read_at_once(stream: &TcpStream, length: usize) {
    let mut buffer = vec![0u8; length];
    // SAFETY: the buffer is valid for the time of the call.
    let got = unsafe {
        libc::recv(
            stream.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            length,
            libc::MSG_WAITALL,
        )
    };
    assert_eq!(usize::try_from(got).unwrap(), length);
}

/// A gateway with one connection, and its peer.
fn start(body: impl FnOnce(&TcpStream, &mut Cues)) -> (Gateway, TcpStream) {
    let (peer, accepted) = connected_pair();
    let gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        cues.pause();
        body(&accepted, cues);
    });
    (gateway, peer)
}

#[tokio::test]
async fn beyond_the_window_bytes_are_announced_until_the_conversation_turns() {
    let (mut gateway, mut peer) = start(|stream, _| {
        for _ in 0..4 {
            read_at_once(stream, CHUNK);
        }
        (&*stream).write_all(b"ok").unwrap();
        read_at_once(stream, CHUNK);
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    let sent = pattern(5 * CHUNK, 3);
    peer.write_all(&sent[..4 * CHUNK]).unwrap();
    peer.read_exact(&mut [0; 2]).unwrap();
    peer.write_all(&sent[4 * CHUNK..]).unwrap();
    observer.until_gone(gateway).await;
    let opened = observer.connection(peer.local_addr().unwrap());
    let expected = [
        whole(&sent[..WINDOW_BYTES]),
        missing(4 * CHUNK - WINDOW_BYTES),
        whole(&sent[4 * CHUNK..]),
    ]
    .concat();
    assert_eq!(observer.streams(opened.peer).0, expected);
    let announced = observer.left_out(opened.socket, Direction::Receive);
    let chunk = u32::try_from(CHUNK).unwrap();
    assert_eq!(announced, [(LeftOut::Window, chunk), (LeftOut::Window, chunk)]);
    assert!(
        observer
            .data(opened.socket, Direction::Receive)
            .all(|data| data.bytes.len() <= MAX_PAYLOAD as usize)
    );
}

/// A body that was answered before its end, and nobody says in time where it ends: the message behind it is not missed.
#[tokio::test]
async fn a_call_that_begins_a_message_opens_the_window_again() {
    const HEAD: &[u8] = b"POST /next HTTP/1.1\r\nhost: a.example\r\n\r\n";
    let (mut gateway, mut peer) = start(|stream, _| {
        for _ in 0..4 {
            read_at_once(stream, CHUNK);
        }
        read_at_once(stream, HEAD.len());
        read_at_once(stream, CHUNK);
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    let sent = [&pattern(4 * CHUNK, 8)[..], HEAD, &pattern(CHUNK, 9)].concat();
    peer.write_all(&sent).unwrap();
    observer.until_gone(gateway).await;
    let opened = observer.connection(peer.local_addr().unwrap());
    let expected = [
        whole(&sent[..WINDOW_BYTES]),
        missing(4 * CHUNK - WINDOW_BYTES),
        whole(&sent[4 * CHUNK..]),
    ]
    .concat();
    assert_eq!(observer.streams(opened.peer).0, expected);
}

/// One call that is larger than the window, from several buffers.
#[tokio::test]
async fn one_large_write_is_told_in_consecutive_parts() {
    let sent = pattern(3 * WINDOW_BYTES + 4_000, 4);
    let (mut gateway, mut peer) = start(|stream, _| {
        let vectors: Vec<libc::iovec> = sent
            .chunks(WINDOW_BYTES / 2 - 1_000)
            .map(|part| libc::iovec {
                iov_base: part.as_ptr().cast_mut().cast(),
                iov_len: part.len(),
            })
            .collect();
        let count = i32::try_from(vectors.len()).unwrap();
        // SAFETY: the buffers are valid for the time of the call; the call only reads them.
        let length = unsafe { libc::writev(stream.as_raw_fd(), vectors.as_ptr(), count) };
        assert_eq!(usize::try_from(length).unwrap(), sent.len());
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    peer.read_exact(&mut vec![0; sent.len()]).unwrap();
    observer.until_gone(gateway).await;
    let opened = observer.connection(peer.local_addr().unwrap());
    let expected = [whole(&sent[..WINDOW_BYTES]), missing(sent.len() - WINDOW_BYTES)].concat();
    assert_eq!(observer.streams(opened.peer).1, expected);
    let calls: std::collections::BTreeSet<_> = observer
        .events
        .iter()
        .filter(|e| matches!(e.kind, gwobs_agent::event::EventKind::Data(_)))
        .map(|e| (e.time, e.tid))
        .collect();
    assert_eq!(calls.len(), 1, "parts of one call carry one time");
}

/// Two requests with bodies on one connection; the second head lies in the middle of a read.
#[tokio::test]
async fn a_read_that_straddles_the_end_of_a_body_is_split_exactly_there() {
    let (mut gateway, mut peer) = start(|stream, cues| {
        read_at_once(stream, 1000);
        cues.pause();
        read_at_once(stream, 40_000);
        read_at_once(stream, 40_000);
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    let sent = pattern(81_000, 5);
    peer.write_all(&sent).unwrap();
    gateway.await_pause();
    observer
        .until("the head", |event| {
            matches!(event.kind, gwobs_agent::event::EventKind::Data(_))
        })
        .await;
    let peer_address = peer.local_addr().unwrap();
    let (socket, (start, _)) = {
        let opened = observer.connection(peer_address);
        (opened.socket, opened.positions.unwrap())
    };
    let next_head = 65_432usize;
    let position = start.wrapping_add(u32::try_from(next_head).unwrap());
    observer
        .probes
        .skip_until(socket, Direction::Receive, position)
        .unwrap();
    gateway.go();
    observer.until_gone(gateway).await;
    let expected = [
        whole(&sent[..1000]),
        missing(next_head - 1000),
        whole(&sent[next_head..]),
    ]
    .concat();
    assert_eq!(observer.streams(peer_address).0, expected);
    let announced = observer.left_out(socket, Direction::Receive);
    assert_eq!(announced, [(LeftOut::Skipped, 40_000), (LeftOut::Skipped, 24_432)]);
}

/// A skip is not taken back by a turn of the conversation, and may be corrected by a later one.
#[tokio::test]
async fn a_skip_outlives_turns_and_can_be_corrected() {
    let (mut gateway, mut peer) = start(|stream, cues| {
        read_at_once(stream, 100);
        cues.pause();
        for _ in 0..3 {
            read_at_once(stream, 100);
            (&*stream).write_all(b"continue").unwrap();
        }
        cues.pause();
        read_at_once(stream, 100);
        read_at_once(stream, 100);
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    let sent = pattern(600, 6);
    peer.write_all(&sent).unwrap();
    gateway.await_pause();
    observer
        .until("the first", |event| {
            matches!(event.kind, gwobs_agent::event::EventKind::Data(_))
        })
        .await;
    let peer_address = peer.local_addr().unwrap();
    let (socket, (start, _)) = {
        let opened = observer.connection(peer_address);
        (opened.socket, opened.positions.unwrap())
    };
    observer
        .probes
        .skip_until(socket, Direction::Receive, start.wrapping_add(1 << 30))
        .unwrap();
    gateway.go();
    gateway.await_pause();
    observer
        .probes
        .skip_until(socket, Direction::Receive, start.wrapping_add(450))
        .unwrap();
    gateway.go();
    observer.until_gone(gateway).await;
    let (received, sent_back) = observer.streams(peer_address);
    assert_eq!(
        received,
        [whole(&sent[..100]), missing(350), whole(&sent[450..])].concat()
    );
    assert_eq!(sent_back, whole(&b"continue".repeat(3)));
}
