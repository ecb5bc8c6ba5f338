//! Single situations, told call by call.

use std::time::Duration;

use gwobs_route::{Inconclusive, Mismatch, Verdict};

use super::script::{PID, Script, backend, head};
use crate::event::Role;
use crate::exchange::{ExchangeEvent, Outcome};
use crate::finished::Evidence;
use crate::pairing::{SettledCall, Tie};

const SECOND: Duration = Duration::from_secs(1);
const UNPAIRED: Verdict = Verdict::Inconclusive(Inconclusive::Unpaired);
const WRONG: Verdict = Verdict::Mismatch(Mismatch::WrongBackend);

fn told(mut script: Script) -> Vec<(u64, Verdict)> {
    script.wait(SECOND * 3);
    script.verdicts().into_iter().collect()
}

fn evidence(script: &Script, id: u64) -> Vec<Evidence> {
    let request = script.requests().find(|request| request.downstream.id.0 == id).unwrap();
    match &request.tie {
        Tie::Sure(evidence) | Tie::Verdict(evidence) | Tie::Counted(evidence) => evidence.clone(),
        Tie::Unknown(why) => panic!("{why:?}"),
    }
}

/// Two requests are read, then two calls written: the neighbours on the thread are not the ones that belong together.
#[test]
fn a_batch_is_told_apart_by_what_the_requests_carry() {
    let mut script = Script::new();
    script.read_on(1, 1, 1, head("/a/x", &[("x-shop", "red")]));
    script.read_on(2, 1, 2, head("/b/x", &[("x-shop", "blue")]));
    script.write_head(11, 1, 1, head("/x", &[("x-shop", "red")]));
    script.write_head(12, 1, 2, head("/x", &[("x-shop", "blue")]));
    script.answer(11, 1, 200);
    script.answer(12, 1, 200);
    script.answer(1, 1, 200);
    script.answer(2, 1, 200);
    script.wait(SECOND);
    assert!(evidence(&script, 1).contains(&Evidence::Header));
    assert_eq!(told(script), [(1, Verdict::Match), (2, Verdict::Match)]);
}

/// The same without anything that distinguishes them: no verdict, though each neighbour "looks" right.
#[test]
fn a_batch_without_evidence_is_not_guessed() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.read(2, 1, "/b/x");
    script.write(11, 1, 1, "/x");
    script.write(12, 1, 2, "/x");
    script.answer(11, 1, 200);
    script.answer(12, 1, 200);
    script.answer(1, 1, 200);
    script.answer(2, 1, 200);
    assert_eq!(told(script), [(1, UNPAIRED), (2, UNPAIRED)]);
}

/// Answers that come and go one by one tell the requests apart.
#[test]
fn the_order_of_answers_tells_requests_apart() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.read(2, 1, "/b/x");
    script.write(11, 1, 1, "/x");
    script.write(12, 1, 1, "/x");
    script.answer(11, 1, 200);
    script.answer(1, 1, 200);
    script.answer(12, 1, 200);
    script.answer(2, 1, 200);
    assert_eq!(told(script), [(1, Verdict::Match), (2, WRONG)]);
}

/// Values that several requests share settle a group as a whole.
#[test]
fn headers_of_a_group_separate_its_halves() {
    let mut script = Script::new();
    let version = |id: u64| if id.is_multiple_of(2) { "two" } else { "one" };
    let path = |id: u64| if id.is_multiple_of(2) { "/a/x" } else { "/b/x" };
    (1..=4).for_each(|id| script.read_on(id, 1, id, head(path(id), &[("x-version", version(id))])));
    (1..=4).for_each(|id| {
        script.write_head(
            10 + id,
            1,
            2 - u16::from(id.is_multiple_of(2)),
            head("/x", &[("x-version", version(id))]),
        );
    });
    (1..=4).for_each(|id| script.answer(10 + id, 1, 200));
    (1..=4).for_each(|id| script.answer(id, 1, 200));
    assert_eq!(told(script), (1..=4).map(|id| (id, Verdict::Match)).collect::<Vec<_>>());
}

