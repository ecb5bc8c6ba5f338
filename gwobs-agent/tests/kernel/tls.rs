//! Plaintext that a library gives and takes, told under the socket below. The library is of the test's own: it is called as
//! OpenSSL is, moves bytes on a socket within its calls, and hides them so little that the peer needs no library.

use std::ffi::{c_int, c_void};
use std::io::Write as _;
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use gwobs_agent::event::{Data, EventKind};
use gwobs_agent::tls::{Evidence, Function, Library, Point, Points, Returns};
use gwobs_common::limits::WINDOW;

use crate::gateway::{Cues, Gateway, connected_pair};
use crate::observer::{Observer, missing, pattern, whole};

const WINDOW_BYTES: usize = WINDOW as usize;
/// Two of them fill the window.
const CHUNK: usize = WINDOW_BYTES / 2;
/// What the bytes on the socket differ by.
const KEY: u8 = 0x5a;

/// As `SSL_read`: the object is a descriptor.
#[inline(never)]
extern "C" fn read(object: &c_int, buffer: *mut c_void, length: c_int) -> c_int {
    let room = usize::try_from(length).unwrap_or(0);
    // SAFETY: callers give a buffer of that length.
    let got = unsafe { libc::recv(*object, buffer, room, libc::MSG_WAITALL) };
    let count = usize::try_from(got).unwrap_or(0);
    // SAFETY: so many bytes of it were written.
    for byte in unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), count) } {
        *byte ^= KEY;
    }
    c_int::try_from(got).unwrap_or(-1)
}

/// Where the library is: in the program that runs this test.
fn points() -> Points {
    let address = read as *const () as u64;
    let offset = std::fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .find_map(|line| file_offset(line, address))
        .expect("the program is mapped");
    Points {
        library: Library::OpenSsl,
        points: vec![Point {
            function: Function::Read,
            offset,
            returns: Returns::Probe,
            evidence: Evidence::Symbol,
        }],
    }
}

/// Offset of an address in the file that a line of `/proc/PID/maps` says is mapped there.
fn file_offset(line: &str, address: u64) -> Option<u64> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let (start, end, offset) = (number(start)?, number(end)?, number(words.nth(1)?)?);
    (start..end).contains(&address).then(|| address - start + offset)
}

/// A gateway that reads messages of these lengths from one connection, each in one call on the library, and its peer.
fn reader(lengths: &[usize]) -> (Gateway, TcpStream) {
    let (peer, accepted) = connected_pair();
    let gateway = Gateway::start(&[accepted.as_raw_fd()], |cues: &mut Cues| {
        cues.pause();
        for &length in lengths {
            let mut buffer = vec![0u8; length];
            let length = c_int::try_from(length).unwrap();
            let got = read(&accepted.as_raw_fd(), buffer.as_mut_ptr().cast(), length);
            assert_eq!(got, length);
        }
    });
    (gateway, peer)
}

/// The plaintext that was told, with every part in its place.
fn plaintext(observer: &Observer) -> Vec<Option<u8>> {
    let mut stream = Vec::new();
    for event in &observer.events {
        if let EventKind::Plaintext(plaintext) = &event.kind {
            let Data {
                position,
                length,
                bytes,
                ..
            } = &plaintext.data;
            let at = usize::try_from(*position).unwrap();
            assert!(at >= stream.len(), "overlap at {at} of {}", stream.len());
            stream.resize(at, None);
            stream.extend(bytes.iter().copied().map(Some));
            stream.resize(at + usize::try_from(*length).unwrap(), None);
        }
    }
    stream
}

/// A body that was answered before its end, and nobody says in time where it ends: the message behind it is not missed.
#[tokio::test]
async fn a_call_that_begins_a_message_opens_the_window_again() {
    const HEAD: &[u8] = b"POST /next HTTP/1.1\r\nhost: a.example\r\n\r\n";
    let (mut gateway, mut peer) = reader(&[CHUNK, CHUNK, CHUNK, CHUNK, HEAD.len(), CHUNK]);
    let mut observer = Observer::new();
    observer.follow(&gateway);
    let image = Path::new("/proc/self/exe");
    observer.probes.watch_tls(gateway.pid, image, &points()).unwrap();
    gateway.go();
    let sent = [&pattern(4 * CHUNK, 8)[..], HEAD, &pattern(CHUNK, 9)].concat();
    let hidden: Vec<u8> = sent.iter().map(|byte| byte ^ KEY).collect();
    peer.write_all(&hidden).unwrap();
    observer.until_gone(gateway).await;
    let expected = [
        whole(&sent[..WINDOW_BYTES]),
        missing(4 * CHUNK - WINDOW_BYTES),
        whole(&sent[4 * CHUNK..]),
    ]
    .concat();
    assert_eq!(plaintext(&observer), expected);
}
