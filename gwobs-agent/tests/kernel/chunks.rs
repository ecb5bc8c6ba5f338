//! Chunked bodies that outrun the capture window: their framing crosses, and what follows them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::thread;

use gwobs_agent::event::{Direction, SocketCookie};
use gwobs_common::limits::WINDOW;
use gwobs_http::Chunk;
use gwobs_http::http1::{Item, RequestStream, Step};

use crate::gateway::{Gateway, connected_pair};
use crate::observer::{Observer, pattern};

const HEAD: &[u8] = b"POST /upload HTTP/1.1\r\nhost: a.example\r\ntransfer-encoding: chunked\r\n\r\n";
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nhost: a.example\r\n\r\n";

/// A chunked message whose body has this data, and another message behind it.
fn message(data: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut message = HEAD.to_vec();
    let mut rest = data;
    for (index, size) in (0..).zip(sizes.iter().cycle()) {
        let (chunk, after) = rest.split_at((*size).min(rest.len()));
        let extension = if index % 7 == 3 { ";name=value" } else { "" };
        message.extend(format!("{:x}{extension}\r\n", chunk.len()).bytes());
        message.extend(chunk);
        message.extend(if chunk.is_empty() {
            &b"trailer: t\r\n\r\n"[..]
        } else {
            b"\r\n"
        });
        if chunk.is_empty() {
            break;
        }
        rest = after;
    }
    [&message, NEXT].concat()
}

/// What a parser makes of what crossed: length of the first body, and the path of the second request.
fn read(observer: &Observer, socket: SocketCookie, direction: Direction, case: &str) -> (u64, Option<Vec<u8>>) {
    let mut stream = RequestStream::new(0);
    let (mut length, mut paths) = (0, Vec::new());
    for data in observer.data(socket, direction) {
        stream.begin_call();
        let left_out = u64::from(data.length) - data.bytes.len() as u64;
        for mut chunk in [Chunk::Bytes(data.bytes.clone()), Chunk::Gap(left_out)] {
            while !chunk.is_empty() {
                match stream.next(&mut chunk) {
                    Step::NeedMore => break,
                    Step::Item(Item::Head(head)) => paths.push(head.path.unwrap().to_vec()),
                    Step::Item(Item::Body { length: more, .. }) => length += more,
                    Step::Item(Item::Skipped(_)) => panic!("{case}: the place in the stream is lost"),
                    Step::Item(_) => {}
                    Step::Invalid(invalid) => panic!("{case}: {:?} after {length} bytes of the body", invalid.fault),
                }
            }
        }
    }
    assert_eq!(paths.first().map(Vec::as_slice), Some(&b"/upload"[..]));
    (length, paths.get(1).cloned())
}

/// So many bytes crossed.
fn crossed(observer: &Observer, socket: SocketCookie, direction: Direction) -> usize {
    observer.data(socket, direction).map(|data| data.bytes.len()).sum()
}

/// Sizes of chunks, among them some with many digits and few.
const SIZES: &[&[usize]] = &[&[16 * 1024], &[1, 300_000, 7, 4096, 100_000], &[65_536, 10], &[1 << 20]];

/// Nobody reads the ring buffer meanwhile: the kernel side is on its own.
#[tokio::test]
async fn a_body_that_is_written_faster_than_it_is_read_stays_readable() {
    let mut observer = Observer::new();
    for sizes in SIZES {
        for step in [HEAD.len(), 1_500, 16 * 1024, 60_001, usize::MAX] {
            let data = pattern(1_000_000, 1);
            let message = message(&data, sizes);
            let (mut peer, accepted) = connected_pair();
            let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
                cues.pause();
                for part in message.chunks(step) {
                    (&accepted).write_all(part).unwrap();
                }
            });
            observer.follow(&gateway);
            gateway.go();
            drop(accepted);
            peer.read_to_end(&mut Vec::new()).unwrap();
            observer.until_gone(gateway).await;
            let socket = observer.connection(peer.local_addr().unwrap()).socket;
            let case = format!("{sizes:?} in steps of {step}");
            let (length, next) = read(&observer, socket, Direction::Send, &case);
            assert_eq!((length, next.as_deref()), (1_000_000, Some(&b"/next"[..])), "{case}");
            assert!(
                crossed(&observer, socket, Direction::Send) < 2 * WINDOW as usize,
                "the data of the body stays behind"
            );
        }
    }
}