#[test]
fn a_header_that_a_filter_sets_is_no_evidence() {
    let mut script = Script::new();
    script.read_on(1, 1, 1, head("/a/x", &[("x-set-by-filter", "red")]));
    script.read_on(2, 1, 2, head("/b/x", &[]));
    script.write_head(11, 1, 2, head("/x", &[("x-set-by-filter", "red")]));
    script.write_head(12, 1, 1, head("/x", &[]));
    [11, 12, 1, 2].into_iter().for_each(|id| script.answer(id, 1, 200));
    assert_eq!(told(script), [(1, UNPAIRED), (2, UNPAIRED)]);
}

#[test]
fn a_failed_connect_and_a_retry_are_attempts_of_one_request() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    let began = script.stamp(1);
    script.tell(&ExchangeEvent::ConnectFailed {
        pid: PID,
        peer: backend(1),
        began,
    });
    script.write(11, 1, 1, "/x");
    script.answer(11, 1, 503);
    script.write(12, 1, 1, "/x");
    script.answer(12, 1, 200);
    script.answer(1, 1, 200);
    script.wait(SECOND);
    let request = script.requests().next().unwrap();
    assert_eq!(request.attempts.len(), 3);
    assert!(matches!(request.attempts[0], SettledCall::ConnectFailed { .. }));
    assert_eq!(told(script), [(1, Verdict::Match)]);
}

/// A second call for a request whose first one was answered for good: something that the facts do not know of.
#[test]
fn a_call_that_nobody_can_have_made_casts_doubt() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.write(11, 1, 2, "/x");
    script.answer(11, 1, 200);
    script.write(12, 1, 1, "/x");
    script.answer(12, 1, 200);
    script.answer(1, 1, 200);
    assert_eq!(told(script), [(1, UNPAIRED)]);
}

#[test]
fn a_mirror_stands_beside_the_attempts() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.write(11, 1, 1, "/x");
    let mut copy = head("/x", &[]);
    copy.authority = Some("mirror-shadow".into());
    script.write_head(12, 1, 2, copy);
    script.answer(11, 1, 200);
    script.answer(1, 1, 200);
    script.answer(12, 1, 200);
    script.wait(SECOND);
    assert_eq!(script.requests().next().unwrap().beside.len(), 1);
    assert_eq!(told(script), [(1, Verdict::Match)]);
}

/// A neighbour that cannot be read may own the only call there is.
#[test]
fn an_unseen_neighbour_takes_the_proof_away() {
    let mut script = Script::new();
    script.unreadable(1, Role::Accepted);
    script.read(1, 1, "/a/x");
    script.write(11, 1, 2, "/x");
    script.answer(11, 1, 200);
    script.answer(1, 1, 200);
    assert_eq!(told(script), [(1, UNPAIRED)]);
}

#[test]
fn an_unseen_neighbour_does_not_outweigh_an_id_or_both_sides_of_an_exchange() {
    let id = [("x-request-id", "9e3779b9-7f4a-4c15-8f39-cc0605cedc83")];
    let mut script = Script::new();
    script.unreadable(1, Role::Accepted);
    script.read_on(1, 1, 1, head("/a/x", &id));
    script.write_head(11, 2, 2, head("/x", &id));
    script.answer(11, 1, 200);
    script.answer(1, 1, 200);
    script.read(2, 1, "/a/x");
    script.write(12, 1, 2, "/x");
    script.answer_with(12, 1, 200, &[], b"hello");
    script.answer_with(2, 1, 200, &[], b"hello");
    assert_eq!(told(script), [(1, WRONG), (2, WRONG)]);
}

/// A request without any call it could be seen to make may have made one that nobody could read.
#[test]
fn an_unreadable_upstream_explains_a_missing_call() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.unreadable(1, Role::Connected);
    script.answer(1, 1, 404);
    assert_eq!(told(script), [(1, Verdict::Inconclusive(Inconclusive::Encrypted))]);
}

#[test]
fn a_loss_touches_only_what_was_under_way() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.write(11, 1, 2, "/x");
    script.read(2, 2, "/a/y");
    script.tell(&ExchangeEvent::Lost);
    script.answer(11, 1, 200);
    script.answer(1, 1, 200);
    script.answer(2, 2, 404);
    assert_eq!(
        told(script),
        [(1, WRONG), (2, Verdict::Inconclusive(Inconclusive::LostEvents))]
    );
}

