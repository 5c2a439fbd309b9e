//! Where questions are asked again: repeats are what they are said to be, answers age, and what is known stands in for calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use weir_core::{CacheState, Clock, Operation, Request, Trail};
use weir_testkit::chat;

use super::crowd::book;
use super::weir;
use crate::arrivals::Spell;
use crate::house::{BASES, House, Wishes};
use crate::parts::Parts;
use crate::repeats::{Asked, Repeats, Set};
use crate::service::Service;
use crate::targets::{self, Measure};
use crate::trouble::{Model, Trouble, USUAL_FIRST};
use crate::upstreams::Upstreams;
use crate::{Arm, Plan, Score, World, clock, run};

const USUAL: Repeats = Repeats { share: 0.3, questions: 200, exponent: 1.0, life_s: 3_600.0 };

/// Of 200 questions under Zipf's law with exponent 1 the first is asked 1 ÷ (1 + 1/2 + … + 1/200) = 17 % of the time.
#[test]
fn some_questions_are_asked_far_more_often_than_others() {
    let set = Set::new(1, &USUAL);
    let mut asked: HashMap<u32, u32> = HashMap::new();
    (0..100_000).filter(|&number| set.question(number) != number).for_each(|number| {
        *asked.entry(set.question(number)).or_default() += 1;
    });
    let all: u32 = asked.values().sum();
    assert!(all.abs_diff(30_000) < 600, "{all}");
    assert_eq!(asked.len(), 200);
    let most = f64::from(*asked.values().max().unwrap()) / f64::from(all);
    assert!((most - 0.170).abs() < 0.01, "{most}");
}

#[test]
fn who_repeats_at_one_share_asks_the_same_at_a_larger_one() {
    let (few, many) = (Set::new(1, &Repeats { share: 0.15, ..USUAL }), Set::new(1, &USUAL));
    let repeating = (0..1_000).filter(|&number| few.question(number) != number);
    assert!(repeating.clone().all(|number| few.question(number) == many.question(number)));
    assert!((100..200).contains(&repeating.count()));
    let none = Set::new(1, &Repeats { share: 0.0, ..USUAL });
    assert!((0..1_000).all(|number| none.question(number) == number));
}

/// An answer is good for an hour from when it was made, not from when it was last given.
#[test]
fn a_repeat_is_what_was_asked_within_the_life_of_an_answer() {
    let set = Set::new(1, &Repeats { share: 1.0, questions: 1, ..USUAL });
    let mut asked = Asked::new(&USUAL);
    let mut check = |question, s, expected| assert_eq!(asked.is_a_repeat(question, s), expected, "{s}");
    check(set.question(0), 0.0, false);
    check(set.question(1), 3_599.0, true);
    check(set.question(2), 3_600.0, false);
    check(set.question(3), 7_000.0, true);
    check(4, 7_000.0, false);
    check(4, 7_000.0, false);
}

/// Asks the house one question with one answer: what the cache had to do with it; `None` for an error.
async fn ask(house: &House, clock: Clock) -> Option<CacheState> {
    const BODY: &[u8] =
        br#"{"model":"m","messages":[{"role":"user","content":"question 5"}],"stream":true,"temperature":0}"#;
    let (_model, envelope) = weir_wire::envelope::read(Operation::Chat, Bytes::from_static(BODY)).unwrap();
    let received = clock.now();
    let trail = Arc::new(Trail::new(received));
    let request = Arc::new(Request { envelope, received, trail, ..chat("m") });
    let mut answer = house.pipeline.run(&request).await;
    while let Some(Ok(_chunk)) = std::future::poll_fn(|cx| answer.poll_chunk(cx)).await {}
    assert_eq!(request.trail.degraded_how().is_some(), request.trail.cache() == CacheState::HitStale);
    answer.head.status.is_success().then(|| request.trail.cache())
}

