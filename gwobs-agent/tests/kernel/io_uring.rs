//! io_uring moves bytes of sockets while the thread's registers describe another system call, or none.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;

use gwobs_agent::event::{Direction, LeftOut};
use io_uring::{IoUring, opcode, squeue, types};

use crate::gateway::{Cues, Gateway, connected_pair};
use crate::observer::{Observer, missing, pattern, whole};

const ROUNDS: u64 = 300;
const MESSAGE: usize = 200;

/// Without io_uring these tests prove nothing.
fn ring() -> IoUring {
    IoUring::new(8).expect("these tests need io_uring (sysctl kernel.io_uring_disabled=0)")
}

fn submit(ring: &mut IoUring, entry: &squeue::Entry) {
    // SAFETY: the buffers of the entry live until its completion has been taken.
    unsafe { ring.submission().push(entry) }.unwrap();
    ring.submit().unwrap();
}

fn complete(ring: &mut IoUring) -> usize {
    ring.submit_and_wait(1).unwrap();
    let completion = ring.completion().next().unwrap();
    usize::try_from(completion.result()).expect("io_uring succeeds")
}

/// Receives on one socket through io_uring while the same thread makes ordinary calls on another: the bytes for the uring
/// come while it waits in a `read`, and are moved on the way in or out of some ordinary call.
fn beside(uring: &TcpStream, ordinary: &TcpStream, cues: &mut Cues) {
    let mut ring = ring();
    cues.pause();
    for _ in 0..ROUNDS {
        let mut buffer = [0u8; MESSAGE];
        let length = u32::try_from(MESSAGE).unwrap();
        submit(
            &mut ring,
            &opcode::Recv::new(types::Fd(uring.as_raw_fd()), buffer.as_mut_ptr(), length).build(),
        );
        let mut own = [0u8; MESSAGE];
        (&*ordinary).read_exact(&mut own).unwrap();
        (&*ordinary).write_all(&own).unwrap();
        assert_eq!(complete(&mut ring), MESSAGE);
        submit(
            &mut ring,
            &opcode::Send::new(types::Fd(uring.as_raw_fd()), buffer.as_ptr(), length).build(),
        );
        assert_eq!(complete(&mut ring), MESSAGE);
    }
}

#[tokio::test]
async fn bytes_of_io_uring_never_end_up_in_another_stream() {
    let (mut uring_peer, uring) = connected_pair();
    let (mut ordinary_peer, ordinary) = connected_pair();
    let mut gateway = Gateway::start(&[uring.as_raw_fd(), ordinary.as_raw_fd()], |cues| {
        beside(&uring, &ordinary, cues);
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    let mut said = Vec::new();
    for round in 0..ROUNDS {
        let message = pattern(MESSAGE, round);
        uring_peer.write_all(&pattern(MESSAGE, round + ROUNDS)).unwrap();
        ordinary_peer.write_all(&message).unwrap();
        ordinary_peer.read_exact(&mut [0; MESSAGE]).unwrap();
        uring_peer.read_exact(&mut [0; MESSAGE]).unwrap();
        said.extend(message);
    }
    drop((uring, ordinary));
    observer.until_gone(gateway).await;
    let ordinary = observer.streams(ordinary_peer.local_addr().unwrap());
    assert_eq!(ordinary, (whole(&said), whole(&said)));
    let opened = observer.connection(uring_peer.local_addr().unwrap());
    let unseen = missing(MESSAGE * usize::try_from(ROUNDS).unwrap());
    assert_eq!(observer.streams(opened.peer), (unseen.clone(), unseen));
    for direction in [Direction::Receive, Direction::Send] {
        let reasons = observer.left_out(opened.socket, direction);
        assert!(
            reasons.iter().all(|(reason, _)| *reason == LeftOut::NotThisSocket),
            "{reasons:?}"
        );
    }
}

/// The hardest case: both kinds of call on one socket. While io_uring waits for a message, the thread keeps asking for it
/// with an ordinary call in vain; when it comes, io_uring reads it on the way out of such a call, of which the registers
/// still tell, though it is over.
#[tokio::test]
async fn io_uring_and_ordinary_calls_on_one_socket_are_told_apart() {
    let (mut peer, accepted) = connected_pair();
    let mut gateway = Gateway::start(&[accepted.as_raw_fd()], |cues| {
        let mut ring = ring();
        cues.pause();
        for _ in 0..ROUNDS {
            let mut buffer = [0u8; MESSAGE];
            let fd = types::Fd(accepted.as_raw_fd());
            let mut ordinary = [0u8; MESSAGE];
            (&accepted).read_exact(&mut ordinary).unwrap();
            submit(&mut ring, &opcode::Recv::new(fd, buffer.as_mut_ptr(), 200).build());
            (&accepted).write_all(&ordinary).unwrap();
            let mut vain = [b'x'; MESSAGE];
            let length = loop {
                if let Some(completion) = ring.completion().next() {
                    break completion.result();
                }
                // SAFETY: the buffer is valid for the time of the call.
                unsafe {
                    libc::recv(
                        fd.0,
                        vain.as_mut_ptr().cast(),
                        MESSAGE,
                        libc::MSG_PEEK | libc::MSG_DONTWAIT,
                    )
                };
            };
            assert_eq!(length, 200);
        }
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    let mut received = Vec::new();
    let mut sent = Vec::new();
    for round in 0..ROUNDS {
        let message = pattern(MESSAGE, round);
        peer.write_all(&message).unwrap();
        peer.read_exact(&mut [0; MESSAGE]).unwrap();
        peer.write_all(&pattern(MESSAGE, round + ROUNDS)).unwrap();
        received.extend([whole(&message), missing(MESSAGE)].concat());
        sent.extend(whole(&message));
    }
    drop(accepted);
    observer.until_gone(gateway).await;
    let (seen, answered) = observer.streams(peer.local_addr().unwrap());
    assert!(seen == received, "bytes of another call in the stream");
    assert_eq!(answered, sent);
}
