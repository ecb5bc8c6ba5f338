//! A component as a puzzle: requests, calls, who may own what. What the solvers see, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use gwobs_route::Verdict;

use super::limits::MAX_STEPS;
use super::matching;
use super::readings::{self, Silent};

/// A component: requests and calls are named by their index.
pub(super) struct Puzzle<'a> {
    /// The downstream requests.
    pub(super) requests: Vec<PuzzleRequest>,
    /// The upstream calls, in the order in which they began.
    pub(super) calls: Vec<PuzzleCall>,
    /// True if one request can have made the second call after the first.
    pub(super) may_follow: &'a dyn Fn(usize, usize) -> bool,
    /// True if a request (first) can have been answered as it was with this call (second) as its last.
    pub(super) may_be_last: &'a dyn Fn(usize, usize) -> bool,
    /// The verdict on a request with these calls.
    pub(super) verdict: &'a dyn Fn(usize, &[usize]) -> Verdict,
}

#[derive(Debug, Clone)]
pub(super) struct PuzzleRequest {
    /// Requests of one class get the same verdict for the same calls.
    pub(super) class: usize,
    /// True if nothing more will be learnt of it.
    pub(super) over: bool,
    /// True if an answer was given already.
    pub(super) told: bool,
}

#[derive(Debug, Clone)]
pub(super) struct PuzzleCall {
    /// Requests that may own it, ascending.
    pub(super) owners: Vec<usize>,
    /// True if none of them may own it as well.
    pub(super) optional: bool,
    /// True if its owner can have made a later call.
    pub(super) failed: bool,
}

/// What all readings say about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The same calls in all readings.
    Sure(Vec<usize>),
    /// The same verdict in all readings; the calls are those of one of them.
    SameVerdict(Vec<usize>),
    /// The same verdicts for all requests of the class together; the calls are those of one reading.
    Interchangeable(Vec<usize>),
    /// The verdict differs.
    Unpaired,
}

impl Answer {
    /// The calls of the request, or of the representative; `None` if nothing is known.
    pub(super) fn calls(&self) -> Option<&[usize]> {
        match self {
            Self::Sure(calls) | Self::SameVerdict(calls) | Self::Interchangeable(calls) => Some(calls),
            Self::Unpaired => None,
        }
    }
}

/// What all readings say.
#[derive(Debug)]
pub(super) struct Solution {
    /// About each request.
    pub(super) answers: Vec<Answer>,
    /// For each request, true if the requests that it shares its calls with, all of one class, own the same calls among
    /// themselves in every reading, one each at most: counts of where these went are exact, whoever owns which.
    pub(super) counted: Vec<bool>,
}

impl Puzzle<'_> {
    /// What all readings say about each request. If there are too many readings to look at one by one, more than
    /// these are considered: that can lose answers, but not make any. If there is no reading at all, nothing is
    /// known.
    pub(super) fn solve(&self) -> Solution {
        match readings::enumerate(self, MAX_STEPS) {
            Ok(solution) => Some(solution),
            Err(Silent::TooMany) => matching::solve(self),
            Err(Silent::Impossible) => None,
        }
        .unwrap_or_else(|| Solution {
            answers: vec![Answer::Unpaired; self.requests.len()],
            counted: vec![false; self.requests.len()],
        })
    }

    /// [`Solution::counted`]. `owners`: the possible owners of each call; `unowned`: whether it may be nobody's.
    pub(super) fn counted(&self, sets: &[usize], owners: &[BTreeSet<usize>], unowned: &[bool]) -> Vec<bool> {
        let mut open: BTreeSet<usize> = BTreeSet::new();
        for ((call, owners), unowned) in self.calls.iter().zip(owners).zip(unowned) {
            let names: BTreeSet<usize> = owners.iter().filter_map(|owner| sets.get(*owner).copied()).collect();
            if names.len() > 1 || *unowned || call.failed {
                open.extend(names);
            }
        }
        let requests = self.requests.iter().zip(sets);
        let unsettled = requests.filter(|(request, _)| !request.over || request.told);
        open.extend(unsettled.map(|(_, set)| *set));
        sets.iter().map(|set| !open.contains(set)).collect()
    }

    /// The requests of one class that hang together by calls which, in some reading, belong to either of them, directly
    /// or through others: a name of its own for each such set. `options`: the possible owners of each call.
    pub(super) fn sets(&self, options: &[BTreeSet<usize>]) -> Vec<usize> {
        let mut groups: Vec<usize> = (0..self.requests.len()).collect();
        for owners in options {
            let names: BTreeSet<usize> = owners.iter().filter_map(|owner| groups.get(*owner).copied()).collect();
            if let Some(first) = names.first().copied() {
                groups
                    .iter_mut()
                    .filter(|name| names.contains(name))
                    .for_each(|name| *name = first);
            }
        }
        let mut names = BTreeMap::new();
        let keys = groups
            .into_iter()
            .zip(&self.requests)
            .map(|(group, request)| (group, request.class));
        keys.map(|key| {
            let next = names.len();
            *names.entry(key).or_insert(next)
        })
        .collect()
    }

    /// Counts of a set are told only when all of it is over: a request that is still open would take its share of the
    /// verdicts along.
    pub(super) fn withhold_open_sets(&self, sets: &[usize], answers: &mut [Answer]) {
        let requests = self.requests.iter().zip(sets);
        let open: BTreeSet<usize> = requests
            .filter(|(request, _)| !request.over)
            .map(|(_, set)| *set)
            .collect();
        for (set, answer) in sets.iter().zip(answers) {
            if matches!(answer, Answer::Interchangeable(_)) && open.contains(set) {
                *answer = Answer::Unpaired;
            }
        }
    }
}
