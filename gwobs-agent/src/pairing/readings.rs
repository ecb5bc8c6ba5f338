//! All readings of a small component, one by one: exact, with retries, calls without owner and requests without calls.

use std::collections::{BTreeSet, HashMap};

use gwobs_route::Verdict;

use super::puzzle::{Answer, Puzzle, Solution};

/// Why the readings say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silent {
    /// There are too many to look at.
    TooMany,
    /// There is none: something happened that the facts do not know of.
    Impossible,
}

/// What all readings of a puzzle say about each request.
pub(super) fn enumerate(puzzle: &Puzzle<'_>, max_steps: usize) -> Result<Solution, Silent> {
    let sets: Vec<usize> = puzzle.requests.iter().map(|request| request.class).collect();
    let first = Search::of(puzzle, sets, max_steps)?;
    let doubt = |seen: &Seen| matches!(seen, Seen::Differing(_));
    // Requests of one class that never compete for the same calls are apart: each such set may be settled as a whole.
    let sets = puzzle.sets(&first.options);
    let counted = puzzle.counted(&sets, &first.options, &first.unowned);
    let search = if first.seen.iter().any(doubt) {
        Search::of(puzzle, sets, max_steps)?
    } else {
        first
    };
    let answers = search.answers()?;
    Ok(Solution { answers, counted })
}

/// What the readings so far said about one request.
#[derive(Debug, Clone)]
enum Seen {
    Nothing,
    /// Always these calls.
    Calls(Vec<usize>, Verdict),
    /// Other calls too, but always the same verdict.
    Verdict(Vec<usize>, Verdict),
    /// The first reading's calls; the verdicts differ.
    Differing(Vec<usize>),
}

struct Search<'p, 'a> {
    puzzle: &'p Puzzle<'a>,
    steps: usize,
    /// The calls that each request owns in the reading being made.
    attempts: Vec<Vec<usize>>,
    seen: Vec<Seen>,
    /// The owners of each call in some reading.
    options: Vec<BTreeSet<usize>>,
    /// Whether each call is nobody's in some reading.
    unowned: Vec<bool>,
    /// The set of requests, equal for routing, that each request belongs to.
    sets: Vec<usize>,
    /// The verdicts of the first reading by set, counted; `None` once another reading had others.
    verdicts_of_set: HashMap<usize, Option<HashMap<Verdict, usize>>>,
    verdicts: HashMap<(usize, Vec<usize>), Verdict>,
}

#[expect(
    clippy::indexing_slicing,
    reason = "requests and calls are named by their index in the puzzle"
)]
impl<'p, 'a> Search<'p, 'a> {
    /// Looks at all readings.
    fn of(puzzle: &'p Puzzle<'a>, sets: Vec<usize>, max_steps: usize) -> Result<Self, Silent> {
        let requests = puzzle.requests.len();
        let mut search = Self {
            puzzle,
            steps: max_steps,
            attempts: vec![Vec::new(); requests],
            seen: vec![Seen::Nothing; requests],
            options: vec![BTreeSet::new(); puzzle.calls.len()],
            unowned: vec![false; puzzle.calls.len()],
            sets,
            verdicts_of_set: HashMap::new(),
            verdicts: HashMap::new(),
        };
        search.assign(0).ok_or(Silent::TooMany)?;
        Ok(search)
    }

    /// Gives `call` and all later ones to owners, in every possible way; `None` if that takes too long.
    fn assign(&mut self, call: usize) -> Option<()> {
        self.steps = self.steps.checked_sub(1)?;
        let puzzle = self.puzzle;
        let Some(candidate) = puzzle.calls.get(call) else {
            self.take_reading();
            self.steps = self.steps.checked_sub(puzzle.requests.len())?;
            return Some(());
        };
        for &owner in &candidate.owners {
            if self.attempts[owner]
                .last()
                .is_none_or(|earlier| (puzzle.may_follow)(*earlier, call))
            {
                self.attempts[owner].push(call);
                self.assign(call + 1)?;
                self.attempts[owner].pop();
            }
        }
        if candidate.optional {
            self.assign(call + 1)?;
        }
        Some(())
    }

    /// Looks at a complete assignment.
    fn take_reading(&mut self) {
        let puzzle = self.puzzle;
        let ends_well = |(request, calls): (usize, &Vec<usize>)| {
            calls.last().is_none_or(|last| (puzzle.may_be_last)(request, *last))
        };
        if !self.attempts.iter().enumerate().all(ends_well) {
            return;
        }
        let owned: BTreeSet<usize> = self.attempts.iter().flatten().copied().collect();
        for (call, unowned) in self.unowned.iter_mut().enumerate() {
            *unowned |= !owned.contains(&call);
        }
        let mut counts: HashMap<usize, HashMap<Verdict, usize>> = HashMap::new();
        for request in 0..self.attempts.len() {
            let verdict = self.verdict(request);
            self.compare(request, verdict);
            self.attempts[request].iter().for_each(|call| {
                self.options[*call].insert(request);
            });
            *counts
                .entry(self.sets[request])
                .or_default()
                .entry(verdict)
                .or_default() += 1;
        }
        for (set, count) in counts {
            let first = self.verdicts_of_set.entry(set).or_insert_with(|| Some(count.clone()));
            if first.as_ref().is_some_and(|first| *first != count) {
                *first = None;
            }
        }
    }

    fn verdict(&mut self, request: usize) -> Verdict {
        let calls = &self.attempts[request];
        if let Some(verdict) = self.verdicts.get(&(request, calls.clone())) {
            return *verdict;
        }
        let verdict = (self.puzzle.verdict)(request, calls);
        self.verdicts.insert((request, calls.clone()), verdict);
        verdict
    }

    fn compare(&mut self, request: usize, verdict: Verdict) {
        let calls = &self.attempts[request];
        let seen = &mut self.seen[request];
        *seen = match std::mem::replace(seen, Seen::Nothing) {
            Seen::Nothing => Seen::Calls(calls.clone(), verdict),
            Seen::Calls(first, before) if before == verdict && first == *calls => Seen::Calls(first, verdict),
            Seen::Calls(first, before) | Seen::Verdict(first, before) if before == verdict => {
                Seen::Verdict(first, verdict)
            }
            Seen::Calls(first, _) | Seen::Verdict(first, _) | Seen::Differing(first) => Seen::Differing(first),
        };
    }

    fn answers(self) -> Result<Vec<Answer>, Silent> {
        let mut answers = Vec::with_capacity(self.seen.len());
        for (seen, set) in self.seen.into_iter().zip(&self.sets) {
            answers.push(match seen {
                Seen::Nothing => return Err(Silent::Impossible),
                Seen::Calls(calls, _) => Answer::Sure(calls),
                Seen::Verdict(calls, _) => Answer::SameVerdict(calls),
                Seen::Differing(calls) if matches!(self.verdicts_of_set.get(set), Some(Some(_))) => {
                    Answer::Interchangeable(calls)
                }
                Seen::Differing(_) => Answer::Unpaired,
            });
        }
        self.puzzle.withhold_open_sets(&self.sets, &mut answers);
        Ok(answers)
    }
}