/// The second request on a connection is handled after the first, however early it was read.
#[test]
fn pipelined_requests_are_handled_in_turn() {
    let mut script = Script::new();
    script.read_on(1, 1, 5, head("/a/x", &[]));
    script.read_on(2, 1, 5, head("/b/x", &[]));
    script.write(11, 1, 1, "/x");
    script.answer(11, 1, 200);
    script.answer(1, 1, 200);
    script.write(12, 1, 1, "/x");
    script.answer(12, 1, 200);
    script.answer(2, 1, 200);
    assert_eq!(told(script), [(1, Verdict::Match), (2, WRONG)]);
}

/// A thread that was interrupted logs its send after another thread has passed the answer on.
#[test]
fn a_send_that_is_logged_late_still_finds_its_request() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.answer(1, 2, 200);
    script.write(11, 3, 1, "/x");
    script.end(11, Outcome::Aborted);
    script.wait(SECOND);
    assert_eq!(script.requests().count(), 1);
    assert_eq!(
        script.pairing.counts().unowned,
        0,
        "the call is known to be its, or may be"
    );
}

/// Once a process is known never to move requests between threads, the thread tells them apart.
#[test]
fn threads_tell_requests_apart_once_they_are_known_to_keep_them() {
    let mut script = Script::new();
    for round in 0..40 {
        let (one, other) = (100 + 4 * round, 102 + 4 * round);
        script.read(one, 1, "/one");
        script.read(other, 2, "/other");
        script.write(one + 1, 1, 2, "/one");
        script.write(other + 1, 2, 2, "/other");
        [(one + 1, 1), (other + 1, 2), (one, 1), (other, 2)]
            .into_iter()
            .for_each(|(id, tid)| script.answer(id, tid, 200));
    }
    script.read(1, 1, "/a/x");
    script.read(2, 2, "/b/x");
    script.write(12, 2, 1, "/x");
    script.write(11, 1, 1, "/x");
    [(11, 1), (12, 2), (1, 1), (2, 2)]
        .into_iter()
        .for_each(|(id, tid)| script.answer(id, tid, 200));
    let told = told(script);
    assert_eq!(told[..2], [(1, Verdict::Match), (2, WRONG)]);
}

/// What is learnt about threads after a batch still tells the batch apart.
#[test]
fn threads_that_prove_steady_later_count_for_what_was_before() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.read(2, 2, "/b/x");
    script.write(12, 2, 1, "/x");
    script.write(11, 1, 1, "/x");
    [(11, 1), (12, 2), (1, 1), (2, 2)]
        .into_iter()
        .for_each(|(id, tid)| script.answer(id, tid, 200));
    for round in 0..40 {
        let (one, other) = (100 + 4 * round, 102 + 4 * round);
        script.read(one, 1, "/one");
        script.read(other, 2, "/other");
        script.write(one + 1, 1, 2, "/one");
        script.write(other + 1, 2, 2, "/other");
        [(one + 1, 1), (other + 1, 2), (one, 1), (other, 2)]
            .into_iter()
            .for_each(|(id, tid)| script.answer(id, tid, 200));
    }
    assert_eq!(told(script)[..2], [(1, Verdict::Match), (2, WRONG)]);
}

/// The connections layer may tell a request late, when it waited for bytes that were logged out of order.
#[test]
fn a_request_that_is_told_late_finds_its_call() {
    let mut script = Script::new();
    let read = script.stamp(1);
    script.write(11, 1, 2, "/x");
    script.answer(11, 1, 200);
    script.read_at(1, read, "/a/x");
    script.answer(1, 1, 200);
    assert_eq!(script.pairing.counts().unowned, 0);
    assert_eq!(told(script), [(1, WRONG)]);
}

/// The gateway gives the same new id to both attempts of a request; a backend copies it into a request of its own.
#[test]
fn an_id_made_by_the_gateway_and_copied_by_a_backend_is_no_evidence() {
    let made = [("x-request-id", "9e3779b9-7f4a-4c15-8f39-cc0605cedc83")];
    let other = [("x-request-id", "00000000-7f4a-4c15-8f39-cc0605cedc83")];
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.write_head(11, 1, 1, head("/x", &made));
    script.read_on(2, 1, 2, head("/b/x", &made));
    script.answer(11, 1, 503);
    script.write_head(12, 1, 2, head("/x", &made));
    script.write_head(21, 1, 1, head("/x", &other));
    [12, 21, 1, 2].into_iter().for_each(|id| script.answer(id, 1, 200));
    assert_eq!(told(script), [(1, UNPAIRED), (2, UNPAIRED)]);
}

