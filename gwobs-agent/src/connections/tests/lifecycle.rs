//! Connections and processes come and go.

use super::script::{Script, Told, address};
use crate::connections::connection::State;
use crate::connections::{MAX_CONNECTIONS, Skip};
use crate::event::{Direction, EventKind, Role, SocketCookie};
use crate::exchange::Connection;

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn the_end_of_the_response_direction_ends_a_body_of_unknown_length() {
    let mut script = Script::accepted();
    script.request(GET).response(b"HTTP/1.1 200 OK\r\n\r\nabc");
    script.event(EventKind::HalfClosed {
        socket: SocketCookie(1),
        direction: Direction::Send,
    });
    assert_eq!(script.summary(), ["GET /a 0 -> 200 3 Completed"]);
    script.close();
    assert!(script.connections.is_empty());
}

#[test]
fn an_exit_ends_what_only_that_process_used() {
    let mut script = Script::accepted();
    script.request(GET).event(EventKind::ProcessExited);
    assert_eq!(script.summary(), ["GET /a 0 -> ? 0* Aborted aborted"]);
}

#[test]
fn a_connection_shared_with_a_child_goes_on() {
    let mut script = Script::accepted();
    script.request(&GET[..10]);
    script.pid = 8;
    script.request(&GET[10..]);
    script.pid = 7;
    script.event(EventKind::ProcessExited);
    script.pid = 8;
    script.response(b"HTTP/1.1 204 No\r\n\r\n");
    assert_eq!(script.summary(), ["GET /a 0 -> 204 0 Completed"]);
    assert_eq!(script.halves.values().next().unwrap().connection.pid, 7);
}

#[test]
fn a_child_goes_on_with_a_connection_that_only_its_dead_parent_had_used() {
    let mut script = Script::accepted();
    script.event(EventKind::ProcessExited);
    script.pid = 8;
    script.request(GET).response(b"HTTP/1.1 204 No\r\n\r\n");
    assert_eq!(script.summary(), ["GET /a 0 -> 204 0 Completed"]);
}

#[test]
fn failed_connects_are_told() {
    let mut script = Script::empty();
    let (socket, peer) = (SocketCookie(3), address(9));
    script
        .event(EventKind::Connecting { socket, peer })
        .event(EventKind::ConnectFailed { socket, peer });
    script
        .event(EventKind::Connecting { socket, peer })
        .event(EventKind::Closed { socket });
    script.event(EventKind::Connecting { socket, peer });
    script.open(3, Role::Connected, false);
    script.event(EventKind::Closed { socket });
    assert_eq!(script.told, [Told::ConnectFailed(peer), Told::ConnectFailed(peer)]);
}

#[test]
fn data_of_unknown_connections_is_counted() {
    let mut script = Script::empty();
    script.request(GET);
    assert_eq!(script.connections.counts().unknown_connection, 1);
}

#[test]
fn idle_connections_are_forgotten_first() {
    let mut script = Script::accepted();
    script.request(GET);
    for socket in 2..=u64::try_from(MAX_CONNECTIONS).unwrap() + 1 {
        script.open(socket, Role::Accepted, false);
    }
    assert!(script.connections.len() <= MAX_CONNECTIONS);
    assert!(script.connections.counts().forgotten > 0);
    script.response(b"HTTP/1.1 204 No\r\n\r\n");
    assert_eq!(script.summary(), ["GET /a 0 -> 204 0 Completed"]);
}

/// 1 MiB for 1,000 idle connections, with room for two table entries each and the allocator.
#[test]
fn an_idle_connection_is_small() {
    let size = size_of::<State>() + size_of::<Connection>() + 16 + 2 * size_of::<(SocketCookie, Skip)>();
    assert!(size <= 768, "{size}");
}
