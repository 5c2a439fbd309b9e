//! Deadlines, standing lines, the pace and what is foretold by it.

use std::time::Duration;

use proptest::prelude::*;
use weir_testkit::at;

use super::world::{PATIENT_MS, World, ask, calm};
use crate::config;
use crate::line::Why;

/// Lets time pass until `end_ms`; everyone in line checks exactly when they were told to. Who left, and when.
fn run(world: &mut World, end_ms: u64) -> Vec<(u64, usize, Why)> {
    let mut gone = Vec::new();
    let mut next: std::collections::BTreeMap<usize, u64> = std::collections::BTreeMap::new();
    loop {
        for id in world.waiting.keys().copied().collect::<Vec<_>>() {
            if world.waiting.contains_key(&id) && next.get(&id).is_none_or(|next| *next <= world.now_ms) {
                if let Some(at) = world.check(id) {
                    assert!(at > world.now_ms, "{id} would check for ever at {at}");
                    next.insert(id, at);
                }
                gone.extend(world.left.iter().map(|(id, why)| (world.now_ms, *id, *why)));
            }
        }
        let soonest = world.waiting.keys().filter_map(|id| next.get(id)).min().copied();
        match soonest {
            Some(soonest) if soonest <= end_ms => world.now_ms = soonest.max(world.now_ms),
            _ => break,
        }
    }
    world.now_ms = end_ms;
    gone
}

proptest! {
    /// Whoever is not served until `begin_by` leaves in that very moment, and nobody is served then or later.
    #[test]
    fn expiry_is_exact(
        came in prop::collection::vec((0u8..3, 0u8..10, 1u64..5_000, 0u64..300), 1..40),
        every_ms in 50u64..500,
    ) {
        let mut world = World::new(1, &calm());
        let holder = world.come(ask(9, 0, 0)).unwrap();
        let mut begin_by = std::collections::BTreeMap::new();
        for (tenant, level, patience_ms, apart_ms) in came {
            let end = world.now_ms + apart_ms;
            for (when, id, why) in run(&mut world, end) {
                prop_assert_eq!((begin_by[&id], why), (when, Why::Timeout));
            }
            let mut ask = ask(tenant, level, world.now_ms);
            ask.begin_by = at(world.now_ms + patience_ms);
            let id = world.come(ask).unwrap();
            begin_by.insert(id, world.now_ms + patience_ms);
        }
        let mut turn = holder;
        while !world.waiting.is_empty() {
            let end = world.now_ms + every_ms;
            for (when, id, why) in run(&mut world, end) {
                prop_assert_eq!((begin_by[&id], why), (when, Why::Timeout));
            }
            world.give_back(turn, None);
            match world.served.first() {
                Some(next) => turn = *next,
                None => break,
            }
        }
        prop_assert_eq!(world.line.waiting(), 0);
    }
}

#[test]
fn in_a_standing_line_waits_are_cut_short_by_class() {
    let mut world = World::new(1, &config::Queue::default());
    world.come(ask(9, 0, 0)).unwrap();
    let first: Vec<_> = [0, 2, 5, 8].map(|level| world.come(ask(1, level, 0)).unwrap()).into();
    run(&mut world, 9_000);
    let second: Vec<_> = [0, 2, 5, 8].map(|level| world.come(ask(1, level, 9_000)).unwrap()).into();
    let gone = run(&mut world, 60_000);
    let expected = [(10_000, first[0]), (10_000, first[1]), (10_000, first[2]), (12_000, second[2])];
    let later = [(15_000, second[1]), (18_000, second[0])];
    let expected: Vec<_> =
        expected.into_iter().chain(later).map(|(when, id)| (when, id, Why::Standing)).collect();
    assert_eq!(gone, expected);
    assert_eq!(world.line.waiting(), 2, "bulk work waits until its own deadline");
}

#[test]
fn nobody_is_sent_away_from_a_standing_line_while_places_are_kept_for_others() {
    let mut world = World::new(4, &config::Queue::default());
    for _ in 0..3 {
        world.come(ask(1, 5, 0)).unwrap();
    }
    let urgent = world.come(ask(2, 0, 0)).unwrap();
    let waiting: Vec<_> = (0..2).map(|_| world.come(ask(1, 5, 0)).unwrap()).collect();
    world.give_back(urgent, None);
    assert_eq!((world.line.out(), world.line.waiting()), (3, 2), "the fourth place is kept for the urgent");
    let gone = run(&mut world, 15_000);
    assert_eq!(gone, [(10_000, waiting[1], Why::Standing)], "there is no place for the second");
    assert!(world.held.contains_key(&waiting[0]), "it got the place that was free all the time");
}

#[test]
fn a_line_that_empties_now_and_then_is_only_a_burst() {
    let mut world = World::new(1, &config::Queue::default());
    let mut turn = world.come(ask(9, 5, 0)).unwrap();
    for _ in 0..10 {
        let next = world.come(ask(1, 5, world.now_ms)).unwrap();
        let end = world.now_ms + 9_000;
        assert_eq!(run(&mut world, end), []);
        world.give_back(turn, None);
        turn = next;
    }
}

