//! Generated worlds against brute force, and against the truth.

use gwobs_route::{Inconclusive, Verdict};
use proptest::prelude::*;

use super::brute;
use super::plan::{Kinds, plans};
use super::world::World;
use crate::pairing::Tie;

const ORDINARY: Kinds = Kinds {
    ids: false,
    unreadable: false,
    unfinished: false,
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
                matches!(request.tie, Tie::Verdict(_)),
            )
        })
        .collect()
}

/// No verdict but the proven ones.
fn check_proven(world: &World, proven: &brute::Proven) -> Result<(), TestCaseError> {
    for (request, verdict, representative) in given(world) {
        match proven.verdicts.get(&request) {
            Some(right) => prop_assert_eq!(*right, verdict, "request {}: {}", request, world.describe()),
            None => prop_assert!(
                representative && proven.interchangeable.contains(&request),
                "request {} has no proven verdict, but was given {:?}: {}",
                request,
                verdict,
                world.describe()
            ),
        }
    }
    Ok(())
}

/// Every verdict is the true one; where it stands for a set, as many of each kind as there are in truth.
fn check_truth(world: &World) -> Result<(), TestCaseError> {
    let mut balance: std::collections::BTreeMap<(String, String), i32> = std::collections::BTreeMap::new();
    for (request, verdict, representative) in given(world) {
        let truth = world.truth(request);
        if representative {
            let class = world.requests[request].as_ref().unwrap();
            let class = format!("{} {:?}", class.path, class.answered.map(|answered| answered.2));
            *balance
                .entry((class.clone(), format!("{:?}", Some(verdict))))
                .or_default() += 1;
            *balance.entry((class, format!("{truth:?}"))).or_default() -= 1;
        } else {
            prop_assert_eq!(truth, Some(verdict), "request {}: {}", request, world.describe());
        }
    }
    prop_assert!(
        balance.values().all(|surplus| *surplus == 0),
        "counts differ: {balance:?}"
    );
    Ok(())
}

fn each_once(world: &World) -> Result<(), TestCaseError> {
    let mut ids: Vec<u64> = world.script.requests().map(|request| request.downstream.id.0).collect();
    ids.sort_unstable();
    let over: Vec<u64> = (0..world.requests.len())
        .filter(|request| {
            world.requests[*request]
                .as_ref()
                .is_some_and(|seen| seen.answered.is_some())
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
    fn never_gives_more_than_all_readings_agree_on(
        plans in plans(Kinds { unreadable: true, unfinished: true, ..ORDINARY })
    ) {
        let world = World::run(plans);
        each_once(&world)?;
        let Some(proven) = brute::enumerate(&world) else { return Ok(()) };
        check_proven(&world, &proven)?;
        check_truth(&world)?;
    }

    #[test]
    fn crowds_never_give_more_than_all_readings_agree_on(
        plans in plans(Kinds { unreadable: true, unfinished: true, ..ORDINARY }),
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
        plans in plans(Kinds { ids: true, unreadable: false, unfinished: true, most: 8 })
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
