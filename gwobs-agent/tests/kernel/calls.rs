//! Every system call that moves bytes through a socket.

#![expect(
    clippy::undocumented_unsafe_blocks,
    reason = "in every call of the two tables, the descriptor and the buffers are valid for the time of the call"
)]

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::ptr;

use gwobs_agent::event::{Direction, EventKind, KernelEvent, LeftOut};
use gwobs_common::counter::Counter;

use crate::gateway::{Gateway, connected_pair, owned};
use crate::observer::{Observer, missing, pattern, whole};

/// Lengths of the buffers that a message is scattered over: an empty one in between, and more room than needed.
const SCATTER: [usize; 4] = [7, 0, 90, 400];
const MESSAGE: usize = 300;

type Receive = fn(RawFd, &mut [libc::iovec]) -> isize;
type Send = fn(RawFd, &mut [libc::iovec]) -> isize;

fn message_header(vectors: &mut [libc::iovec]) -> libc::msghdr {
    // SAFETY: all zero is a valid message header.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = vectors.as_mut_ptr();
    header.msg_iovlen = vectors.len();
    header
}

fn several(vectors: &mut [libc::iovec]) -> Vec<libc::mmsghdr> {
    vectors
        .chunks_mut(1)
        .map(|one| libc::mmsghdr {
            msg_hdr: message_header(one),
            msg_len: 0,
        })
        .collect()
}

fn count(vectors: &[libc::iovec]) -> i32 {
    i32::try_from(vectors.len()).unwrap()
}

/// The last of the vectors alone has room for the message.
fn last(vectors: &[libc::iovec]) -> libc::iovec {
    vectors[vectors.len() - 1]
}

const RECEIVES: &[(&str, bool, Receive)] = &[
    ("read", true, |fd, v| unsafe {
        libc::read(fd, last(v).iov_base, last(v).iov_len)
    }),
    ("readv", true, |fd, v| unsafe { libc::readv(fd, v.as_ptr(), count(v)) }),
    ("preadv2", true, |fd, v| unsafe {
        libc::preadv2(fd, v.as_ptr(), count(v), -1, 0)
    }),
    ("recvfrom", true, |fd, v| unsafe {
        libc::recv(fd, last(v).iov_base, last(v).iov_len, 0)
    }),
    ("recvmsg", true, |fd, v| unsafe {
        libc::recvmsg(fd, &mut message_header(v), 0)
    }),
    ("recvmmsg of one", true, |fd, v| unsafe {
        let mut one = libc::mmsghdr {
            msg_hdr: message_header(v),
            msg_len: 0,
        };
        assert_eq!(libc::recvmmsg(fd, &raw mut one, 1, 0, ptr::null_mut()), 1);
        isize::try_from(one.msg_len).unwrap()
    }),
    ("recvmmsg of several", false, |fd, v| unsafe {
        let mut messages = several(&mut v[2..]);
        assert_eq!(
            libc::recvmmsg(fd, messages.as_mut_ptr(), 2, libc::MSG_WAITFORONE, ptr::null_mut()),
            2
        );
        isize::try_from(messages[0].msg_len + messages[1].msg_len).unwrap()
    }),
];

const SENDS: &[(&str, bool, Send)] = &[
    ("write", true, |fd, v| unsafe {
        libc::write(fd, last(v).iov_base, MESSAGE)
    }),
    ("writev", true, |fd, v| unsafe {
        libc::writev(fd, v.as_ptr(), count(v))
    }),
    ("pwritev2", true, |fd, v| unsafe {
        libc::pwritev2(fd, v.as_ptr(), count(v), -1, 0)
    }),
    ("sendto", true, |fd, v| unsafe {
        libc::send(fd, last(v).iov_base, MESSAGE, 0)
    }),
    ("sendmsg", true, |fd, v| unsafe {
        libc::sendmsg(fd, &message_header(v), 0)
    }),
    ("sendmmsg of one", true, |fd, v| unsafe {
        let mut one = libc::mmsghdr {
            msg_hdr: message_header(v),
            msg_len: 0,
        };
        assert_eq!(libc::sendmmsg(fd, &raw mut one, 1, 0), 1);
        isize::try_from(one.msg_len).unwrap()
    }),
    ("sendmmsg of several", false, |fd, v| unsafe {
        let mut messages = several(v);
        assert_eq!(libc::sendmmsg(fd, messages.as_mut_ptr(), 4, 0), 4);
        messages
            .iter()
            .map(|message| isize::try_from(message.msg_len).unwrap())
            .sum()
    }),
];