/// Into buffers that no boundary of the framing agrees with.
pub(crate) fn read_scattered(stream: &TcpStream, lengths: &[usize], mut left: usize) {
    let mut buffers: Vec<Vec<u8>> = lengths.iter().map(|length| vec![0; *length]).collect();
    while left > 0 {
        let vectors: Vec<libc::iovec> = buffers
            .iter_mut()
            .map(|buffer| libc::iovec {
                iov_base: buffer.as_mut_ptr().cast(),
                iov_len: buffer.len(),
            })
            .collect();
        let count = i32::try_from(vectors.len()).unwrap();
        // SAFETY: the buffers are valid for the time of the call.
        let got = unsafe { libc::readv(stream.as_raw_fd(), vectors.as_ptr(), count) };
        left -= usize::try_from(got).unwrap();
    }
}

/// A gateway reads a message in some way while nobody reads the ring buffer; the socket.
async fn observe_reading(observer: &mut Observer, message: &[u8], reading: impl FnOnce(&TcpStream)) -> SocketCookie {
    let (peer, accepted) = connected_pair();
    let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        cues.pause();
        reading(&accepted);
    });
    observer.follow(&gateway);
    gateway.go();
    drop(accepted);
    thread::scope(|scope| {
        scope.spawn(|| (&peer).write_all(message).unwrap());
    });
    observer.until_gone(gateway).await;
    observer.connection(peer.local_addr().unwrap()).socket
}

#[tokio::test]
async fn a_body_that_is_read_into_scattered_buffers_stays_readable() {
    let mut observer = Observer::new();
    for sizes in SIZES {
        for lengths in [&[16 * 1024][..], &[100, 1, 2, 0, 3, 70_001], &[333; 200]] {
            let message = message(&pattern(1_000_000, 2), sizes);
            let reading = |accepted: &TcpStream| read_scattered(accepted, lengths, message.len());
            let socket = observe_reading(&mut observer, &message, reading).await;
            let case = format!("{sizes:?} into {} buffers", lengths.len());
            let (length, next) = read(&observer, socket, Direction::Receive, &case);
            assert_eq!((length, next.as_deref()), (1_000_000, Some(&b"/next"[..])), "{case}");
        }
    }
}

/// Go waits for the next request in a read of one byte, and reads the rest when that has come.
#[tokio::test]
async fn a_body_behind_a_byte_that_was_read_alone_stays_readable() {
    let mut observer = Observer::new();
    let put = [b"PUT ", &HEAD[5..]].concat();
    for head in [HEAD, &put] {
        let whole = message(&pattern(1_000_000, 3), &[16 * 1024]);
        let message = [head, &whole[HEAD.len()..]].concat();
        let reading = |accepted: &TcpStream| {
            read_scattered(accepted, &[1], 1);
            read_scattered(accepted, &[4096], message.len() - 1);
        };
        let socket = observe_reading(&mut observer, &message, reading).await;
        let (length, next) = read(&observer, socket, Direction::Receive, "one byte, then the rest");
        assert_eq!((length, next.as_deref()), (1_000_000, Some(&b"/next"[..])));
    }
}

/// Data that looks like framing where none is: what does not cross is a gap, and nothing is told at a wrong place.
#[tokio::test]
async fn a_body_that_only_looks_chunked_shifts_nothing() {
    let body = b"5\r\nabcde\r\n10\r\n".repeat(60_000);
    let head = format!(
        "POST /upload HTTP/1.1\r\nhost: a.example\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let message = [head.as_bytes(), &body, NEXT].concat();
    let (mut peer, accepted) = connected_pair();
    let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        cues.pause();
        for part in message.chunks(50_000) {
            (&accepted).write_all(part).unwrap();
        }
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    drop(accepted);
    peer.read_to_end(&mut Vec::new()).unwrap();
    observer.until_gone(gateway).await;
    let (_, sent) = observer.streams(peer.local_addr().unwrap());
    assert_eq!(sent.len(), message.len());
    let agrees = |(seen, said): (&Option<u8>, &u8)| seen.is_none_or(|byte| byte == *said);
    assert!(sent.iter().zip(&message).all(agrees));
}
