//! What becomes of requests without weir is what can be worked out beforehand; a run can be repeated.

use super::weir;
use crate::{Arm, Plan, Score, World, run};

/// The scores of some seeds, pooled.
fn pooled(world: World, arm: Arm, seeds: u64, requests: u32) -> Score {
    let mut scores = (1..=seeds).map(|seed| run(&Plan { arm, ..weir(world, 1, seed, requests) }));
    let mut pooled = scores.next().unwrap();
    scores.for_each(|score| pooled.pool(&score));
    pooled
}

#[track_caller]
fn check(what: &str, value: f64, expected: f64, give: f64) {
    assert!((value - expected).abs() <= give, "{what} is {value}, not {expected} give or take {give}");
}

/// p = .78: 78 % at once, 98.94 % within three tries, at 1 + .22 + .22² calls.
#[test]
fn independent_refusals_are_saved_by_independent_tries() {
    let none = pooled(World::B1, Arm::None, 1, 4_000);
    check("answered", none.answered_share, 0.78, 0.02);
    check("calls", none.attempts_per_request, 1.0, 0.0);
    let client = pooled(World::B1, Arm::Client, 1, 4_000);
    check("answered", client.answered_share, 0.9894, 0.006);
    check("calls", client.attempts_per_request, 1.2684, 0.03);
}

/// The second and the third try come 0.48 s and 0.92 s after the one before, when still 81 % and 67 % of
/// them are refused. They see some thirty bursts, hence the wide limits; how long they last is tested with
/// the models.
#[test]
fn bursts_outlast_an_sdks_retries() {
    let none = pooled(World::B2, Arm::None, 2, 1_500);
    check("answered", none.answered_share, 0.78, 0.13);
    let client = pooled(World::B2, Arm::Client, 2, 1_500);
    let saved = 1.0 - client.shed_share / none.shed_share;
    check("saved of those refused at once", saved, 1.0 - 0.81 * 0.67, 0.25);
}

/// Retries do not make room: goodput stays, load nearly doubles.
#[test]
fn retries_only_add_to_the_load_of_a_full_service() {
    let none = pooled(World::B3, Arm::None, 1, 3_000);
    check("answered", none.answered_share, 0.78, 0.02);
    check("goodput", none.goodput_share_of_capacity.unwrap(), 0.965, 0.025);
    let client = pooled(World::B3, Arm::Client, 1, 3_000);
    check("answered", client.answered_share, 0.80, 0.03);
    check("load", client.load_share_of_offered, 1.9, 0.15);
}

/// Of 160 s, 60 are lost, and what is being answered when they begin: four more.
#[test]
fn an_outage_cannot_be_retried_away() {
    let none = pooled(World::B4a, Arm::None, 1, 2_000);
    check("answered", none.answered_share, 96.0 / 160.0, 0.04);
    check("load", none.load_in_trouble.unwrap(), 1.0, 0.0);
    assert!(none.cut_share > 0.0, "an outage cuts what is being answered");
    assert!(none.recovery_s.unwrap() <= 1, "nothing is left of an outage without anyone's memory of it");
    let client = pooled(World::B4a, Arm::Client, 1, 2_000);
    check("load", client.load_in_trouble.unwrap(), 2.97, 0.05);
    let long = pooled(World::B4b, Arm::None, 1, 1_500);
    check("answered", long.answered_share, 100.0 / 700.0, 0.05);
}

#[test]
fn late_first_tokens_are_waited_for() {
    let none = pooled(World::B5, Arm::None, 1, 2_000);
    assert!(none.answered_share > 0.997, "{none:?}");
    check("p99", none.p99_ms.unwrap(), 17_700.0, 4_000.0);
}

/// A clean end on a dead stream is what an SDK takes for an answer: a quarter of 3 %.
#[test]
fn broken_streams_fool_an_sdk() {
    for arm in [Arm::None, Arm::Client] {
        let score = pooled(World::B6, arm, 1, 3_000);
        check("answered", score.answered_share, 0.97, 0.01);
        check("false", score.false_share, 0.0075, 0.005);
        check("all", score.answered_share + score.shed_share + score.false_share, 1.0, 1e-5);
    }
}

#[test]
fn a_spike_beyond_the_room_is_refused_and_goes_by() {
    let none = pooled(World::B7, Arm::None, 1, 3_000);
    check("goodput", none.goodput_share_of_capacity.unwrap(), 1.0, 0.05);
    check("answered", none.answered_share, 0.65, 0.04);
}

#[test]
fn the_same_seed_gives_the_same_score_to_the_byte() {
    let json = |world, seed| serde_json::to_string(&run(&weir(world, 2, seed, 300))).unwrap();
    for world in [World::B2, World::B3, World::B5, World::B6, World::B8, World::B12] {
        assert_eq!(json(world, 7), json(world, 7));
        assert_ne!(json(world, 7), json(world, 8));
    }
}

#[test]
fn every_arm_meets_the_same_requests() {
    for world in [World::B4a, World::B7, World::B9, World::B12] {
        let requests = |arm| run(&Plan { arm, ..weir(world, 1, 3, 500) }).requests;
        assert_eq!(requests(Arm::None), requests(Arm::Client));
        assert_eq!(requests(Arm::None), requests(Arm::Weir));
    }
}
