//! A line while every endpoint rests: who stays, who goes all the same, and what time does not count.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weir_core::Room;
use weir_testkit::at;

use super::time::paced;
use super::world::{OUTAGE_WAIT, World, ask, calm};
use crate::config;
use crate::line::Why;

/// The room of endpoints that all rest until then, of which one would have two places.
fn resting(until_ms: u64) -> Room {
    Room { now: 0, whole: 2, rests: true, until: Some(at(until_ms)) }
}

#[test]
fn nobody_goes_while_all_rest_and_the_watch_ends_with_the_rest() {
    let mut world = World::new(2, &calm());
    world.room = resting(2_000);
    let waiting: Vec<_> = [7, 2].map(|level| world.come(ask(1, level, 0)).unwrap()).into();
    assert_eq!((world.line.out(), world.line.waiting()), (0, 2));
    // Whoever came first keeps the watch, and looks at the end of the rest.
    world.now_ms = 1_950;
    assert_eq!(world.check(waiting[0]), Some(2_000));
    world.now_ms = 2_000;
    world.room = Room::of(1);
    world.check(waiting[0]);
    assert_eq!(world.served, [waiting[1]], "the urgent first");
}

#[test]
fn with_one_that_serves_and_one_that_rests_the_line_looks_when_the_rest_is_over() {
    let mut world = World::new(1, &calm());
    world.room.until = Some(at(500));
    world.come(ask(1, 5, 0)).unwrap();
    let next = world.come(ask(1, 5, 0)).unwrap();
    assert_eq!(world.check(next), Some(100));
    world.now_ms = 450;
    assert_eq!(world.check(next), Some(500));
    (world.now_ms, world.room) = (500, Room::of(2));
    assert_eq!(world.check(next), None);
    assert_eq!(world.served, [next]);
}

#[test]
fn where_waiting_is_no_use_a_turn_is_given_at_once() {
    let mut world = World::new(2, &calm());
    let patient = |world: &World, patience_ms: u64| {
        let mut ask = ask(1, 5, world.now_ms);
        ask.begin_by = at(world.now_ms + patience_ms);
        ask
    };
    world.room = resting(5_000);
    let (late, in_time) = (patient(&world, 5_000), patient(&world, 5_001));
    let id = world.come(late).unwrap();
    assert!(world.held[&id].0.is_desperate());
    let waiting = world.come(in_time).unwrap();
    assert!(world.waiting.contains_key(&waiting));
    // The rest is prolonged: whoever is in line is told to look again.
    world.now_ms = 100;
    world.room = resting(8_000);
    world.deal();
    assert_eq!(world.looks, [waiting]);
    assert_eq!(world.check(waiting), None);
    assert!(world.held[&waiting].0.is_desperate());
    // But not more of them than there would be room for.
    let third = patient(&world, 1_000);
    let third = world.come(third).unwrap();
    assert_eq!(world.check(third), Some(200), "it looks soon whether there is a place");
    world.give_back(id, None);
    world.now_ms = 200;
    assert_eq!(world.check(third), None);
    assert!(world.held[&third].0.is_desperate());
}

#[test]
fn a_line_waits_for_a_service_no_longer_than_it_may() {
    let mut world = World::new(1, &calm());
    let wait_ms = OUTAGE_WAIT.as_millis() as u64;
    let turn = world.come(ask(1, 5, 0)).unwrap();
    let waiting = world.come(ask(1, 5, 0)).unwrap();
    // That it waited for room before does not count.
    world.now_ms = 60_000;
    world.room = Room { whole: 2, ..resting(80_000) };
    world.give_back(turn, None);
    assert!(world.waiting.contains_key(&waiting));
    world.now_ms = 60_000 + wait_ms;
    world.room = resting(world.now_ms + 10);
    world.check(waiting);
    assert!(world.held[&waiting].0.is_desperate());
    // Where nobody is sure when the service is back, the same holds.
    world.room = Room { until: None, ..world.room };
    let later = world.come(ask(1, 5, world.now_ms)).unwrap();
    world.pass(OUTAGE_WAIT);
    world.check(later);
    assert!(world.held[&later].0.is_desperate());
}

#[test]
fn a_line_does_not_stand_while_nobody_serves() {
    let mut world = World::new(1, &config::Queue::default());
    world.come(ask(9, 5, 0)).unwrap();
    let waiting = world.come(ask(1, 5, 0)).unwrap();
    world.now_ms = 6_000;
    world.deal();
    world.room = resting(26_000);
    for now_ms in (6_100..=26_000).step_by(100) {
        world.now_ms = now_ms;
        world.check(waiting);
    }
    world.room = Room::of(1);
    world.now_ms = 29_900;
    world.check(waiting);
    assert!(world.waiting.contains_key(&waiting), "it has stood for not quite ten seconds");
    world.now_ms = 30_100;
    world.check(waiting);
    assert_eq!(world.left, [(waiting, Why::Standing)]);
}

