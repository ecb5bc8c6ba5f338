//! Generated worlds against brute force, and against the truth.

use std::collections::BTreeMap;

use gwobs_route::{Inconclusive, Verdict};
use proptest::prelude::*;

use super::brute;
use super::plan::{Kinds, plans};
use super::world::{MIRRORS, World};
use crate::pairing::Tie;

const ORDINARY: Kinds = Kinds {
    ids: false,
    unreadable: false,
    joined: false,
    unfinished: false,
    refusing: false,
    mirrors: false,
    changing: false,
    most: 5,
};

/// The verdicts that pairing gave, and whether each stands for a whole set.
fn given(world: &World) -> Vec<(usize, Verdict, bool)> {
    world
        .script
        .requests()
        .filter(|request| !matches!(request.tie, Tie::Unknown(_)))
        .map(|request| {
            let id = usize::try_from(request.downstream.id.0).unwrap();
            (
                id,
                world.script.verdict_on(request),
                matches!(request.tie, Tie::Verdict(_) | Tie::Counted(_)),
            )
        })
        .collect()
}

/// No verdict but the proven ones; those that stand for a set, no more often than every reading has them.
fn check_proven(world: &World, proven: &brute::Proven) -> Result<(), TestCaseError> {
    for (request, verdict, representative) in given(world) {
        match proven.verdicts.get(&request) {
            Some(right) => prop_assert_eq!(*right, verdict, "request {}: {}", request, world.describe()),
            None => prop_assert!(
                representative,
                "request {} has no proven verdict, but was given {:?}: {}",
                request,
                verdict,
                world.describe()
            ),
        }
    }
    for share in &proven.shares {
        for (verdict, claimed) in claims(world, |request| share.requests.contains(&request)) {
            let least = share.least.get(&verdict).copied().unwrap_or(0);
            prop_assert!(
                claimed <= least,
                "{claimed} {verdict} of {share:?}: {}",
                world.describe()
            );
        }
    }
    Ok(())
}

/// How often each verdict was given to such requests.
fn claims(world: &World, of: impl Fn(usize) -> bool) -> BTreeMap<String, usize> {
    let mut claims = BTreeMap::new();
    for (_, verdict, _) in given(world).into_iter().filter(|(request, ..)| of(*request)) {
        *claims.entry(format!("{verdict:?}")).or_default() += 1;
    }
    claims
}

/// Every verdict is the true one; where it stands for a set, it is given no more often than it is true of requests that
/// look like these.
fn check_truth(world: &World) -> Result<(), TestCaseError> {
    let class = |request: usize| {
        let seen = world.requests[request].as_ref()?;
        Some((seen.path, seen.answered?.2, world.live(request)))
    };
    for (request, verdict, representative) in given(world) {
        let alike = |other: &usize| class(*other) == class(request);
        let true_ones = (0..world.requests.len())
            .filter(|other| alike(other) && !world.plans.requests[*other].joined)
            .filter(|other| world.truth(*other) == Some(verdict));
        let claimed = claims(world, |other| alike(&other))
            .get(&format!("{verdict:?}"))
            .copied();
        prop_assert!(
            claimed <= Some(true_ones.count()),
            "too many {verdict:?}: {}",
            world.describe()
        );
        if !representative {
            prop_assert_eq!(
                world.truth(request),
                Some(verdict),
                "request {}: {}",
                request,
                world.describe()
            );
        }
    }
    Ok(())
}

/// What stands beside a request is a copy of it, all of them, unless it is said that there is doubt.
fn check_mirrors(world: &World) -> Result<(), TestCaseError> {
    for request in world.script.requests() {
        let id = request.downstream.id.0;
        let beside: Vec<u64> = request.beside.iter().map(|(half, _)| half.id.0).collect();
        let mirrored = world.mirrored.contains(&usize::try_from(id).unwrap());
        let due: Vec<u64> = mirrored.then_some(MIRRORS + id).into_iter().collect();
        let is_told = beside == due || request.beside_in_doubt || matches!(request.tie, Tie::Unknown(_));
        prop_assert!(is_told, "beside D{id}: {beside:?}, {due:?} due: {}", world.describe());
    }
    Ok(())
}