/// Fresh for an hour, instead of an error for a day more, while nobody can be reached for a week in all.
#[tokio::test(start_paused = true)]
async fn answers_age_with_virtual_time() {
    const HOUR_S: f64 = 3_600.0;
    let clock = clock::begun();
    let down = Spell { from_s: 1.5 * HOUR_S, until_s: f64::INFINITY };
    let model = Model { first: USUAL_FIRST, trouble: Trouble::Outage(down) };
    let services = vec![(BASES[0], Service::new(clock, clock.now(), model, 1))];
    let wishes = Wishes { parts: Parts::ALL, qps: None, cache_draws_apart: true };
    let house = House::build(Upstreams { clock, book: book(), services }, 1, wishes);
    let began = clock.now();
    let at_hour =
        |hours: f64| tokio::time::sleep_until((began + Duration::from_secs_f64(hours * HOUR_S)).into());
    for (hours, expected) in [
        (0.0, Some(CacheState::Miss)),
        (0.8, Some(CacheState::HitMemory)),
        (1.2, Some(CacheState::Miss)),
        (2.0, Some(CacheState::HitMemory)),
        (3.0, Some(CacheState::HitStale)),
        (24.0, Some(CacheState::HitStale)),
        (160.0, Some(CacheState::HitStale)),
        (170.0, None),
    ] {
        at_hour(hours).await;
        assert_eq!(ask(&house, clock).await, expected, "after {hours} h");
    }
}

/// A score, and weir without its cache beside it.
fn scores(world: World, repeats: f64, seed: u64, requests: u32) -> (Score, Score) {
    let score = run(&Plan { repeats, ..weir(world, 1, seed, requests) });
    let missed: Vec<_> = targets::missed(&score, Measure::BeyondChance).map(|target| target.name).collect();
    assert!(missed.is_empty() && score.broken.is_empty(), "{missed:?}: {score:?}");
    let without = score.known.as_ref().unwrap().without.as_deref().unwrap().clone();
    (score, without)
}

#[test]
fn where_nobody_repeats_a_question_a_cache_changes_nothing() {
    let (score, without) = scores(World::B13, 0.0, 1, 1_000);
    assert!(score.known.unwrap().repeated_share == 0.0 && score.requests == without.requests);
}

#[test]
fn the_more_is_asked_again_the_more_is_answered_at_once() {
    for seed in 1..=2 {
        let (score, without) = scores(World::B13, 0.3, seed, 1_000);
        assert!(score.mean_ms.unwrap() < 0.85 * without.mean_ms.unwrap(), "{score:?}");
        let (half, _) = scores(World::B13, 0.15, seed, 1_000);
        assert!(score.attempts_per_request < half.attempts_per_request, "{score:?}");
    }
}

#[test]
fn among_bursts_what_is_known_is_answered() {
    for seed in 1..=2 {
        let (score, without) = scores(World::B14, 0.3, seed, 1_000);
        assert!(score.answered_share >= without.answered_share, "{score:?}");
    }
}

#[test]
fn stale_answers_stand_in_while_everything_is_down_and_are_marked() {
    let (score, without) = scores(World::B15, 0.3, 1, 1_500);
    let known = score.known.unwrap();
    assert!(known.stale_share > 0.0 && score.degraded_share == known.stale_share, "{known:?}");
    assert!(score.answered_share > without.answered_share + 0.02 && without.degraded_share == 0.0);
    let down = without.known.unwrap().down_answered_share.unwrap();
    assert!(known.down_answered_share.unwrap() > down + 0.2, "{known:?}");
}

#[test]
fn a_world_with_repeats_is_played_alike_by_every_arm() {
    let plan = Plan { repeats: 0.3, ..weir(World::B13, 1, 1, 500) };
    let repeated = |arm| run(&Plan { arm, ..plan }).known.unwrap().repeated_share;
    assert_eq!(repeated(Arm::None), repeated(Arm::Weir));
    let json = || serde_json::to_string(&run(&plan)).unwrap();
    assert_eq!(json(), json());
}
