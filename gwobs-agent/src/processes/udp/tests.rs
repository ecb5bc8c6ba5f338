use std::net::UdpSocket;

use super::*;

#[test]
fn lines_of_the_kernel() {
    let line = "  123: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0 0";
    assert_eq!(
        Bound::parse(line),
        Some(Bound {
            port: 8080,
            inode: 4711
        })
    );
    let connected = line.replace("00000000:0000 07", "0100007F:0035 01");
    assert_eq!(Bound::parse(&connected), None);
    for odd in [
        "",
        "sl local_address rem_address st",
        "1: x y z",
        "1: 0:zz 0:0 7 0 0 0 0 0 1",
    ] {
        assert_eq!(Bound::parse(odd), None, "{odd}");
    }
}

#[test]
fn sockets_of_this_process() {
    let (four, six) = (
        UdpSocket::bind("127.0.0.1:0").unwrap(),
        UdpSocket::bind("[::1]:0").unwrap(),
    );
    let connected = UdpSocket::bind("127.0.0.1:0").unwrap();
    connected.connect("127.0.0.1:9").unwrap();
    let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
    let all = BTreeSet::from([port(&four), port(&six), port(&connected)]);
    let own = udp_listeners(std::process::id(), &all);
    assert_eq!(own, BTreeSet::from([port(&four), port(&six)]));
    assert!(udp_listeners(1, &all).is_empty(), "they are not another process's");
    assert!(udp_listeners(std::process::id(), &BTreeSet::new()).is_empty());
}