fn each_once(world: &World) -> Result<(), TestCaseError> {
    let mut ids: Vec<u64> = world.script.requests().map(|request| request.downstream.id.0).collect();
    ids.sort_unstable();
    let over: Vec<u64> = (0..world.requests.len())
        .filter(|request| {
            let seen = world.requests[*request].as_ref();
            seen.is_some_and(|seen| seen.answered.is_some()) && !world.plans.requests[*request].joined
        })
        .map(|request| request as u64)
        .collect();
    prop_assert_eq!(ids, over);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn gives_exactly_the_verdicts_that_all_readings_agree_on(plans in plans(ORDINARY)) {
        let world = World::run(plans);
        each_once(&world)?;
        prop_assert_eq!(world.script.pairing.kept(), 0, "nothing is kept: {}", world.describe());
        let Some(proven) = brute::enumerate(&world) else { return Ok(()) };
        prop_assert!(proven.readings > 0, "the truth is a reading");
        check_proven(&world, &proven)?;
        let given = given(&world);
        for request in proven.verdicts.keys().chain(&proven.interchangeable) {
            prop_assert!(given.iter().any(|(id, _, _)| id == request), "request {} has a proven verdict: {}", request, world.describe());
        }
        check_truth(&world)?;
    }

    #[test]
    fn failed_connects_tie_no_requests_together(plans in plans(Kinds { refusing: true, ..ORDINARY })) {
        let world = World::run(plans);
        each_once(&world)?;
        prop_assert_eq!(world.script.pairing.kept(), 0, "nothing is kept: {}", world.describe());
        let Some(proven) = brute::enumerate(&world) else { return Ok(()) };
        check_proven(&world, &proven)?;
        let given = given(&world);
        for request in proven.verdicts.keys() {
            prop_assert!(given.iter().any(|(id, _, _)| id == request), "request {} has a proven verdict: {}", request, world.describe());
        }
        check_truth(&world)?;
    }

    /// While specs change, some requests are judged by the old ones, some by the new ones, and some by either.
    #[test]
    fn several_live_snapshots_are_all_asked(plans in plans(Kinds { changing: true, ..ORDINARY })) {
        let world = World::run(plans);
        each_once(&world)?;
        let Some(proven) = brute::enumerate(&world) else { return Ok(()) };
        check_proven(&world, &proven)?;
        let given = given(&world);
        for request in proven.verdicts.keys().chain(&proven.interchangeable) {
            prop_assert!(given.iter().any(|(id, _, _)| id == request), "request {} has a proven verdict: {}", request, world.describe());
        }
        check_truth(&world)?;
    }

    /// Copies stand beside the request that they are of, or beside none, and change no verdict.
    #[test]
    fn mirrors_are_nobody_elses(plans in plans(Kinds { mirrors: true, unreadable: true, unfinished: true, ..ORDINARY })) {
        let world = World::run(plans);
        each_once(&world)?;
        check_mirrors(&world)?;
        let Some(proven) = brute::enumerate(&world) else { return Ok(()) };
        check_proven(&world, &proven)?;
        check_truth(&world)?;
    }

    #[test]
    fn never_gives_more_than_all_readings_agree_on(
        plans in plans(Kinds { unreadable: true, unfinished: true, ..ORDINARY })
    ) {
        let world = World::run(plans);
        each_once(&world)?;
        let Some(proven) = brute::enumerate(&world) else { return Ok(()) };
        check_proven(&world, &proven)?;
        check_truth(&world)?;
    }

    /// Requests were under way on HTTP/2 connections when gwobs joined: their calls are seen, of themselves only the answer.
    #[test]
    fn requests_from_before_take_their_calls_from_nobody(
        plans in plans(Kinds { joined: true, unreadable: true, refusing: true, most: 6, ..ORDINARY }),
        component_limit in prop_oneof![Just(48), 1..3_usize],
    ) {
        let world = World::run_with_crowds(plans, component_limit);
        each_once(&world)?;
        let Some(proven) = brute::enumerate(&world) else { return Ok(()) };
        check_proven(&world, &proven)?;
        check_truth(&world)?;
    }

    #[test]
    fn crowds_never_give_more_than_all_readings_agree_on(
        plans in plans(Kinds { unreadable: true, unfinished: true, refusing: true, ..ORDINARY }),
        component_limit in 1..3_usize,
    ) {
        let world = World::run_with_crowds(plans, component_limit);
        each_once(&world)?;
        let Some(proven) = brute::enumerate(&world) else { return Ok(()) };
        check_proven(&world, &proven)?;
        check_truth(&world)?;
    }

    #[test]
    fn crowds_leave_nothing_behind(plans in plans(ORDINARY), component_limit in 1..3_usize) {
        let world = World::run_with_crowds(plans, component_limit);
        each_once(&world)?;
        prop_assert_eq!(world.script.pairing.kept(), 0, "nothing is kept: {}", world.describe());
        let Some(proven) = brute::enumerate(&world) else { return Ok(()) };
        check_proven(&world, &proven)?;
    }

    #[test]
    fn ids_forged_and_copied_never_lead_astray(
        plans in plans(Kinds { ids: true, unfinished: true, mirrors: true, changing: true, most: 8, ..ORDINARY })
    ) {
        let world = World::run(plans);
        each_once(&world)?;
        check_truth(&world)?;
    }

    #[test]
    fn unreadable_requests_are_told_with_their_flaw(
        plans in plans(Kinds { unreadable: true, ..ORDINARY })
    ) {
        let world = World::run(plans);
        prop_assert_eq!(world.script.pairing.kept(), 0, "nothing is kept: {}", world.describe());
        for request in world.script.requests().filter(|request| request.downstream.request.head.is_none()) {
            prop_assert_eq!(&request.tie, &Tie::Unknown(Inconclusive::Truncated));
        }
    }
}
