//! Requests and calls on sockets that are not read: theirs are left open, others' are not.

use std::time::Duration;

use gwobs_route::{Inconclusive, Mismatch, Verdict};

use super::script::{PID, Script, backend, head};
use crate::event::{Role, SocketCookie, Transport, Unread};
use crate::exchange::ExchangeEvent;
use crate::pairing::Settled;

const SECOND: Duration = Duration::from_secs(1);
const UNSEEN: Verdict = Verdict::Inconclusive(Inconclusive::UnsupportedProtocol);

/// Something is received on a unix socket.
fn receive(script: &mut Script, tid: u32, socket: u64, role: Role, own_peer: Option<u64>) {
    let stamp = script.stamp(tid);
    let unread = Unread {
        socket: SocketCookie(socket),
        transport: Transport::Unix,
        role: Some(role),
        local_port: None,
        peer: own_peer.map(SocketCookie),
        own: own_peer.is_some(),
    };
    script.tell(&ExchangeEvent::Unread {
        pid: PID,
        unread: &unread,
        stamp,
    });
}

fn told(mut script: Script) -> Vec<(u64, Verdict)> {
    script.wait(SECOND * 3);
    script.verdicts().into_iter().collect()
}

/// A 404 that came from there is no answer of the gateway's own; a 404 before it is.
#[test]
fn an_answer_that_may_have_come_from_a_unix_socket_is_left_open() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.answer(1, 1, 404);
    script.read(2, 1, "/a/x");
    receive(&mut script, 1, 500, Role::Connected, None);
    script.answer(2, 1, 404);
    let own = Verdict::Mismatch(Mismatch::UnexpectedReply);
    assert_eq!(told(script), [(1, own), (2, UNSEEN)]);
}

/// A request that was forwarded where it can be seen is what it seems to be.
#[test]
fn a_unix_socket_is_no_matter_for_requests_that_were_seen_to_be_forwarded() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.write(11, 1, 1, "/x");
    receive(&mut script, 1, 500, Role::Connected, None);
    script.answer(11, 1, 200);
    script.answer(1, 1, 200);
    assert_eq!(told(script), [(1, Verdict::Match)]);
}

/// The call may be that of a request that came in by the unix socket, unless it carries the id of the one that was seen.
#[test]
fn a_request_by_a_unix_socket_may_own_any_call() {
    const ID: &str = "3f2c0000-0000-4000-8000-000000000000";
    let mut script = Script::new();
    receive(&mut script, 1, 500, Role::Accepted, None);
    script.read(1, 1, "/a/x");
    script.write(11, 1, 2, "/x");
    script.answer(11, 1, 200);
    script.answer(1, 1, 200);
    script.read_on(2, 1, 7, head("/a/x", &[("x-request-id", ID)]));
    script.write_head(12, 1, 1, head("/x", &[("x-request-id", ID)]));
    script.answer(12, 1, 200);
    script.answer(2, 1, 200);
    let unpaired = Verdict::Inconclusive(Inconclusive::Unpaired);
    assert_eq!(told(script), [(1, unpaired), (2, Verdict::Match)]);
}

/// Nobody can say by which listener it came.
#[test]
fn a_call_for_a_request_by_a_unix_socket_has_no_port() {
    let mut script = Script::new();
    receive(&mut script, 1, 500, Role::Accepted, None);
    script.write(11, 1, 1, "/x");
    script.answer(11, 1, 200);
    script.wait(SECOND);
    let [Settled::Call { call, why, ports }] = script.settled.as_slice() else {
        panic!("{:?}", script.settled)
    };
    assert_eq!(call.connection.peer, backend(1));
    assert_eq!((*why, ports), (Inconclusive::UnsupportedProtocol, &None));
}

/// Frontends of one process, chained by a unix socket: the request goes on within the process.
#[test]
fn a_unix_socket_within_a_process_is_no_hop() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    receive(&mut script, 1, 500, Role::Accepted, Some(501));
    script.write(11, 1, 2, "/x");
    script.answer(11, 1, 200);
    receive(&mut script, 1, 501, Role::Connected, None);
    script.answer(1, 1, 200);
    script.read(2, 1, "/a/x");
    receive(&mut script, 1, 500, Role::Accepted, Some(501));
    receive(&mut script, 1, 501, Role::Connected, None);
    script.answer(2, 1, 404);
    let wrong = Verdict::Mismatch(Mismatch::WrongBackend);
    let own = Verdict::Mismatch(Mismatch::UnexpectedReply);
    assert_eq!(told(script), [(1, wrong), (2, own)]);
}

/// The unseen request was answered with the same bytes, and its call came right after the read of another one, which had
/// its answer from a unix socket.
#[test]
fn the_same_answer_is_no_proof_for_a_request_that_may_have_been_answered_from_elsewhere() {
    let mut script = Script::new();
    receive(&mut script, 1, 500, Role::Accepted, None);
    script.read(1, 1, "/a/x");
    script.write(11, 1, 2, "/x");
    script.answer_with(11, 1, 200, &[], b"the same for all");
    receive(&mut script, 1, 600, Role::Connected, None);
    script.answer_with(1, 1, 200, &[], b"the same for all");
    assert_eq!(told(script), [(1, Verdict::Inconclusive(Inconclusive::Unpaired))]);
}

/// The 404 of a backend that was seen is that of the client: it was not tried again elsewhere.
#[test]
fn an_answer_that_was_passed_on_came_from_where_it_was_seen() {
    let mut script = Script::new();
    for (first, body) in [(1, b"not here".as_slice()), (3, b"")] {
        script.read(first, 1, "/a/x");
        script.write(first + 10, 1, 1, "/x");
        receive(&mut script, 1, 500, Role::Connected, None);
        script.answer_with(first + 10, 1, 404, &[], body);
        script.answer_with(first, 1, 404, &[], body);
    }
    assert_eq!(told(script), [(1, Verdict::Match), (3, UNSEEN)]);
}