fn vectors(buffers: &mut [Vec<u8>]) -> Vec<libc::iovec> {
    buffers
        .iter_mut()
        .map(|b| libc::iovec {
            iov_base: b.as_mut_ptr().cast(),
            iov_len: b.len(),
        })
        .collect()
}

#[tokio::test]
async fn every_receiving_call_is_read_whole() {
    let (mut peer, accepted) = connected_pair();
    let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        cues.pause();
        for (name, _, receive) in RECEIVES {
            let mut buffers = SCATTER.map(|length| vec![0; length]);
            let length = receive(accepted.as_raw_fd(), &mut vectors(&mut buffers));
            assert_eq!(length, isize::try_from(MESSAGE).unwrap(), "{name}");
            (&accepted).write_all(b"!").unwrap();
        }
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    let mut expected = Vec::new();
    for (seed, (_, readable, _)) in (0..).zip(RECEIVES) {
        let message = pattern(MESSAGE, seed);
        peer.write_all(&message).unwrap();
        peer.read_exact(&mut [0]).unwrap();
        expected.extend(if *readable { whole(&message) } else { missing(MESSAGE) });
    }
    drop(accepted);
    observer.until_gone(gateway).await;
    let (received, sent) = observer.streams(peer.local_addr().unwrap());
    assert_eq!(received, expected);
    assert_eq!(sent, whole(&b"!".repeat(RECEIVES.len())));
}

