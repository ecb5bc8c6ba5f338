//! The nodes of the graph that pairing keeps: requests (downstream halves) and calls (upstream halves and failed
//! connects), tied by settled ownership or by edges that are still open.

use std::cell::OnceCell;
use std::net::SocketAddr;

use gwobs_route::{Inconclusive, Purpose};

use super::crowd::CrowdId;
use super::oracle::{Attempt, Oracle};
use super::tokens::{self, Token};
use crate::event::Timestamp;
use crate::exchange::{Half, HalfId, Outcome, Stamp};
use crate::finished::Evidence;

/// Why the head of a half could not be read.
pub(super) fn flaw(half: &Half) -> Inconclusive {
    half.flaws.first().copied().unwrap_or(Inconclusive::UnsupportedProtocol)
}

/// A connect that failed, for a request or for nobody: nothing tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connect {
    pub(super) peer: SocketAddr,
    pub(super) began: Stamp,
    /// True if no other request came into question.
    pub(super) alone: bool,
}

/// A call's name: an upstream half, or a failed connect counted by the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum CallId {
    Half(HalfId),
    Failed(u64),
}

/// A downstream half with what is known of its calls.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) half: Half,
    /// True while the request before it on the connection is handled.
    pub(super) waiting: bool,
    /// Position among all events when that one was over.
    pub(super) turn: u64,
    /// Calls that may belong to it and are not settled.
    pub(super) edges: Vec<CallId>,
    /// Calls that belong to it in every reading, in order.
    pub(super) owned: Vec<CallId>,
    /// Mirrors and authorization calls of it.
    pub(super) side: Vec<(CallId, Purpose)>,
    /// True while the calls of its component need all of its requests: it cannot own another one.
    pub(super) closed: bool,
    /// True if a mirror or authorization call may belong to it or to another request.
    pub(super) side_in_doubt: bool,
    /// Set if no reading can be right: something happened that the model does not know.
    pub(super) contradicted: bool,
    /// It may have made a call on a stream that could not be read.
    pub(super) unseen_call: Option<Inconclusive>,
    /// It may have been given a call of a request that nobody saw.
    pub(super) rivalled: Option<Inconclusive>,
    /// Events were lost while it had no upstream call yet.
    pub(super) lost: bool,
    /// Connects that failed and may have been its own.
    pub(super) connects: Vec<Connect>,
    /// What tied its calls to it.
    pub(super) evidence: Vec<Evidence>,
    /// The most requests that came into question for one of its calls.
    pub(super) candidates: usize,
    /// When it ended.
    pub(super) ended: Option<Timestamp>,
    /// How often it was looked at since.
    pub(super) tries: usize,
    /// The tokens of its head, once somebody asked for them.
    pub(super) tokens: OnceCell<Vec<Token>>,
    /// The crowd that it is in.
    pub(super) crowd: Option<CrowdId>,
    /// True once it was handed out; it stays only because a component still needs it.
    pub(super) emitted: bool,
}

impl Request {
    pub(super) fn new(half: Half, waiting: bool) -> Self {
        Self {
            half,
            waiting,
            turn: 0,
            edges: Vec::new(),
            owned: Vec::new(),
            side: Vec::new(),
            closed: false,
            side_in_doubt: false,
            contradicted: false,
            unseen_call: None,
            rivalled: None,
            lost: false,
            connects: Vec::new(),
            evidence: Vec::new(),
            candidates: 0,
            ended: None,
            tries: 0,
            tokens: OnceCell::new(),
            crowd: None,
            emitted: false,
        }
    }

    /// The tokens of its head.
    pub(super) fn tokens(&self, oracle: &impl Oracle) -> &[Token] {
        self.tokens.get_or_init(|| tokens::of_request(&self.half, oracle))
    }

    /// Remembers a kind of evidence once.
    pub(super) fn add_evidence(&mut self, evidence: Evidence) {
        if !self.evidence.contains(&evidence) {
            self.evidence.push(evidence);
            self.evidence.sort_unstable();
        }
    }

    /// Position among all events after which the gateway can have made calls for it; `None` if it cannot yet.
    pub(super) fn from(&self) -> Option<u64> {
        let read = self
            .half
            .request
            .head_ended
            .filter(|_| !self.waiting && self.half.request.head.is_some())?;
        Some(read.order.max(self.turn))
    }
}

/// An upstream half, or a failed connect whose request is certain.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) kind: CallKind,
    /// Requests that may own it, while that is not settled.
    pub(super) edges: Vec<HalfId>,
    /// The request that owns it in every reading.
    pub(super) owner: Option<HalfId>,
    /// Set if it may belong to a request that nobody saw, or to none.
    pub(super) orphan: Option<Inconclusive>,
    /// Position of the last event before it was seen to be over.
    pub(super) over: Option<u64>,
    /// The crowd that it is in.
    pub(super) crowd: Option<CrowdId>,
    /// In a crowd: what its verdict depends on but for its answer, hashed.
    pub(super) look: u64,
    /// In a crowd: it needs a request of its own.
    pub(super) counted: bool,
    /// The tokens of its head, once somebody asked for them.
    pub(super) tokens: OnceCell<Vec<Token>>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all calls are of the larger kind")]
pub(super) enum CallKind {
    Sent(Half),
    Failed { peer: SocketAddr, began: Stamp, seen: u64 },
}

impl Call {
    pub(super) fn new(kind: CallKind) -> Self {
        Self {
            kind,
            edges: Vec::new(),
            owner: None,
            orphan: None,
            over: None,
            crowd: None,
            look: 0,
            counted: false,
            tokens: OnceCell::new(),
        }
    }

    /// The upstream half, unless the connect failed.
    pub(super) fn half(&self) -> Option<&Half> {
        match &self.kind {
            CallKind::Sent(half) => Some(half),
            CallKind::Failed { .. } => None,
        }
    }

    /// The tokens of its head; none if the connect failed.
    pub(super) fn tokens(&self, oracle: &impl Oracle) -> &[Token] {
        self.tokens.get_or_init(|| {
            self.half()
                .map(|half| tokens::of_request(half, oracle))
                .unwrap_or_default()
        })
    }

    /// As the oracle wants it.
    pub(super) fn attempt(&self) -> Attempt<'_> {
        match &self.kind {
            CallKind::Sent(half) => Attempt::Sent(half),
            CallKind::Failed { peer, .. } => Attempt::ConnectFailed(*peer),
        }
    }

    /// The first call of the attempt.
    pub(super) fn started(&self) -> Stamp {
        match &self.kind {
            CallKind::Sent(half) => half.request.started,
            CallKind::Failed { began, .. } => *began,
        }
    }

    /// True if the attempt failed for sure: its owner may have gone on to another.
    pub(super) fn failed(&self) -> bool {
        match &self.kind {
            CallKind::Failed { .. } => true,
            CallKind::Sent(half) => match &half.response.head {
                Some(head) => super::facts::is_retriable(head),
                None => half.outcome == Outcome::Aborted,
            },
        }
    }
}
