//! Facts from tokens (`tokens.rs`), from the order of calls on a thread, and from the headers of whole groups.
//!
//! A token is a fact where exactly one request and exactly one call have it, among all that may belong together by the
//! hard facts. Facts that contradict each other are dropped, all of them.
//!
//! **Ids that gateways make.** A gateway may give a call an id of its own, the same one to every attempt. A backend may
//! copy it into a request that it sends through the same gateway, which gives that one yet another id. Then the copy is
//! unique on the side of the requests, and wrong. So a token that is on another call too counts only if that call's
//! owner has it as well, which explains where it came from.
//!
//! **Calls that may belong to an unseen request.** An unseen request cannot be shown not to have a token. So only
//! strong tokens (ids) count there, or a two-sided tie: the call follows the read of the request on its thread with nothing
//! in between, *and* the same answer came out on both sides. An unseen request would have had to be written exactly
//! then, and the request itself to be answered by the gateway with just the bytes that the unseen one got.
//!
//! **Adjacency alone is no fact.** Event loops work in batches: they read D0 and D1 and then write U0 and U1, so D1 and
//! U0 are neighbours; and a request that waited for a connection may be written right after somebody else's read. It
//! would be one where no other request that the call can belong to was without its call; but then the hard facts leave
//! one candidate anyway. What the thread does prove is which requests were not its own (`threads.rs`).
//!
//! **Groups.** Where n requests own exactly n calls, one each, and some header that proxies leave alone has the same
//! values equally often on both sides, requests and calls with different values do not belong together. It is the same
//! reasoning as for a unique value: for this to be wrong the gateway would have to move values from one request to
//! another, so that no value gets more or less frequent.

use std::collections::{BTreeMap, BTreeSet};

use super::oracle::Oracle;
use super::process::adjacent;
use super::tokens::{self, Token};
use crate::exchange::{Half, HalfId};
use crate::finished::Evidence;

/// The one request among `candidates` that has a token in common with a call (`own`) which no other candidate has.
/// `None` if there is none, or if tokens disagree. `unseen`: a request that nobody saw may own the call. `foreign`: true
/// if a token is also on another call, and not because that one's owner has it.
pub(super) fn recognise(
    own: &[Token],
    unseen: bool,
    candidates: &[(HalfId, &[Token])],
    foreign: impl Fn(&Token) -> bool,
) -> Option<(HalfId, Vec<Evidence>)> {
    let mut owner = None;
    let mut kinds = BTreeSet::new();
    for token in own.iter().filter(|token| token.strong || !unseen) {
        let mut holders = candidates
            .iter()
            .filter(|(_, tokens)| has(tokens, token))
            .map(|(id, _)| *id);
        let (Some(only), None) = (holders.next(), holders.next()) else {
            continue;
        };
        if foreign(token) {
            continue;
        }
        if owner.is_some_and(|owner| owner != only) {
            return None;
        }
        owner = Some(only);
        kinds.insert(token.kind);
    }
    Some((owner?, kinds.into_iter().collect()))
}

/// True if the token is among `tokens`, which are sorted.
pub(super) fn has(tokens: &[Token], token: &Token) -> bool {
    tokens.binary_search_by_key(&token.hash, |token| token.hash).is_ok()
}

/// A component, as evidence looks at it.
pub(super) struct Group<'a> {
    /// The requests.
    pub(super) requests: Vec<GroupRequest<'a>>,
    /// The calls without owner.
    pub(super) calls: Vec<GroupCall<'a>>,
    /// True if a token of a call (second, by index) is also on another call, and not because that one's owner has it.
    pub(super) foreign: &'a dyn Fn(&Token, usize) -> bool,
}

/// A request of a group.
pub(super) struct GroupRequest<'a> {
    pub(super) half: &'a Half,
    /// True if it may have made a call that nobody saw, and got its answer from there.
    pub(super) unseen_call: bool,
}

/// A call of a group.
pub(super) struct GroupCall<'a> {
    pub(super) half: &'a Half,
    /// Requests that may own it, by index.
    pub(super) owners: Vec<usize>,
    /// True if an unseen request may own it too.
    pub(super) unseen: bool,
    /// True if its owner may have made another call after it.
    pub(super) failed: bool,
}

/// A request and a call of a group, by index, and what ties them together.
pub(super) type Fact = (usize, usize, Evidence);