#[test]
fn a_wait_is_foretold_with_the_rest_and_the_pace_before_it() {
    let (mut world, turn) = paced(&calm());
    world.room = Room { whole: 1, ..resting(world.now_ms + 5_000) };
    world.give_back(turn, None);
    let ask = ask(1, 5, world.now_ms);
    let foreseen = world.line.foresees(world.moment(), &ask.tenant, ask.priority, ask.arrived).unwrap();
    assert!((5.5..6.5).contains(&foreseen.as_secs_f64()), "five of rest, one of work: {foreseen:?}");
}

proptest! {
    /// While all rest, only those go for whom waiting is no use; nobody is forgotten; and nobody is out beyond the whole room.
    #[test]
    fn rests_come_and_go_and_nobody_is_left_in_line(
        phases in prop::collection::vec((any::<bool>(), 100u64..40_000), 1..8),
        came in prop::collection::vec((0u64..60_000, 0u8..10, 50u64..80_000), 1..40),
        whole in 1usize..4,
    ) {
        let mut world = World::new(whole, &calm());
        let mut came = came;
        came.sort_unstable();
        let mut came = came.into_iter().peekable();
        let (mut looks, mut ends) = (BTreeMap::new(), BTreeMap::new());
        let mut phases = phases.into_iter();
        let mut phase_ends_ms = 0;
        for now_ms in (0..160_000).step_by(25) {
            world.now_ms = now_ms;
            if now_ms >= phase_ends_ms {
                let (rests, ms) = phases.next().unwrap_or((false, 200_000));
                phase_ends_ms = now_ms + ms;
                let until = rests.then(|| at(phase_ends_ms));
                world.room = Room { now: if rests { 0 } else { whole }, whole, rests, until };
            }
            let mut events = Vec::new();
            while let Some((_, level, patience_ms)) = came.next_if(|(ms, ..)| *ms <= now_ms) {
                let mut ask = ask(1, level, now_ms);
                ask.begin_by = at(now_ms + patience_ms);
                if let Ok(id) = world.come(ask) {
                    looks.insert(id, now_ms);
                }
                events.push((world.served.clone(), world.looks.clone()));
            }
            let over = |ends: &BTreeMap<usize, u64>| ends.iter().find(|(_, ms)| **ms <= now_ms).map(|(id, _)| *id);
            while let Some(id) = over(&ends) {
                ends.remove(&id);
                world.give_back(id, None);
                events.push((world.served.clone(), world.looks.clone()));
            }
            let due: Vec<_> = world.waiting.keys().copied().filter(|id| looks[id] <= now_ms).collect();
            for id in due.into_iter().chain(events.iter().flat_map(|(_, looks)| looks.clone()).collect::<Vec<_>>()) {
                if world.waiting.contains_key(&id) {
                    if let Some(next) = world.check(id) {
                        looks.insert(id, next);
                    }
                    events.push((world.served.clone(), world.looks.clone()));
                }
            }
            for id in events.iter().flat_map(|(served, _)| served) {
                prop_assert_eq!(world.held[id].0.is_desperate(), world.room.rests, "{} at {} ms", id, now_ms);
                ends.insert(*id, now_ms + 300);
            }
            for (_, told) in &events {
                told.iter().for_each(|id| { looks.insert(*id, now_ms); });
            }
            prop_assert!(world.line.out() <= whole);
            prop_assert!(world.line.waiting() == 0 || world.room.rests || world.line.out() == whole || !looks.is_empty());
        }
        prop_assert_eq!((world.line.waiting(), world.line.out()), (0, 0));
    }
}

#[test]
fn whoever_has_found_a_dead_service_does_not_wait_for_a_moment_beyond_its_patience() {
    let wait_ms = OUTAGE_WAIT.as_millis() as u64;
    let mut world = World::new(2, &calm());
    world.room = resting(1_000);
    world.come(ask(1, 5, 0)).unwrap();
    // Two thirds of its patience later: the rest ends within what is left of it, or not.
    world.now_ms = wait_ms * 2 / 3;
    let back = |_world: &World| crate::line::Ask { returns: true, ..ask(1, 5, 0) };
    world.room = resting(wait_ms - 1);
    let stays = world.come(back(&world)).unwrap();
    assert!(world.waiting.contains_key(&stays));
    world.room = resting(wait_ms + 1);
    let goes = world.come(back(&world)).unwrap();
    assert!(world.held[&goes].0.is_desperate());
    // A newcomer waits: somebody may find out before that the service is back.
    let comes = world.come(ask(1, 5, world.now_ms)).unwrap();
    assert!(world.waiting.contains_key(&comes));
}
