//! Sockets that are not read: what is told of them is that something was received, and by whom it can have been sent.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, FromRawFd as _, IntoRawFd as _};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::thread;

use gwobs_agent::event::{EventKind, Role, SocketCookie, Transport, Unread};

use crate::gateway::{Gateway, owned};
use crate::observer::{Observer, whole};

/// Reads something and answers it.
fn serve(mut stream: impl Read + Write) {
    let mut buffer = [0; 64];
    let length = stream.read(&mut buffer).unwrap();
    stream.write_all(&buffer[..length]).unwrap();
}

/// Says something and reads the answer.
fn ask(mut stream: impl Read + Write) {
    stream.write_all(b"hello").unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
}

fn unread(observer: &Observer) -> Vec<Unread> {
    let told = observer.events.iter().filter_map(|event| match &event.kind {
        EventKind::Unread(unread) => Some(unread.clone()),
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn unix_sockets_tell_who_asked() {
    let directory = std::env::temp_dir().join(format!("gwobs-unread-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (inbound, outbound) = (directory.join("in"), directory.join("out"));
    let listener = UnixListener::bind(&inbound).unwrap();
    let elsewhere = UnixListener::bind(&outbound).unwrap();
    let mut gateway = Gateway::start(&[listener.as_raw_fd()], |cues| {
        cues.pause();
        serve(listener.accept().unwrap().0);
        ask(UnixStream::connect(&outbound).unwrap());
        let own = UnixStream::connect(&inbound).unwrap();
        let accepted = listener.accept().unwrap().0;
        thread::scope(|scope| {
            scope.spawn(|| serve(&accepted));
            ask(&own);
        });
        let (log, logger) = UnixDatagram::pair().unwrap();
        logger.send(b"a line").unwrap();
        log.recv(&mut [0; 64]).unwrap();
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    ask(UnixStream::connect(&inbound).unwrap());
    serve(elsewhere.accept().unwrap().0);
    observer.until_gone(gateway).await;
    std::fs::remove_dir_all(&directory).unwrap();
    let told = unread(&observer);
    assert!(
        told.iter()
            .all(|unread| unread.transport == Transport::Unix && unread.local_port.is_none())
    );
    let seen: Vec<_> = told.iter().map(|unread| (unread.role, unread.own)).collect();
    let (accepted, connected) = (Some(Role::Accepted), Some(Role::Connected));
    let [_, _, inner, outer] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(seen[..3], [(accepted, false), (connected, false), (accepted, true)]);
    assert_eq!(outer.role, connected);
    assert_eq!(
        inner.peer,
        Some(outer.socket),
        "the end that asks is named by the one that is asked"
    );
    assert_ne!(inner.socket, SocketCookie(0));
}

/// A pair that the gateway made is how its own processes talk to each other; one that it was given may lead anywhere.
#[tokio::test]
async fn of_socket_pairs_those_are_told_that_somebody_else_has_made() {
    let (given, kept) = UnixStream::pair().unwrap();
    let mut gateway = Gateway::start(&[given.as_raw_fd()], |cues| {
        cues.pause();
        let (asking, asked) = UnixStream::pair().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| serve(&asked));
            ask(&asking);
        });
        ask(&given);
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    serve(&kept);
    observer.until_gone(gateway).await;
    let told: Vec<_> = unread(&observer)
        .iter()
        .map(|unread| (unread.role, unread.own))
        .collect();
    assert_eq!(told, [(Some(Role::Connected), false)]);
}

fn multipath_socket() -> std::os::fd::OwnedFd {
    // SAFETY: no pointers.
    owned(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP) })
}

fn loopback(port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: u16::try_from(libc::AF_INET).unwrap(),
        sin_port: port.to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes([127, 0, 0, 1]),
        },
        sin_zero: [0; 8],
    }
}

fn multipath_listener() -> (TcpListener, SocketAddr) {
    let (socket, address) = (multipath_socket(), loopback(0));
    let length = u32::try_from(size_of_val(&address)).unwrap();
    // SAFETY: an address of this length.
    let bound = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    assert_eq!(bound, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: no pointers.
    assert_eq!(unsafe { libc::listen(socket.as_raw_fd(), 8) }, 0);
    // SAFETY: the descriptor belongs to nobody else.
    let listener = unsafe { TcpListener::from_raw_fd(socket.into_raw_fd()) };
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn multipath_connect(to: SocketAddr) -> TcpStream {
    let (socket, address) = (multipath_socket(), loopback(to.port()));
    let length = u32::try_from(size_of_val(&address)).unwrap();
    // SAFETY: an address of this length.
    let connected = unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), length) };
    assert_eq!(connected, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the descriptor belongs to nobody else.
    unsafe { TcpStream::from_raw_fd(socket.into_raw_fd()) }
}

/// A listener for multipath TCP serves ordinary clients as ever.
#[tokio::test]
async fn multipath_tcp_is_told_and_plain_tcp_at_its_listener_is_read() {
    let (listener, address) = multipath_listener();
    let (elsewhere, outbound) = multipath_listener();
    let mut gateway = Gateway::start(&[listener.as_raw_fd()], |cues| {
        cues.pause();
        serve(listener.accept().unwrap().0);
        ask(multipath_connect(outbound));
        serve(listener.accept().unwrap().0);
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    ask(multipath_connect(address));
    serve(elsewhere.accept().unwrap().0);
    let plain = TcpStream::connect(address).unwrap();
    ask(&plain);
    observer.until_gone(gateway).await;
    let told: Vec<_> = unread(&observer)
        .into_iter()
        .map(|unread| (unread.transport, unread.role, unread.local_port == Some(address.port())))
        .collect();
    let multipath = Transport::MultipathTcp;
    let expected = [
        (multipath, Some(Role::Accepted), true),
        (multipath, Some(Role::Connected), false),
    ];
    assert_eq!(told, expected);
    let plain = observer.streams(plain.local_addr().unwrap());
    assert_eq!(plain, (whole(b"hello"), whole(b"hello")));
}