impl Group<'_> {
    /// Facts from tokens and from two-sided ties; none where they contradict each other.
    pub(super) fn facts(&self, oracle: &impl Oracle) -> Vec<Fact> {
        let mut facts = self.token_facts(oracle);
        facts.extend(self.two_sided());
        facts.sort_unstable();
        facts.dedup();
        let owners = |call: usize| {
            facts
                .iter()
                .filter(|fact| fact.1 == call)
                .map(|fact| fact.0)
                .collect::<BTreeSet<_>>()
        };
        let held = |request: usize| {
            facts
                .iter()
                .filter(|fact| fact.0 == request)
                .map(|fact| fact.1)
                .collect::<BTreeSet<_>>()
        };
        let agreed = |fact: &&Fact| owners(fact.1).len() == 1 && self.at_most_one_stays(&held(fact.0));
        facts.iter().filter(agreed).copied().collect()
    }

    /// A request can own several calls only if all but one failed.
    fn at_most_one_stays(&self, calls: &BTreeSet<usize>) -> bool {
        calls
            .iter()
            .filter(|call| self.calls.get(**call).is_some_and(|call| !call.failed))
            .count()
            <= 1
    }

    fn token_facts(&self, oracle: &impl Oracle) -> Vec<Fact> {
        let mut holders: BTreeMap<u64, Holders> = BTreeMap::new();
        for (index, request) in self.requests.iter().enumerate() {
            for token in all_tokens(request.half, oracle) {
                holders
                    .entry(token.hash)
                    .or_insert_with(|| Holders::of(token))
                    .requests
                    .push(index);
            }
        }
        for (index, call) in self.calls.iter().enumerate() {
            for token in all_tokens(call.half, oracle) {
                if let Some(holders) = holders.get_mut(&token.hash) {
                    holders.calls.push(index);
                }
            }
        }
        holders
            .into_values()
            .filter_map(|holders| self.unique(&holders))
            .collect()
    }

    /// The fact that a token makes, if it is unique on both sides and the two may belong together.
    fn unique(&self, holders: &Holders) -> Option<Fact> {
        let ([request], [index]) = (holders.requests.as_slice(), holders.calls.as_slice()) else {
            return None;
        };
        let call = self.calls.get(*index)?;
        let counts = holders.token.strong || !call.unseen;
        let ties = counts && call.owners.contains(request) && !(self.foreign)(&holders.token, *index);
        ties.then_some((*request, *index, holders.token.kind))
    }

    /// Calls that only one seen request may own, or an unseen one, with proof on both sides for the seen one.
    fn two_sided(&self) -> Vec<Fact> {
        let proven = |(index, call): (usize, &GroupCall<'_>)| {
            let [only] = call.owners.as_slice() else { return None };
            let request = self.requests.get(*only).filter(|request| !request.unseen_call)?;
            let tied = call.unseen
                && adjacent(request.half, call.half.request.started)
                && same_answer(request.half, call.half);
            tied.then_some((*only, index, Evidence::Adjacent))
        };
        self.calls.iter().enumerate().filter_map(proven).collect()
    }

    /// Pairs (request, call) that do not belong together because the headers of the group as a whole say so.
    pub(super) fn excluded_by_headers(&self, oracle: &impl Oracle) -> Vec<(usize, usize)> {
        let one_each =
            self.requests.len() == self.calls.len() && !self.calls.iter().any(|call| call.unseen || call.failed);
        if !one_each {
            return Vec::new();
        }
        let names: BTreeSet<&[u8]> = self.requests.iter().flat_map(|one| header_names(one.half)).collect();
        let telling = names
            .into_iter()
            .filter(|name| tokens::proxies_leave_alone(name) && oracle.leaves_alone(name));
        telling.flat_map(|name| self.excluded_by_header(name)).collect()
    }

    fn excluded_by_header(&self, name: &[u8]) -> Vec<(usize, usize)> {
        let downstream: Vec<Option<u64>> = self
            .requests
            .iter()
            .map(|request| tokens::header_value(request.half, name))
            .collect();
        let upstream: Vec<Option<u64>> = self
            .calls
            .iter()
            .map(|call| tokens::header_value(call.half, name))
            .collect();
        if sorted(&downstream) != sorted(&upstream) {
            return Vec::new();
        }
        let mut excluded = Vec::new();
        for (index, (call, value)) in self.calls.iter().zip(&upstream).enumerate() {
            let differs = |request: &&usize| downstream.get(**request).is_none_or(|own| own != value);
            excluded.extend(call.owners.iter().filter(differs).map(|request| (*request, index)));
        }
        excluded
    }
}

/// Who has a token.
struct Holders {
    token: Token,
    requests: Vec<usize>,
    calls: Vec<usize>,
}

impl Holders {
    fn of(token: Token) -> Self {
        Self {
            token,
            requests: Vec::new(),
            calls: Vec::new(),
        }
    }
}

fn all_tokens(half: &Half, oracle: &impl Oracle) -> impl Iterator<Item = Token> {
    tokens::of_request(half, oracle)
        .into_iter()
        .chain(tokens::of_response(half, oracle))
}

fn header_names(half: &Half) -> impl Iterator<Item = &[u8]> {
    half.request
        .head
        .iter()
        .flat_map(|head| head.headers.iter().map(|field| &field.name[..]))
}

fn sorted(values: &[Option<u64>]) -> Vec<Option<u64>> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values
}

/// True if what the client got is what the upstream sent: status, length and first bytes of a body that is not empty.
pub(super) fn same_answer(downstream: &Half, upstream: &Half) -> bool {
    let (d, u) = (&downstream.response, &upstream.response);
    let status = |head: &Option<std::sync::Arc<gwobs_http::ResponseHead>>| head.as_ref().map(|head| head.status);
    status(&d.head).is_some()
        && status(&d.head) == status(&u.head)
        && d.body_length == u.body_length
        && d.body_length > 0
        && d.body_prefix == u.body_prefix
}
