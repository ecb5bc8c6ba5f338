//! What must hold for every way that bytes are cut into calls, and every loss.

use std::collections::{HashMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::script::Side::{self, Requests, Responses};
use super::script::{Script, Told};
use crate::event::{EventKind, LeftOut, Role, SocketCookie};
use crate::exchange::{Half, Outcome};

/// One exchange, as it is to be sent.
#[derive(Debug, Clone)]
struct Sent {
    head_only: bool,
    chunked: bool,
    request_body: usize,
    response_body: usize,
    interim: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    (any::<bool>(), any::<bool>(), 0..60_usize, 0..300_usize, any::<bool>()).prop_map(
        |(head_only, chunked, request_body, response_body, interim)| Sent {
            head_only,
            chunked,
            request_body,
            response_body,
            interim,
        },
    )
}

impl Sent {
    fn request(&self, index: usize) -> Vec<u8> {
        let method = if self.head_only { "HEAD" } else { "POST" };
        let mut bytes = format!("{method} /{index} HTTP/1.1\r\nHost: x\r\n").into_bytes();
        self.append_body(&mut bytes, self.request_body);
        bytes
    }

    fn response(&self, index: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.interim {
            bytes.extend(b"HTTP/1.1 103 Early Hints\r\nLink: y\r\n\r\n");
        }
        bytes.extend(format!("HTTP/1.1 200 OK\r\nIndex: /{index}\r\n").into_bytes());
        match self.head_only {
            true => bytes.extend(b"Content-Length: 12345\r\n\r\n"),
            false => self.append_body(&mut bytes, self.response_body),
        }
        bytes
    }

    fn append_body(&self, bytes: &mut Vec<u8>, length: usize) {
        if !self.chunked {
            bytes.extend(format!("Content-Length: {length}\r\n\r\n").into_bytes());
            bytes.extend(vec![b'z'; length]);
            return;
        }
        bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
        for part in [length / 3, length - length / 3].into_iter().filter(|part| *part > 0) {
            bytes.extend(format!("{part:x}\r\n").into_bytes());
            bytes.extend(vec![b'z'; part]);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
    }
}

/// Calls of both directions: each round sends one or several requests, then their responses.
fn calls(rounds: &[Vec<Sent>], cuts: &[Index]) -> Vec<(Side, Vec<u8>)> {
    let mut calls = Vec::new();
    let mut index = 0;
    let mut cuts = cuts.iter().cycle();
    for round in rounds {
        let numbered: Vec<_> = round.iter().zip(index..).collect();
        index += round.len();
        let requests: Vec<u8> = numbered.iter().flat_map(|(sent, index)| sent.request(*index)).collect();
        let responses: Vec<u8> = numbered
            .iter()
            .flat_map(|(sent, index)| sent.response(*index))
            .collect();
        for (side, bytes) in [(Requests, requests), (Responses, responses)] {
            calls.extend(cut(&bytes, &mut cuts).into_iter().map(|call| (side, call)));
        }
    }
    calls
}

/// Cuts bytes into up to four calls.
fn cut<'a>(bytes: &[u8], cuts: &mut impl Iterator<Item = &'a Index>) -> Vec<Vec<u8>> {
    let mut at: Vec<_> = cuts.take(3).map(|index| index.index(bytes.len())).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2)
        .map(|range| bytes[range[0]..range[1]].to_vec())
        .filter(|call| !call.is_empty())
        .collect()
}

/// What a half says, without its stamps.
fn content(half: &Half) -> impl PartialEq + std::fmt::Debug + use<> {
    let request = half.request.head.as_deref().cloned();
    let response = half.response.head.as_deref().cloned();
    let body = (
        half.response.body_prefix.clone(),
        half.response.body_length,
        half.outcome,
        half.flaws.clone(),
    );
    (request, response, body)
}

fn contents(script: &Script) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    let mut halves: Vec<_> = script.halves.values().collect();
    halves.sort_by_key(|half| half.id);
    halves.into_iter().map(content).collect()
}

fn play(calls: &[(Side, Vec<u8>)]) -> Script {
    let mut script = Script::accepted();
    for (side, bytes) in calls {
        script.send(*side, bytes);
    }
    script
}

/// Bytes that are nearly HTTP, to get far.
fn nearly_http() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 101 S\r\n\r\n",
        "HTTP/1.1 100 C\r\n\r\n",
        "HTTP/1.1 204 N\r\n\r\n",
        "5\r\nabcde\r\n",
        "0\r\n\r\n",
        "abcde",
        "\r\n",
        "GE",
        "HTTP/1",
        "\u{16}\u{3}\u{1}",
        "PROXY UNKNOWN\r\n",
    ];
    vec(proptest::sample::select(words.to_vec()), 0..6).prop_map(|words| words.concat().into_bytes())
}

/// What can happen on connection 1.
#[derive(Debug, Clone)]
enum Step {
    Bytes(Side, Vec<u8>),
    Unseen(Side, usize),
    Cut(Side, Vec<u8>, usize),
    Anywhere(Side, u32, Vec<u8>),
    Lose,
    Wait,
    Exit,
    HalfClose(Side),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let side = || prop_oneof![Just(Requests), Just(Responses)];
    prop_oneof![
        12 => (side(), nearly_http()).prop_map(|(side, bytes)| Step::Bytes(side, bytes)),
        1 => (side(), 0..40_usize).prop_map(|(side, length)| Step::Unseen(side, length)),
        1 => (side(), nearly_http(), 0..40_usize).prop_map(|(side, bytes, more)| Step::Cut(side, bytes, more)),
        1 => (side(), any::<u32>(), nearly_http()).prop_map(|(side, at, bytes)| Step::Anywhere(side, at, bytes)),
        1 => Just(Step::Lose),
        1 => Just(Step::Wait),
        1 => Just(Step::Exit),
        1 => side().prop_map(Step::HalfClose),
        1 => Just(Step::Close),
    ]
}

