//! Weir in every world: what must always hold does, and targets are met.

use super::weir;
use crate::targets::{self, Measure, Target};
use crate::{Score, World, run};

/// The targets that are asserted.
fn is_asserted(target: &Target) -> bool {
    const KEPT: [&str; 4] = ["B1 cost", "B3 goodput", "B6 honesty", "B7 recovery"];
    KEPT.contains(&target.name)
}

fn scores(upstreams: usize) -> Vec<Score> {
    // A full service needs some time to be as full as it will be.
    let requests = |world| if world == World::B3 { 1_000 } else { 400 };
    // Those with repeats have tests of their own.
    let worlds = World::ALL.into_iter().filter(|world| !world.is_about_repeats());
    worlds.map(|world| run(&weir(world, upstreams, 11, requests(world)))).collect()
}

#[track_caller]
fn check(upstreams: usize) {
    for score in scores(upstreams) {
        assert!(score.broken.is_empty(), "{score:?}");
        assert_eq!(score.false_share, 0.0, "{score:?}");
        let missed: Vec<_> = targets::missed(&score, Measure::BeyondChance)
            .filter(|target| is_asserted(target))
            .map(|target| target.name)
            .collect();
        assert!(missed.is_empty(), "{missed:?}: {score:?}");
    }
}

#[test]
fn with_one_service_promises_are_kept() {
    check(1);
}

#[test]
fn with_two_services_promises_are_kept() {
    check(2);
}

/// One caller beside whom others hardly wait longer than alone: on average over some runs, since in one of them eight
/// requests are slower than the p99.
fn check_waits(world: World, ratio_max: f64) {
    let scores: Vec<_> = (1..=2).map(|seed| run(&weir(world, 1, seed, 5_000))).collect();
    let crowded: Vec<_> = scores.iter().map(|score| score.crowded.as_ref().unwrap()).collect();
    let ratio = crowded.iter().map(|crowded| crowded.ratio()).sum::<f64>() / crowded.len() as f64;
    assert!(ratio <= ratio_max, "{}: waits are {ratio} times as long", world.name());
    for (score, crowded) in scores.iter().zip(crowded) {
        assert!(score.broken.is_empty(), "{score:?}");
        assert!(crowded.guarded_answered_share >= 0.999, "{crowded:?}");
        let waits = |target: &&Target| target.name.ends_with("waits");
        let missed: Vec<_> = targets::missed(score, Measure::Plain)
            .filter(|target| !waits(target))
            .map(|target| target.name)
            .collect();
        assert!(missed.is_empty(), "{missed:?}: {score:?}");
    }
}

#[test]
fn quiet_callers_hardly_notice_a_noisy_one() {
    check_waits(World::B8, 1.3);
}

#[test]
fn people_hardly_notice_a_flood_of_bulk_work() {
    check_waits(World::B9, 1.2);
}

#[test]
fn a_walk_through_all_levels_costs_hardly_any_goodput() {
    let score = run(&weir(World::B10, 1, 1, 600));
    let missed: Vec<_> = targets::missed(&score, Measure::BeyondChance).map(|target| target.name).collect();
    assert!(missed.is_empty() && score.broken.is_empty(), "{missed:?}: {score:?}");
}

#[test]
fn a_share_near_to_one_is_missed_only_beyond_chance() {
    let score = |requests: u32, failed: u32, measure| {
        let mut score = run(&weir(World::B1, 1, 1, 100));
        score.requests = requests;
        score.answered_share = 1.0 - f64::from(failed) / f64::from(requests);
        targets::missed(&score, measure).any(|target| target.name == "B1 answered")
    };
    let check = |requests, failed, missed| {
        let found = score(requests, failed, Measure::BeyondChance);
        assert_eq!(found, missed, "{failed} of {requests}");
    };
    check(1_000, 0, false);
    check(1_000, 4, false);
    check(1_000, 6, true);
    check(10_000, 3, false);
    check(10_000, 15, true);
    check(4_000_000, 1_200, false);
    check(4_000_000, 1_400, true);
    assert!(score(10_000, 4, Measure::Plain) && !score(10_000, 3, Measure::Plain));
}
