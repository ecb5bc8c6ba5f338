//! Hundreds of requests at a time that look alike.

use std::collections::BTreeMap;

use gwobs_route::Verdict;

use super::script::{Script, backend, rewritten, verdict};

const REQUESTS: u64 = 300;
/// Ids of calls follow those of requests.
const CALLS: u64 = 10_000;

/// A simple generator of numbers (xorshift), so that a run can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }
}

/// A crowd: what each request asks for, and the backend that each one gets.
struct Crowd {
    script: Script,
    requests: Vec<(&'static str, u16)>,
}

impl Crowd {
    /// Runs requests, at most `at_a_time` of them, on `threads` threads, each action on any of them.
    fn run(requests: Vec<(&'static str, u16)>, at_a_time: usize, threads: u64, seed: u64) -> Self {
        let mut script = Script::new();
        let mut numbers = Numbers(seed);
        let mut stages: BTreeMap<u64, u8> = BTreeMap::new();
        let mut next = 0;
        while next < requests.len() || !stages.is_empty() {
            let tid = 1 + u32::try_from(numbers.below(threads)).unwrap();
            // Nearly always a request that was read is written next, as gateways do; backends take their time.
            let unwritten = stages.iter().filter(|(_, stage)| **stage == 0).count();
            if next < requests.len() && stages.len() < at_a_time && numbers.below(1 + unwritten as u64) == 0 {
                script.read(next as u64, tid, requests[next].0);
                stages.insert(next as u64, 0);
                next += 1;
                continue;
            }
            let wanted = |stage: u8| if unwritten > 0 { stage == 0 } else { true };
            let possible: Vec<(u64, u8)> = stages
                .iter()
                .filter(|(_, stage)| wanted(**stage))
                .map(|(id, stage)| (*id, *stage))
                .collect();
            if possible.is_empty() {
                continue;
            }
            let (id, stage) = possible[numbers.index(possible.len())];
            let (path, to) = requests[usize::try_from(id).unwrap()];
            match stage {
                0 => script.write(CALLS + id, tid, to, &rewritten(path)),
                1 => script.answer(CALLS + id, tid, 200),
                _ => script.answer(id, tid, 200),
            }
            if stage < 2 {
                stages.insert(id, stage + 1)
            } else {
                stages.remove(&id)
            };
        }
        script.wait(std::time::Duration::from_secs(4));
        Self { script, requests }
    }

    /// Verdicts by path, as given and in truth.
    fn counts(&self) -> BTreeMap<(&'static str, String), (usize, usize)> {
        let mut counts: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        let given = self.script.verdicts();
        assert_eq!(given.len(), self.requests.len(), "each request is told once");
        for (id, (path, to)) in self.requests.iter().enumerate() {
            let truth = verdict(path, Some(200), &[backend(*to)], &[], (true, false));
            counts.entry((*path, format!("{truth:?}"))).or_default().1 += 1;
            let given = given[&(id as u64)];
            if !matches!(given, Verdict::Inconclusive(_)) {
                counts.entry((*path, format!("{given:?}"))).or_default().0 += 1;
            }
        }
        counts
    }
}

#[test]
fn counts_per_path_never_exceed_the_truth() {
    for seed in 1..=3 {
        let mut numbers = Numbers(seed * 7919);
        let requests = (0..REQUESTS)
            .map(|_| {
                let (path, right, wrong) = if numbers.below(2) == 0 {
                    ("/a/x", 1, 2)
                } else {
                    ("/b/x", 2, 1)
                };
                (path, if numbers.below(20) == 0 { wrong } else { right })
            })
            .collect();
        let crowd = Crowd::run(requests, 300, 1 + seed % 3, seed);
        for ((path, verdict), (given, truth)) in crowd.counts() {
            assert!(given <= truth, "{path}: {given} of {truth} {verdict}, seed {seed}");
        }
        assert_eq!(crowd.script.pairing.kept(), 0);
    }
}

#[test]
fn requests_that_are_equal_are_counted_exactly() {
    for seed in 1..=4 {
        let mut numbers = Numbers(seed * 104_729);
        let requests = (0..REQUESTS)
            .map(|_| ("/a/x", if numbers.below(10) == 0 { 2 } else { 1 }))
            .collect();
        let crowd = Crowd::run(requests, 200, 2, seed);
        for ((path, verdict), (given, truth)) in crowd.counts() {
            assert_eq!(given, truth, "{path} {verdict}, seed {seed}");
        }
    }
}

/// More requests wait for a connection than are ever looked at one by one: whatever each of them owns, it is right.
#[test]
fn a_large_crowd_is_settled_as_a_whole() {
    let mut script = Script::new();
    let crowd = 700;
    (0..crowd).for_each(|id| script.read(id, 1, "/a/x"));
    (0..crowd).for_each(|id| script.write(CALLS + id, 1, 1, "/x"));
    (0..crowd).for_each(|id| script.answer(CALLS + id, 1, 200));
    (0..crowd).for_each(|id| script.answer(id, 1, 200));
    script.wait(std::time::Duration::from_secs(4));
    let verdicts = script.verdicts();
    assert_eq!(verdicts.len() as u64, crowd);
    assert!(verdicts.values().all(|verdict| *verdict == Verdict::Match));
    assert_eq!(script.pairing.kept(), 0);
}

/// The same with some that went wrong: each is counted, though nobody knows whose it is.
#[test]
fn mismatches_of_a_large_crowd_are_counted() {
    let mut script = Script::new();
    let (crowd, wrong) = (700, |id: u64| id.is_multiple_of(100));
    (0..crowd).for_each(|id| script.read(id, 1, "/a/x"));
    (0..crowd).for_each(|id| script.write(CALLS + id, 1, if wrong(id) { 2 } else { 1 }, "/x"));
    (0..crowd).for_each(|id| script.answer(CALLS + id, 1, 200));
    (0..crowd).for_each(|id| script.answer(id, 1, 200));
    script.wait(std::time::Duration::from_secs(4));
    let verdicts = script.verdicts();
    let count = |wanted: fn(&Verdict) -> bool| verdicts.values().filter(|verdict| wanted(verdict)).count();
    assert_eq!(count(|verdict| matches!(verdict, Verdict::Mismatch(_))), 7);
    assert_eq!(count(|verdict| *verdict == Verdict::Match), 693);
    assert_eq!(script.pairing.kept(), 0);
}

/// Requests of a batch of a busy event loop.
const BATCH: u64 = 20;
/// Ids of requests that come before the load.
const EARLIER: u64 = 5_000;

/// A busy event loop: it reads the next batch before it writes the last one, so that some request waits at any time.
/// Gives the verdicts of the load. Requests of which `own` is true are answered by the gateway itself. `habit`: before,
/// the gateway had shown that it makes no answers itself.
fn busy(habit: bool, own: impl Fn(u64) -> bool, to: u16) -> BTreeMap<u64, Verdict> {
    let mut script = Script::new();
    if habit {
        show_habit(&mut script);
    }
    let mut before: Vec<u64> = Vec::new();
    for batch in 0..60 {
        let ids: Vec<u64> = (batch * BATCH..(batch + 1) * BATCH).collect();
        ids.iter().for_each(|id| script.read(*id, 1, "/a/x"));
        for id in std::mem::replace(&mut before, ids) {
            if !own(id) {
                script.write(CALLS + id, 1, to, "/x");
                script.answer(CALLS + id, 1, 200);
            }
            script.answer(id, 1, 200);
        }
        script.wait(std::time::Duration::from_millis(50));
    }
    let mut verdicts = script.verdicts();
    verdicts.split_off(&EARLIER);
    assert!(verdicts.len() > 500, "{}", verdicts.len());
    verdicts
}

/// Requests that come one at a time, each with its call.
fn show_habit(script: &mut Script) {
    for id in EARLIER..EARLIER + 300 {
        script.read(id, 1, "/a/x");
        script.write(CALLS + id, 1, 1, "/x");
        script.answer(CALLS + id, 1, 200);
        script.answer(id, 1, 200);
    }
    script.wait(std::time::Duration::from_secs(1));
}

/// The load never pauses, so it never shows that every request had a call: the habit does.
#[test]
fn a_crowd_without_end_is_settled_by_habit() {
    let verdicts = busy(true, |_| false, 1);
    assert!(verdicts.len() > 1_100, "{}", verdicts.len());
    assert!(verdicts.values().all(|verdict| *verdict == Verdict::Match));
}

#[test]
fn without_the_habit_a_crowd_without_end_is_not_guessed() {
    let open = |verdict: &Verdict| matches!(verdict, Verdict::Inconclusive(_));
    assert!(busy(false, |_| false, 1).values().all(open));
    let with_own_answers = busy(false, |id| id.is_multiple_of(50), 1);
    assert!(with_own_answers.values().all(open));
}

/// With calls that went wrong, the habit accuses nobody.
#[test]
fn a_habit_is_no_proof_of_a_mismatch() {
    let verdicts = busy(true, |_| false, 2);
    assert!(
        verdicts
            .values()
            .all(|verdict| matches!(verdict, Verdict::Inconclusive(_)))
    );
}