/// What a client gave up in the middle of its head was never routed; what could not be read may have been.
#[test]
fn half_a_head_makes_no_call() {
    let beside = |unread: fn(&mut Script)| {
        let mut script = Script::new();
        script.read(1, 1, "/a/x");
        unread(&mut script);
        script.write(11, 2, 1, "/x");
        [(11, 2), (1, 1)]
            .into_iter()
            .for_each(|(id, tid)| script.answer(id, tid, 200));
        told(script)
    };
    let of_first = |told: &[(u64, Verdict)]| told.iter().find(|(id, _)| *id == 1).map(|(_, verdict)| *verdict);
    let given_up = beside(|script| script.give_up(2, 2, 1_002));
    assert_eq!(of_first(&given_up), Some(Verdict::Match));
    let unreadable = beside(|script| script.read_on(2, 2, 1_002, None));
    assert_eq!(of_first(&unreadable), Some(UNPAIRED));
}

/// Values other than ids are the same in many messages, of which all but one may be lost.
#[test]
fn a_long_value_is_no_proof_against_what_was_lost() {
    let agent = [("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)")];
    let mut script = Script::new();
    script.tell(&ExchangeEvent::Lost);
    script.read_on(1, 1, 1, head("/a/x", &agent));
    script.write_head(11, 2, 2, head("/x", &agent));
    script.answer_with(11, 2, 200, &[], b"{\"backend\":\"v1\",\"endpoint\":1}");
    script.answer_with(1, 1, 200, &[], b"{\"backend\":\"v1\",\"endpoint\":1}");
    let told = told(script);
    assert!(matches!(told[..], [(1, Verdict::Inconclusive(_))]), "{told:?}");
}

/// A connect that failed may be either request's; both were sent in the end, so it says nothing about them.
#[test]
fn a_connect_that_failed_for_somebody_accuses_nobody() {
    let mut script = Script::new();
    script.read(1, 1, "/a/x");
    script.read(2, 1, "/c");
    let began = script.stamp(1);
    script.tell(&ExchangeEvent::ConnectFailed {
        pid: PID,
        peer: backend(1),
        began,
    });
    script.write(11, 1, 1, "/x");
    script.write(12, 1, 2, "/c");
    [11, 12, 1, 2].into_iter().for_each(|id| script.answer(id, 1, 200));
    assert_eq!(told(script), [(1, Verdict::Match), (2, Verdict::Match)]);
}

/// Two requests of one kind, answered from two backends that are both right: nobody knows whose answer was whose, but each
/// backend had one.
#[test]
fn calls_that_a_whole_class_shares_are_counted() {
    let mut script = Script::new();
    script.oracle.also_right = vec![2];
    let both = |script: &mut Script, first: u64, path: &str, other: &str| {
        script.read(first, 1, path);
        script.read(first + 1, 1, other);
        script.write(first + 10, 1, 1, "/x");
        script.write(first + 11, 1, 2, "/x");
        [first + 10, first + 11, first, first + 1]
            .into_iter()
            .for_each(|id| script.answer(id, 1, 200));
        script.wait(SECOND);
    };
    both(&mut script, 1, "/a/x", "/a/x");
    both(&mut script, 101, "/a/x", "/b/x");
    let ties: Vec<_> = script
        .requests()
        .map(|request| (request.downstream.id.0, &request.tie))
        .collect();
    let [(_, one), (_, two), (_, three), (_, four)] = ties.as_slice() else {
        panic!("{ties:?}")
    };
    assert!(matches!((one, two), (Tie::Counted(_), Tie::Counted(_))), "{ties:?}");
    assert!(
        !matches!(three, Tie::Counted(_)) && !matches!(four, Tie::Counted(_)),
        "{ties:?}"
    );
    let backends: std::collections::BTreeSet<_> = script
        .requests()
        .filter(|request| matches!(request.tie, Tie::Counted(_)))
        .flat_map(|request| &request.attempts)
        .map(|attempt| match attempt {
            SettledCall::Sent(half) => half.connection.peer,
            SettledCall::ConnectFailed { peer, .. } => *peer,
        })
        .collect();
    assert_eq!(backends, [backend(1), backend(2)].into());
}
