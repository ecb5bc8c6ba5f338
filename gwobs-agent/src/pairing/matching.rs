//! Components with too many readings to look at one by one, when each request owns at most one call: a reading is then
//! a matching of a bipartite graph in which every call that must have an owner has one, and which ownerships occur in
//! some reading is known in polynomial time.
//!
//! The facts about the last call of a request are left out here: more matchings than readings are considered, which
//! can lose answers, but not make any.

use std::collections::{BTreeSet, HashMap};

use gwobs_route::Verdict;

use super::puzzle::{Answer, Puzzle, Solution};

/// What all matchings say about each request; `None` if a request may own several calls, or there is no matching.
pub(super) fn solve(puzzle: &Puzzle<'_>) -> Option<Solution> {
    if puzzle.calls.iter().any(|call| call.failed) {
        return None;
    }
    let matching = Matching::of(puzzle)?;
    let options = Options::of(puzzle, &matching);
    let mut judge = Judge {
        puzzle,
        known: HashMap::new(),
    };
    let mut answers: Vec<Answer> = (0..puzzle.requests.len())
        .map(|request| options.answer(request, &matching, &mut judge))
        .collect();
    let sets = puzzle.sets(&options.owners);
    options.interchange(&sets, &mut answers, &matching);
    puzzle.withhold_open_sets(&sets, &mut answers);
    let counted = puzzle.counted(&sets, &options.owners, &options.optional);
    Some(Solution { answers, counted })
}

/// Nodes that own calls: the requests, then one stand-in for each optional call, for the owner that nobody saw.
struct Matching {
    owners: Vec<Vec<usize>>,
    /// The owner of each call.
    of_call: Vec<usize>,
    /// The call of each node.
    of_node: Vec<Option<usize>>,
}

#[expect(clippy::indexing_slicing, reason = "nodes and calls are named by their index")]
impl Matching {
    /// A matching in which every call has an owner; `None` if there is none.
    fn of(puzzle: &Puzzle<'_>) -> Option<Self> {
        let mut nodes = puzzle.requests.len();
        let mut owners: Vec<Vec<usize>> = puzzle.calls.iter().map(|call| call.owners.clone()).collect();
        for (call, owners) in puzzle.calls.iter().zip(&mut owners) {
            if call.optional {
                owners.push(nodes);
                nodes += 1;
            }
        }
        let mut matching = Self {
            of_call: vec![usize::MAX; owners.len()],
            of_node: vec![None; nodes],
            owners,
        };
        (0..matching.owners.len())
            .all(|call| matching.place(call))
            .then_some(matching)
    }