fn take(script: &mut Script, step: &Step) {
    let socket = SocketCookie(1);
    match step {
        Step::Bytes(side, bytes) => script.send(*side, bytes),
        Step::Unseen(side, length) => script.unseen(*side, *length),
        Step::Cut(side, bytes, more) => script.cut(*side, bytes, bytes.len() + more, LeftOut::Fault),
        Step::Anywhere(side, position, bytes) => script.at(*side, *position, bytes),
        Step::Lose => script.lose(),
        Step::Wait => script.wait(),
        Step::Exit => script.event(EventKind::ProcessExited),
        Step::HalfClose(side) => script.event(EventKind::HalfClosed {
            socket,
            direction: script.direction(*side),
        }),
        Step::Close => script.close(),
    };
}

proptest! {
    #[test]
    fn stages_come_in_order_whatever_happens(
        steps in vec(step(), 0..60),
        role in prop_oneof![Just(Role::Accepted), Just(Role::Connected)],
        joined in any::<bool>(),
    ) {
        let mut script = Script::on(role, joined);
        for step in &steps {
            take(&mut script, step);
        }
        script.wait().close();
        let mut stages = HashMap::new();
        for told in &script.told {
            if let Told::Stage(half, stage) = told {
                let before = stages.insert(half, stage);
                prop_assert!(before.is_none_or(|before| before < stage), "{before:?} {stage:?}");
            }
        }
    }

    #[test]
    fn cutting_into_calls_does_not_change_the_halves(
        rounds in vec(vec(sent(), 1..4), 1..5),
        cuts in vec(any::<Index>(), 1..40),
    ) {
        let whole = play(&calls(&rounds, &[]));
        let cut = play(&calls(&rounds, &cuts));
        prop_assert!(whole.halves.values().all(|half| half.outcome == Outcome::Completed && half.flaws.is_empty()));
        prop_assert_eq!(whole.halves.len(), rounds.iter().map(Vec::len).sum::<usize>());
        prop_assert_eq!(contents(&whole), contents(&cut));
    }

    #[test]
    fn calls_logged_in_the_other_order_do_not_change_the_halves(
        rounds in vec(vec(sent(), 1..3), 1..5),
        cuts in vec(any::<Index>(), 1..40),
        swaps in vec(any::<Index>(), 0..6),
    ) {
        let calls = calls(&rounds, &cuts);
        let mut order: Vec<_> = (0..calls.len()).collect();
        for swap in swaps {
            let at = swap.index(calls.len());
            if at + 1 < calls.len() && order[at] == at && order[at + 1] == at + 1 {
                order.swap(at, at + 1);
            }
        }
        let mut swapped = Script::connected();
        let positions: Vec<_> = calls.iter().map(|(way, bytes)| swapped.reserve(1, swapped.direction(*way), bytes.len())).collect();
        for index in order {
            swapped.at(calls[index].0, positions[index], &calls[index].1);
        }
        prop_assert_eq!(contents(&play(&calls)), contents(swapped.wait()));
    }

    #[test]
    fn losses_never_tie_a_request_to_another_ones_response(
        rounds in vec(vec(sent(), 1..3), 1..8),
        cuts in vec(any::<Index>(), 1..40),
        losses in vec(any::<Index>(), 1..8),
        waits in any::<bool>(),
        joined in any::<bool>(),
        role in prop_oneof![Just(Role::Accepted), Just(Role::Connected)],
    ) {
        // No gateway pipelines to its upstreams; a client that had pipelined before it was joined is not told from one
        // that had not.
        let rounds: Vec<_> = match role {
            Role::Accepted if !joined => rounds,
            _ => rounds.into_iter().map(|round| round[..1].to_vec()).collect(),
        };
        let calls = calls(&rounds, &cuts);
        let lost: HashSet<_> = losses.iter().map(|index| index.index(calls.len())).collect();
        let mut script = Script::on(role, joined);
        for (index, (side, bytes)) in calls.iter().enumerate() {
            match lost.contains(&index) {
                true => _ = script.lose().unseen(*side, bytes.len()),
                false => _ = script.send(*side, bytes),
            }
            if waits {
                script.wait();
            }
        }
        script.wait().close();
        for half in script.halves.values().filter(|half| half.flaws.is_empty()) {
            prop_assert_eq!(half.outcome, Outcome::Completed);
            let path = half.request.head.as_ref().and_then(|head| head.path.clone());
            let index = half.response.head.as_ref().map(|head| head.headers[0].value.clone());
            prop_assert!(path.is_some());
            prop_assert_eq!(path, index);
        }
    }

    #[test]
    fn one_loss_flaws_its_own_exchange_and_at_most_the_next(
        sent in vec(sent(), 2..8),
        cuts in vec(any::<Index>(), 1..40),
        loss in any::<Index>(),
        role in prop_oneof![Just(Role::Accepted), Just(Role::Connected)],
    ) {
        let rounds: Vec<_> = sent.into_iter().map(|sent| vec![sent]).collect();
        let calls = calls(&rounds, &cuts);
        let lost = loss.index(calls.len());
        let mut script = Script::on(role, false);
        for (index, (side, bytes)) in calls.iter().enumerate() {
            match index == lost {
                true => _ = script.lose().unseen(*side, bytes.len()),
                false => _ = script.send(*side, bytes),
            }
        }
        script.wait().close();
        let flawless = script.halves.values().filter(|half| half.flaws.is_empty()).count();
        prop_assert!(flawless + 2 >= rounds.len(), "{:#?}", script.summary());
    }
}
