//! Life and death of connections.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;

use gwobs_agent::event::{EventKind, Role};
use gwobs_agent::probes::Config;

use crate::gateway::{Gateway, listener};
use crate::observer::{Observer, whole};

/// One connection of each kind, made while nobody watches; a byte has gone each way on both.
struct Both {
    downstream: TcpStream,
    upstream: TcpStream,
}

/// The gateway accepts on `own` and connects to `backend`, and then passes one message on and back.
fn proxy(own: &TcpListener, backend: SocketAddr, mut between: impl FnMut(&str)) {
    between("start");
    let (mut downstream, _) = own.accept().unwrap();
    let mut upstream = TcpStream::connect(backend).unwrap();
    pass(&mut downstream, &mut upstream);
    between("again");
    pass(&mut downstream, &mut upstream);
}

fn pass(downstream: &mut TcpStream, upstream: &mut TcpStream) {
    let mut buffer = [0; 7];
    downstream.read_exact(&mut buffer).unwrap();
    upstream.write_all(&buffer).unwrap();
    upstream.read_exact(&mut buffer).unwrap();
    downstream.write_all(&buffer).unwrap();
}

fn exchange(both: &mut Both) {
    let mut buffer = [0; 7];
    both.downstream.write_all(b"request").unwrap();
    both.upstream.read_exact(&mut buffer).unwrap();
    both.upstream.write_all(b"replied").unwrap();
    both.downstream.read_exact(&mut buffer).unwrap();
}

#[tokio::test]
async fn new_connections_have_their_roles_and_begin_at_the_beginning() {
    let (own, address) = listener();
    let (backends, backend) = listener();
    let mut gateway = Gateway::start(&[own.as_raw_fd()], |cues| proxy(&own, backend, |_| cues.pause()));
    let mut observer = Observer::new();
    let followed = observer.follow(&gateway);
    assert_eq!((followed.listening, followed.connections), (vec![address], 0));
    gateway.go();
    let downstream = TcpStream::connect(address).unwrap();
    let mut both = Both {
        upstream: backends.accept().unwrap().0,
        downstream,
    };
    exchange(&mut both);
    gateway.await_pause();
    gateway.go();
    exchange(&mut both);
    drop(own);
    observer.until_gone(gateway).await;

    let downstream = observer.connection(both.downstream.local_addr().unwrap());
    assert_eq!(
        (downstream.role, downstream.preexisting, downstream.local),
        (Role::Accepted, false, address)
    );
    assert_eq!(
        observer.streams(downstream.peer),
        (whole(b"requestrequest"), whole(b"repliedreplied"))
    );
    let upstream = observer.connection(backend);
    assert_eq!((upstream.role, upstream.preexisting), (Role::Connected, false));
    assert_eq!(upstream.local, both.upstream.peer_addr().unwrap());
    assert_eq!(
        observer.streams(backend),
        (whole(b"repliedreplied"), whole(b"requestrequest"))
    );
    let connecting = observer.events.iter().find_map(|event| match event.kind {
        EventKind::Connecting { socket, peer } => Some((socket, peer)),
        _ => None,
    });
    assert_eq!(connecting, Some((upstream.socket, backend)));
}

#[tokio::test]
async fn connections_that_were_there_before_have_their_roles_and_positions() {
    let (own, address) = listener();
    let (backends, backend) = listener();
    let mut gateway = Gateway::start(&[own.as_raw_fd()], |cues| proxy(&own, backend, |_| cues.pause()));
    gateway.go();
    let downstream = TcpStream::connect(address).unwrap();
    let mut both = Both {
        upstream: backends.accept().unwrap().0,
        downstream,
    };
    exchange(&mut both);
    gateway.await_pause();
    let mut observer = Observer::new();
    let followed = observer.follow(&gateway);
    assert_eq!((followed.listening, followed.connections), (vec![address], 2));
    gateway.go();
    exchange(&mut both);
    drop(own);
    observer.until_gone(gateway).await;

    let downstream = observer.connection(both.downstream.local_addr().unwrap());
    assert_eq!(
        (downstream.role, downstream.preexisting, downstream.local),
        (Role::Accepted, true, address)
    );
    assert_eq!(
        observer.streams(downstream.peer),
        (whole(b"request"), whole(b"replied"))
    );
    let upstream = observer.connection(backend);
    assert_eq!((upstream.role, upstream.preexisting), (Role::Connected, true));
    assert_eq!(observer.streams(backend), (whole(b"replied"), whole(b"request")));
}

#[tokio::test]
async fn a_refused_connect_is_told() {
    let (unused, refused) = listener();
    drop(unused);
    let mut gateway = Gateway::start(&[], |cues| {
        cues.pause();
        TcpStream::connect(refused).unwrap_err();
    });
    let mut observer = Observer::new();
    observer.follow(&gateway);
    gateway.go();
    observer.until_gone(gateway).await;
    let kinds: Vec<_> = observer.events.iter().map(|event| event.kind.clone()).collect();
    let [EventKind::Connecting { socket, peer }, failed, EventKind::ProcessExited] = &kinds[..] else {
        panic!("{kinds:#?}")
    };
    assert_eq!(*peer, refused);
    assert_eq!(
        *failed,
        EventKind::ConnectFailed {
            socket: *socket,
            peer: refused
        }
    );
}

/// Sockets bound to `::` see IPv4 peers as IPv4-mapped IPv6 addresses; sockets of IPv6 are what they are.
#[tokio::test]
async fn mapped_addresses_are_ipv4_and_ipv6_stays() {
    let own = TcpListener::bind("[::]:0").unwrap();
    let port = own.local_addr().unwrap().port();
    let mut gateway = Gateway::start(&[own.as_raw_fd()], |cues| {
        cues.pause();
        for _ in 0..2 {
            let (mut stream, _) = own.accept().unwrap();
            stream.read_exact(&mut [0; 7]).unwrap();
        }
    });
    let mut observer = Observer::new();
    let followed = observer.follow(&gateway);
    assert_eq!(followed.listening, [SocketAddr::from(([0u16; 8], port))]);
    gateway.go();
    let mut peers = Vec::new();
    for ip in ["127.0.0.1", "::1"] {
        let address = SocketAddr::new(ip.parse().unwrap(), port);
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"request").unwrap();
        peers.push((stream.local_addr().unwrap(), address));
    }
    drop(own);
    observer.until_gone(gateway).await;
    for (peer, address) in peers {
        assert_eq!(observer.connection(peer).local, address);
        assert_eq!(observer.streams(peer).0, whole(b"request"));
    }
}

#[tokio::test]
async fn a_full_table_of_connections_is_told() {
    let (own, address) = listener();
    let mut gateway = Gateway::start(&[own.as_raw_fd()], |cues| {
        cues.pause();
        let mut streams: Vec<_> = (0..8).map(|_| own.accept().unwrap().0).collect();
        for stream in &mut streams {
            stream.read_exact(&mut [0; 7]).unwrap();
        }
    });
    let mut observer = Observer::with(&Config {
        connections: 4,
        ..Config::default()
    });
    observer.follow(&gateway);
    gateway.go();
    let peers: Vec<_> = (0..8).map(|_| TcpStream::connect(address).unwrap()).collect();
    for mut peer in &peers {
        peer.write_all(b"request").unwrap();
    }
    drop(own);
    observer.until_gone(gateway).await;
    let lost: u64 = observer
        .events
        .iter()
        .map(|event| {
            if let EventKind::Lost(lost) = event.kind {
                lost.count
            } else {
                0
            }
        })
        .sum();
    assert_eq!(lost, 4);
    assert_eq!(observer.opened().count(), 4);
}
