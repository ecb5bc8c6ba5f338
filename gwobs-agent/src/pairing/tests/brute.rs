//! All readings of a world, enumerated without any cleverness, from the bare facts and the words of the design.

use std::collections::{BTreeMap, BTreeSet};

use gwobs_route::Verdict;

use super::script::{rewritten, verdict};
use super::world::{Called, Seen, World, judged};

/// The tolerance in which a send on another thread may be logged late, as orders of 10 µs each.
const TOLERANCE: u64 = 2_000;

/// The owner of each call in one reading.
type Reading = Vec<Option<usize>>;

/// What all readings say: the verdicts that are the same in all of them, those that are the same as a whole, and of each
/// set of requests equal for routing, how often each verdict is given at least.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) readings: usize,
    pub(super) verdicts: BTreeMap<usize, Verdict>,
    pub(super) interchangeable: BTreeSet<usize>,
    pub(super) shares: Vec<Share>,
}

/// A set of requests, and how often each verdict is given in every reading.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) requests: Vec<usize>,
    pub(super) least: BTreeMap<String, usize>,
}

/// Enumerates; `None` if there are too many readings for a test.
pub(super) fn enumerate(world: &World) -> Option<Proven> {
    let mut readings = Vec::new();
    extend(world, &mut Vec::new(), &mut readings)?;
    Some(conclude(world, &readings))
}

fn extend(world: &World, partial: &mut Reading, readings: &mut Vec<Reading>) -> Option<()> {
    if readings.len() > 200_000 {
        return None;
    }
    let Some(call) = world.calls.get(partial.len()) else {
        if is_complete(world, partial) {
            readings.push(partial.clone());
        }
        return Some(());
    };
    let possible: Vec<usize> = (0..world.requests.len())
        .filter(|request| may_own(world, *request, call))
        .collect();
    let mut owners: Vec<Option<usize>> = possible.iter().map(|owner| Some(*owner)).collect();
    if call.optional || possible.is_empty() {
        owners.push(None);
    }
    for owner in owners {
        if owner.is_none_or(|owner| is_next(world, partial, owner, call)) {
            partial.push(owner);
            extend(world, partial, readings)?;
            partial.pop();
        }
    }
    Some(())
}

/// Time, order and transformation.
fn may_own(world: &World, request: usize, call: &Called) -> bool {
    let Some(Seen {
        path,
        readable: true,
        read,
        turn: Some(turn),
        answered,
    }) = &world.requests[request]
    else {
        return false;
    };
    let begun = *read < call.began && *turn < call.began;
    let transformed = call.refused || call.path == *path || call.path == rewritten(path);
    let in_time =
        answered.is_none_or(|(order, tid, _)| call.began < order || tid != call.tid && call.began <= order + TOLERANCE);
    let relayed = match (answered, call.answered) {
        (Some((passed_on, _, _)), Some((read, _))) => read < *passed_on,
        _ => true,
    };
    begun && transformed && in_time && relayed
}

/// The attempt before must have failed.
fn is_next(world: &World, partial: &Reading, owner: usize, call: &Called) -> bool {
    let before = partial
        .iter()
        .rposition(|other| *other == Some(owner))
        .map(|index| &world.calls[index]);
    before.is_none_or(|before| match (before.answered, before.reset) {
        (Some((order, status)), _) => status >= 400 && order < call.began,
        (None, Some(order)) => order < call.began,
        (None, None) => false,
    })
}

/// A 2xx or 3xx came from the last attempt that was sent, if there was one.
fn is_complete(world: &World, reading: &Reading) -> bool {
    (0..world.requests.len()).all(|request| {
        let Some(Seen {
            answered: Some((passed_on, _, status)),
            ..
        }) = &world.requests[request]
        else {
            return true;
        };
        let owned = reading
            .iter()
            .zip(&world.calls)
            .filter(|(owner, _)| **owner == Some(request));
        let last = owned.map(|(_, call)| call).rfind(|call| !call.refused);
        *status >= 400 || last.is_none_or(|last| last.answered.is_some_and(|(read, _)| read < *passed_on))
    })
}

fn verdict_in(world: &World, reading: &Reading, request: usize) -> Verdict {
    let seen = world.requests[request].as_ref().unwrap();
    let owned = reading
        .iter()
        .zip(&world.calls)
        .filter(|(owner, _)| **owner == Some(request));
    let backends = judged(owned.map(|(_, call)| call));
    let status = seen.answered.map(|(_, _, status)| status);
    verdict(seen.path, status, &backends, &[], world.live(request))
}

fn conclude(world: &World, readings: &[Reading]) -> Proven {
    let seen: Vec<usize> = (0..world.requests.len())
        .filter(|request| world.requests[*request].as_ref().is_some_and(|seen| seen.readable))
        .collect();
    let mut verdicts = BTreeMap::new();
    for &request in &seen {
        let told: BTreeSet<String> = readings
            .iter()
            .map(|reading| format!("{:?}", verdict_in(world, reading, request)))
            .collect();
        if told.len() == 1 {
            verdicts.insert(request, verdict_in(world, &readings[0], request));
        }
    }
    let mut interchangeable = BTreeSet::new();
    let mut shares = Vec::new();
    for set in sets(world, readings, &seen) {
        let told: BTreeSet<Vec<String>> = readings.iter().map(|reading| all_in(world, reading, &set)).collect();
        shares.push(Share {
            requests: set.clone(),
            least: least(&told),
        });
        let over = set
            .iter()
            .all(|request| world.requests[*request].as_ref().unwrap().answered.is_some());
        if told.len() == 1 && over {
            interchangeable.extend(set);
        }
    }
    interchangeable.retain(|request| !verdicts.contains_key(request));
    Proven {
        readings: readings.len(),
        verdicts,
        interchangeable,
        shares,
    }
}

/// The verdicts on a set in one reading, sorted.
fn all_in(world: &World, reading: &Reading, set: &[usize]) -> Vec<String> {
    let verdicts = set.iter().map(|request| verdict_in(world, reading, *request));
    let mut all: Vec<String> = verdicts.map(|verdict| format!("{verdict:?}")).collect();
    all.sort();
    all
}

/// How often each verdict is told in all of these.
fn least(told: &BTreeSet<Vec<String>>) -> BTreeMap<String, usize> {
    let count = |all: &[String], verdict: &String| all.iter().filter(|other| *other == verdict).count();
    let verdicts: BTreeSet<&String> = told.iter().flatten().collect();
    let least = |verdict: &String| told.iter().map(|all| count(all, verdict)).min().unwrap_or(0);
    verdicts
        .into_iter()
        .map(|verdict| (verdict.clone(), least(verdict)))
        .collect()
}

/// Requests equal for routing that hang together: some call may belong to either, directly or through others.
fn sets(world: &World, readings: &[Reading], seen: &[usize]) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..world.requests.len()).collect();
    for call in 0..world.calls.len() {
        let owners: BTreeSet<usize> = readings.iter().filter_map(|reading| reading[call]).collect();
        let Some(first) = owners.first().map(|first| group[*first]) else {
            continue;
        };
        for owner in owners {
            let other = group[owner];
            group
                .iter_mut()
                .filter(|name| **name == other)
                .for_each(|name| *name = first);
        }
    }
    let mut sets = BTreeMap::<_, Vec<usize>>::new();
    for &request in seen {
        let node = world.requests[request].as_ref().unwrap();
        let status = node.answered.map(|(_, _, status)| status);
        sets.entry((group[request], node.path, status, world.live(request)))
            .or_default()
            .push(request);
    }
    sets.into_values().collect()
}