#[tokio::test]
async fn every_sending_call_is_read_whole() {
    let (mut peer, accepted) = connected_pair();
    let message = pattern(MESSAGE, 99);
    // `SCATTER`, but full: 7 + 0 + 90 bytes, and the rest; the last buffer holds all of it for calls with one buffer.
    let (head, tail) = message.split_at(97);
    let gathered: [Vec<u8>; 4] = [head[..7].to_vec(), Vec::new(), head[7..].to_vec(), tail.to_vec()];
    let whole_message = message.clone();
    let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        cues.pause();
        for (name, _, send) in SENDS {
            let mut buffers = gathered.clone();
            let one_buffer = matches!(*name, "write" | "sendto");
            if one_buffer {
                buffers[3] = whole_message.clone();
            }
            assert_eq!(send(accepted.as_raw_fd(), &mut vectors(&mut buffers)), 300, "{name}");
        }
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    let mut arrived = vec![0; MESSAGE * SENDS.len()];
    peer.read_exact(&mut arrived).unwrap();
    assert_eq!(arrived, message.repeat(SENDS.len()));
    drop(accepted);
    observer.until_gone(gateway).await;
    let (_, sent) = observer.streams(peer.local_addr().unwrap());
    let expected: Vec<_> = SENDS
        .iter()
        .flat_map(|(_, readable, _)| if *readable { whole(&message) } else { missing(MESSAGE) })
        .collect();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn bytes_that_come_one_by_one_are_all_there() {
    let (mut peer, accepted) = connected_pair();
    let message = pattern(400, 5);
    let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        cues.pause();
        for _ in 0..400 {
            (&accepted).read_exact(&mut [0]).unwrap();
        }
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    for byte in &message {
        peer.write_all(&[*byte]).unwrap();
    }
    drop(accepted);
    observer.until_gone(gateway).await;
    let opened = observer.connection(peer.local_addr().unwrap());
    assert_eq!(observer.data(opened.socket, Direction::Receive).count(), 400);
    assert_eq!(observer.streams(opened.peer).0, whole(&message));
}

#[tokio::test]
async fn peeking_consumes_nothing_and_truncating_leaves_a_gap() {
    let (mut peer, accepted) = connected_pair();
    let message = pattern(300, 6);
    let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        cues.pause();
        let mut buffer = [0u8; 100];
        let mut receive = |flags| {
            // SAFETY: the buffer is valid for the time of the call.
            let length = unsafe { libc::recv(accepted.as_raw_fd(), buffer.as_mut_ptr().cast(), 100, flags) };
            assert_eq!(length, 100);
        };
        receive(libc::MSG_PEEK);
        receive(libc::MSG_WAITALL);
        receive(libc::MSG_PEEK);
        receive(libc::MSG_TRUNC);
        receive(libc::MSG_PEEK | libc::MSG_TRUNC);
        receive(libc::MSG_WAITALL);
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    peer.write_all(&message).unwrap();
    gateway.go();
    drop(accepted);
    observer.until_gone(gateway).await;
    let opened = observer.connection(peer.local_addr().unwrap());
    let expected = [whole(&message[..100]), missing(100), whole(&message[200..])].concat();
    assert_eq!(observer.streams(opened.peer).0, expected);
    assert_eq!(
        observer.left_out(opened.socket, Direction::Receive),
        [(LeftOut::NoBuffer, 100)]
    );
    assert_eq!(observer.probes.counters().unwrap().get(Counter::NotConsumed), 3);
}

#[tokio::test]
async fn sendfile_and_splice_never_shift_a_stream() {
    let (mut peer, accepted) = connected_pair();
    let body = pattern(3000, 7);
    let inbound = pattern(900, 8);
    // SAFETY: a name for a file in memory.
    let file = owned(unsafe { libc::memfd_create(c"body".as_ptr(), 0) });
    let mut file = File::from(file);
    file.write_all(&body).unwrap();
    let mut gateway = Gateway::start(&[accepted.as_raw_fd(), file.as_raw_fd()], |cues| {
        cues.pause();
        let fd = accepted.as_raw_fd();
        (&accepted).write_all(b"head").unwrap();
        let mut offset = 0;
        // SAFETY: valid descriptors, and a place for the offset.
        assert_eq!(
            unsafe { libc::sendfile(fd, file.as_raw_fd(), &raw mut offset, 3000) },
            3000
        );
        (&accepted).write_all(b"between").unwrap();
        splice_in(fd, &mut file);
        (&accepted).write_all(b"tail").unwrap();
        (&accepted).read_exact(&mut [0; 300]).unwrap();
        splice_out(fd, 300);
        (&accepted).read_exact(&mut [0; 300]).unwrap();
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    peer.write_all(&inbound).unwrap();
    let mut arrived = vec![0; 4 + 3000 + 7 + 3000 + 4];
    peer.read_exact(&mut arrived).unwrap();
    drop(accepted);
    observer.until_gone(gateway).await;
    let (received, sent) = observer.streams(peer.local_addr().unwrap());
    let gap = missing(3000);
    assert_eq!(
        sent,
        [whole(b"head"), gap.clone(), whole(b"between"), gap, whole(b"tail")].concat()
    );
    assert_eq!(
        received,
        [whole(&inbound[..300]), missing(300), whole(&inbound[600..])].concat()
    );
}

/// The whole file into a socket, through a pipe.
fn splice_in(socket: RawFd, file: &mut File) {
    file.rewind().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    assert_eq!(splice(file.as_raw_fd(), writer.as_raw_fd(), 3000), 3000);
    let mut left = 3000;
    while left > 0 {
        left -= splice(reader.as_raw_fd(), socket, left);
    }
}

/// Bytes from a socket into a pipe.
fn splice_out(socket: RawFd, length: usize) {
    let (_reader, writer) = std::io::pipe().unwrap();
    let mut left = length;
    while left > 0 {
        left -= splice(socket, writer.as_raw_fd(), left);
    }
}

fn splice(from: RawFd, to: RawFd, length: usize) -> usize {
    // SAFETY: valid descriptors, no offsets.
    let moved = unsafe { libc::splice(from, ptr::null_mut(), to, ptr::null_mut(), length, 0) };
    usize::try_from(moved).unwrap()
}

#[tokio::test]
async fn other_sockets_are_counted_and_not_read() {
    let mut gateway = Gateway::start(&[], |cues| {
        cues.pause();
        let (mut one, mut other) = std::os::unix::net::UnixStream::pair().unwrap();
        one.write_all(b"GET /").unwrap();
        other.read_exact(&mut [0; 5]).unwrap();
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.send_to(b"GET /", udp.local_addr().unwrap()).unwrap();
        udp.recv(&mut [0; 5]).unwrap();
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    observer.until_gone(gateway).await;
    let counters = observer.probes.counters().unwrap();
    assert_eq!((counters.get(Counter::Unix), counters.get(Counter::Udp)), (2, 2));
    let kinds: Vec<&EventKind> = observer.events.iter().map(|event| &event.kind).collect();
    assert!(matches!(kinds[..], [EventKind::ProcessExited]), "{kinds:#?}");
}

fn multipath(protocol: libc::c_int) -> OwnedFd {
    // SAFETY: no pointers.
    owned(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, protocol) })
}

/// The positions of a multipath socket are not those of its subflows: nothing of it is taken for the bytes of a stream.
#[tokio::test]
async fn multipath_tcp_is_counted_and_not_read() {
    let mut gateway = Gateway::start(&[], |cues| {
        cues.pause();
        let listener = TcpListener::from(multipath(libc::IPPROTO_MPTCP));
        // SAFETY: a valid descriptor; the kernel binds it to a free port of every address.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 1) }, 0);
        let port = listener.local_addr().unwrap().port();
        let mut peer = TcpStream::from(multipath(libc::IPPROTO_MPTCP));
        connect(&peer, port);
        let (mut accepted, _) = listener.accept().unwrap();
        peer.write_all(b"GET /").unwrap();
        accepted.read_exact(&mut [0; 5]).unwrap();
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    observer.until_gone(gateway).await;
    // The write and the read; some kernels tell of the connect too.
    assert!(observer.probes.counters().unwrap().get(Counter::Mptcp) >= 2);
    let is_data = |event: &KernelEvent| matches!(event.kind, EventKind::Data(_));
    assert!(!observer.events.iter().any(is_data), "{:#?}", observer.events);
}

fn connect(socket: &TcpStream, port: u16) {
    let address = libc::sockaddr_in {
        sin_family: u16::try_from(libc::AF_INET).unwrap(),
        sin_port: port.to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from(Ipv4Addr::LOCALHOST).to_be(),
        },
        sin_zero: [0; 8],
    };
    let length = u32::try_from(size_of_val(&address)).unwrap();
    // SAFETY: a valid descriptor, and an address of this length.
    let connected = unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), length) };
    assert_eq!(connected, 0, "{}", std::io::Error::last_os_error());
}

/// A gateway may hold a file under the number that a socket had: the descriptor is looked up for every call.
#[tokio::test]
async fn descriptors_that_are_used_again_do_not_confuse() {
    let (mut first, first_accepted) = connected_pair();
    let (mut second, second_accepted) = connected_pair();
    let keep = [first_accepted.as_raw_fd(), second_accepted.as_raw_fd()];
    let mut gateway = Gateway::start(&keep, |cues| {
        cues.pause();
        (&first_accepted).read_exact(&mut [0; 5]).unwrap();
        // SAFETY: valid descriptors; now both name the second connection.
        assert_eq!(unsafe { libc::dup2(keep[1], keep[0]) }, keep[0]);
        // SAFETY: a descriptor that nobody else owns in this process.
        let mut again = unsafe { TcpStream::from_raw_fd(keep[0]) };
        again.read_exact(&mut [0; 6]).unwrap();
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    first.write_all(b"first").unwrap();
    second.write_all(b"second").unwrap();
    drop((first_accepted, second_accepted));
    observer.until_gone(gateway).await;
    assert_eq!(observer.streams(first.local_addr().unwrap()).0, whole(b"first"));
    assert_eq!(observer.streams(second.local_addr().unwrap()).0, whole(b"second"));
}