/// A line of one place at which an answer takes a second, seen often enough that the pace is known.
pub(super) fn paced(config: &config::Queue) -> (World, usize) {
    let mut world = World::new(1, config);
    let mut turn = world.come(ask(9, 0, 0)).unwrap();
    for _ in 0..20 {
        let next = world.come(ask(9, 0, world.now_ms)).unwrap();
        world.pass(Duration::from_secs(1));
        world.give_back(turn, None);
        turn = next;
    }
    (world, turn)
}

#[test]
fn what_would_come_too_late_is_refused_at_the_door() {
    let (mut world, _) = paced(&calm());
    for _ in 0..4 {
        world.come(ask(1, 5, world.now_ms)).unwrap();
    }
    let mut come = |from: u8, level: u8, patience_ms: u64| {
        let mut ask = ask(from, level, world.now_ms);
        ask.begin_by = at(world.now_ms + patience_ms);
        world.come(ask)
    };
    let late = come(1, 5, 4_000).unwrap_err();
    assert_eq!(late.why, Why::TooLate);
    assert!((4.5..5.5).contains(&late.wait.unwrap().as_secs_f64()), "five turns at one a second: {late:?}");
    // More urgent, or of a tenant with less: its turn comes sooner.
    come(1, 2, 2_000).unwrap();
    come(2, 5, 4_000).unwrap();
    come(1, 5, 9_000).unwrap();
}

#[test]
fn nobody_is_refused_before_the_pace_is_known() {
    let mut world = World::new(1, &calm());
    world.come(ask(9, 0, 0)).unwrap();
    for _ in 0..100 {
        let mut ask = ask(1, 5, 0);
        ask.begin_by = at(10);
        world.come(ask).unwrap();
    }
}

#[test]
fn a_burst_after_a_quiet_hour_is_not_told_the_quiet_hours_pace() {
    let mut world = World::new(10, &calm());
    // One answer of two seconds every minute: the pace of the demand, not of the service.
    for _ in 0..60 {
        let id = world.come(ask(1, 5, world.now_ms)).unwrap();
        world.pass(Duration::from_secs(2));
        world.give_back(id, None);
        world.pass(Duration::from_secs(58));
    }
    for _ in 0..20 {
        world.come(ask(1, 5, world.now_ms)).unwrap();
    }
    let look = world.line.look(world.moment());
    assert_eq!(look.predicted_wait, Duration::from_secs(2), "ten more at five a second");
}

#[test]
fn a_stalled_service_is_foretold_as_one() {
    let (mut world, _) = paced(&calm());
    world.come(ask(1, 5, world.now_ms)).unwrap();
    world.pass(Duration::from_secs(60));
    let look = world.line.look(world.moment());
    assert!(look.predicted_wait > Duration::from_secs(600), "{look:?}");
}

#[test]
fn the_look_tells_how_the_line_stands() {
    let mut world = World::new(1, &config::Queue::default());
    let holder = world.come(ask(9, 5, 0)).unwrap();
    let mut waiting = ask(1, 5, 0);
    (waiting.bytes, waiting.begin_by) = (7, at(PATIENT_MS));
    world.come(waiting).unwrap();
    world.pass(Duration::from_secs(3));
    let look = world.line.look(world.moment());
    assert_eq!((look.waiting, look.bytes, look.out, look.room), (1, 7, 1, 1));
    assert_eq!(
        (look.shortest_wait, look.standing),
        (Duration::from_secs(3), false),
        "nobody was served lately"
    );
    world.pass(Duration::from_secs(7));
    assert!(world.line.look(world.moment()).standing);
    world.give_back(holder, None);
    let look = world.line.look(world.moment());
    assert_eq!((look.waiting, look.standing), (0, false));
    assert_eq!(look.predicted_wait, Duration::ZERO);
}

/// A busy tenant's line is its own: urgent requests and other tenants are foretold their own wait.
#[test]
fn everyone_is_foretold_their_own_wait() {
    let mut world = World::new(10, &calm());
    // Ten at a time, each for a second: ten a second.
    for round in 0..3 {
        world.now_ms = round * 1_000;
        let held: Vec<_> = world.held.keys().copied().collect();
        held.into_iter().for_each(|id| world.give_back(id, None));
        for _ in 0..40 {
            world.come(ask(1, 5, world.now_ms)).unwrap();
        }
    }
    let waiting = world.waiting.len() as f64;
    let foretold = |tenant: u8, level: u8| {
        let ask = ask(tenant, level, world.now_ms);
        world.line.foresees(world.moment(), &ask.tenant, ask.priority, ask.arrived).unwrap().as_secs_f64()
    };
    assert!(foretold(1, 5) > waiting / 20.0, "{}", foretold(1, 5));
    assert!(foretold(2, 5) < 0.5 && foretold(1, 2) < 0.5, "{} {}", foretold(2, 5), foretold(1, 2));
    assert!(foretold(2, 8) > waiting / 20.0, "{}", foretold(2, 8));
}