    /// Finds an owner for `call` along an augmenting path, breadth first.
    fn place(&mut self, call: usize) -> bool {
        let mut came_from: Vec<Option<usize>> = vec![None; self.of_node.len()];
        let mut queue = vec![call];
        let mut next = 0;
        while let Some(&asking) = queue.get(next) {
            next += 1;
            for &node in &self.owners[asking] {
                if came_from[node].is_some() {
                    continue;
                }
                came_from[node] = Some(asking);
                match self.of_node[node] {
                    Some(taken) => queue.push(taken),
                    None => {
                        self.augment(node, &came_from);
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Moves each call on the path to `node` one step on.
    fn augment(&mut self, node: usize, came_from: &[Option<usize>]) {
        let mut node = node;
        while let Some(call) = came_from[node] {
            let before = self.of_call[call];
            self.of_call[call] = node;
            self.of_node[node] = Some(call);
            if before == usize::MAX {
                return;
            }
            node = before;
        }
    }
}

/// Which ownerships occur in some matching. A call can move from its owner to another node if that one is free, or can
/// give its own call away in turn, up to a free node or back to where the chain began.
struct Options {
    /// For each request, the calls that it owns in some matching, ascending.
    calls: Vec<Vec<usize>>,
    /// For each call, the requests that own it in some matching.
    owners: Vec<BTreeSet<usize>>,
    /// For each call, whether it belongs to none of them in some matching.
    optional: Vec<bool>,
    /// For each request, whether it owns none in some matching.
    none: Vec<bool>,
}

#[expect(clippy::indexing_slicing, reason = "nodes and calls are named by their index")]
impl Options {
    fn of(puzzle: &Puzzle<'_>, matching: &Matching) -> Self {
        let component = strong_components(matching);
        let none = reaching_a_free_node(matching);
        let requests = puzzle.requests.len();
        let mut options = Self {
            calls: vec![Vec::new(); requests],
            owners: vec![BTreeSet::new(); puzzle.calls.len()],
            optional: vec![false; puzzle.calls.len()],
            none: none.iter().take(requests).copied().collect(),
        };
        for (call, owners) in matching.owners.iter().enumerate() {
            let owner = matching.of_call[call];
            for &node in owners {
                if node != owner && !none[node] && component[node] != component[owner] {
                    continue;
                }
                if node < requests {
                    options.calls[node].push(call);
                    options.owners[call].insert(node);
                } else {
                    options.optional[call] = true;
                }
            }
        }
        options
    }

    /// The answer for a request that gets the same verdict with each of its options.
    fn answer(&self, request: usize, matching: &Matching, judge: &mut Judge<'_, '_>) -> Answer {
        let calls = &self.calls[request];
        let now: Vec<usize> = matching.of_node[request].into_iter().collect();
        if calls.len() + usize::from(self.none[request]) == 1 {
            return Answer::Sure(now);
        }
        let verdict = judge.verdict(request, now.first().copied());
        let same = calls.iter().all(|call| judge.verdict(request, Some(*call)) == verdict)
            && (!self.none[request] || judge.verdict(request, None) == verdict);
        if same {
            Answer::SameVerdict(now)
        } else {
            Answer::Unpaired
        }
    }

    /// Sets of requests that share, in every matching, the same calls among themselves: the verdicts are the same as a
    /// whole.
    fn interchange(&self, sets: &[usize], answers: &mut [Answer], matching: &Matching) {
        let mut mixed: BTreeSet<usize> = BTreeSet::new();
        for (owners, optional) in self.owners.iter().zip(&self.optional) {
            let names: BTreeSet<usize> = owners.iter().map(|request| sets[*request]).collect();
            if names.len() > 1 || *optional {
                mixed.extend(names);
            }
        }
        for (request, answer) in answers.iter_mut().enumerate() {
            if *answer == Answer::Unpaired && !mixed.contains(&sets[request]) {
                *answer = Answer::Interchangeable(matching.of_node[request].into_iter().collect());
            }
        }
    }
}

/// Verdicts by class and call: requests of one class get the same verdict for the same call.
struct Judge<'p, 'a> {
    puzzle: &'p Puzzle<'a>,
    known: HashMap<(usize, Option<usize>), Verdict>,
}

impl Judge<'_, '_> {
    fn verdict(&mut self, request: usize, call: Option<usize>) -> Verdict {
        let class = self.puzzle.requests.get(request).map_or(usize::MAX, |node| node.class);
        let puzzle = self.puzzle;
        *self.known.entry((class, call)).or_insert_with(|| {
            let calls: Vec<usize> = call.into_iter().collect();
            (puzzle.verdict)(request, &calls)
        })
    }
}

/// Which nodes own nothing in some matching: those from which a chain of moves leads to a free one.
#[expect(clippy::indexing_slicing, reason = "nodes and calls are named by their index")]
fn reaching_a_free_node(matching: &Matching) -> Vec<bool> {
    let mut reached: Vec<bool> = matching.of_node.iter().map(Option::is_none).collect();
    let mut into: Vec<Vec<usize>> = vec![Vec::new(); reached.len()];
    for (call, owners) in matching.owners.iter().enumerate() {
        for &node in owners {
            into[node].push(matching.of_call[call]);
        }
    }
    let mut queue: Vec<usize> = (0..reached.len()).filter(|node| reached[*node]).collect();
    while let Some(node) = queue.pop() {
        for &giver in &into[node] {
            if !std::mem::replace(&mut reached[giver], true) {
                queue.push(giver);
            }
        }
    }
    reached
}

/// The strong component of each node, where a node leads to all others that may take its call (Tarjan's algorithm,
/// with a stack of its own instead of recursion).
#[expect(clippy::indexing_slicing, reason = "nodes and calls are named by their index")]
fn strong_components(matching: &Matching) -> Vec<usize> {
    let nodes = matching.of_node.len();
    let nothing: &[usize] = &[];
    let next = |node: usize| matching.of_node[node].map_or(nothing, |call| matching.owners[call].as_slice());
    let mut component = vec![usize::MAX; nodes];
    let mut low = vec![usize::MAX; nodes];
    let mut index = vec![usize::MAX; nodes];
    let (mut counter, mut open, mut components) = (0, Vec::new(), 0);
    for root in 0..nodes {
        let mut path: Vec<(usize, usize)> = Vec::new();
        if index[root] == usize::MAX {
            path.push((root, 0));
        }
        while let Some((node, edge)) = path.pop() {
            if edge == 0 {
                index[node] = counter;
                low[node] = counter;
                counter += 1;
                open.push(node);
            } else {
                let child = next(node)[edge - 1];
                if component[child] == usize::MAX {
                    low[node] = low[node].min(low[child]);
                }
            }
            match next(node).get(edge) {
                Some(&child) => {
                    path.push((node, edge + 1));
                    if index[child] == usize::MAX {
                        path.push((child, 0));
                    }
                }
                None if low[node] == index[node] => {
                    while let Some(member) = open.pop() {
                        component[member] = components;
                        if member == node {
                            break;
                        }
                    }
                    components += 1;
                }
                None => {}
            }
        }
    }
    component
}
