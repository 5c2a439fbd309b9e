//! Who goes first, and what it takes to be passed.

use std::time::Duration;

use proptest::prelude::*;
use weir_testkit::at;

use super::world::{World, ask, calm};
use crate::config::{self, Order};

/// One place, held by 0; the others come a second apart in the given levels: the order in which they are served.
fn order_of(config: &config::Queue, levels: &[u8]) -> Vec<usize> {
    let mut world = World::new(1, config);
    world.come(ask(1, 0, 0)).unwrap();
    for level in levels {
        world.pass(Duration::from_secs(1));
        world.come(ask(1, *level, world.now_ms)).unwrap();
    }
    let mut order = Vec::new();
    while let Some((&id, _)) = world.held.first_key_value() {
        order.push(id);
        world.give_back(id, None);
    }
    order
}

#[test]
fn the_urgent_go_first_and_equals_in_order_of_arrival() {
    assert_eq!(order_of(&calm(), &[8, 5, 5, 0]), [0, 4, 2, 3, 1]);
}

#[test]
fn a_level_is_worth_ten_seconds_of_waiting() {
    // 1 comes at 1 s in level 6; 12 comes at 12 s in level 5: it is later by more than a level.
    let levels = [6, 9, 9, 9, 9, 9, 9, 9, 9, 9, 6, 5];
    assert_eq!(order_of(&calm(), &levels)[..3], [0, 1, 11 + 1]);
    let strict = config::Queue { order: Order::Strict, ..calm() };
    assert_eq!(order_of(&strict, &levels)[..3], [0, 12, 1]);
}

#[test]
fn one_that_is_too_big_is_overtaken_eight_times_and_no_more() {
    let mut world = World::new(4, &calm());
    let first: Vec<_> = (0..4).map(|_| world.come(ask(1, 5, 0)).unwrap()).collect();
    let mut big = ask(2, 5, 0);
    big.seats = 3;
    let big = world.come(big).unwrap();
    let small: Vec<_> = (0..20).map(|_| world.come(ask(3, 5, 1)).unwrap()).collect();
    let mut overtakers = 0;
    let mut holders = first;
    while !world.held.contains_key(&big) {
        world.give_back(holders.remove(0), None);
        overtakers += world.served.iter().filter(|id| small.contains(id)).count();
        holders.extend(world.served.iter().copied());
        assert!(overtakers <= 8, "overtaken {overtakers} times");
    }
    assert_eq!(overtakers, 8);
}

#[test]
fn one_bigger_than_the_room_takes_the_room() {
    let mut world = World::new(3, &calm());
    let mut big = ask(1, 5, 0);
    big.seats = 50;
    let big = world.come(big).unwrap();
    assert_eq!((world.line.out(), world.held.contains_key(&big)), (3, true));
}

#[test]
fn bulk_alone_uses_everything_and_leaves_free_what_the_urgent_needed_lately() {
    let mut world = World::new(10, &calm());
    let urgent: Vec<_> = (0..4).map(|_| world.come(ask(1, 1, 0)).unwrap()).collect();
    for _ in 0..20 {
        world.come(ask(2, 8, 0)).unwrap();
    }
    assert_eq!(world.line.out(), 10);
    for id in urgent {
        world.give_back(id, None);
    }
    // Four places stay free for those who had them just now …
    assert_eq!((world.line.out(), world.line.waiting()), (6, 14));
    let back = world.come(ask(1, 1, 0)).unwrap();
    assert!(world.held.contains_key(&back), "it found its headroom");
    world.give_back(back, None);
    // … and are let go bit by bit; whoever keeps the watch notices.
    let watch = *world.waiting.first_key_value().unwrap().0;
    assert_eq!(world.check(watch), Some(100));
    world.pass(Duration::from_secs(15));
    world.check(watch);
    assert_eq!(world.line.out(), 8);
    world.pass(Duration::from_secs(60));
    world.deal();
    assert_eq!(world.line.out(), 10);
}

#[test]
fn a_class_at_its_ceiling_blocks_nobody_and_may_always_have_one() {
    let mut world = World::new(10, &calm());
    let urgent: Vec<_> = (0..10).map(|_| world.come(ask(1, 1, 0)).unwrap()).collect();
    let bulk: Vec<_> = (0..3).map(|_| world.come(ask(2, 8, 0)).unwrap()).collect();
    let held = |world: &World, ids: &[usize]| ids.iter().filter(|id| world.held.contains_key(id)).count();
    world.give_back(urgent[0], None);
    assert_eq!(held(&world, &bulk), 1, "nothing of its class is in flight");
    world.give_back(urgent[1], None);
    assert_eq!(held(&world, &bulk), 1, "the others need it");
    world.come(ask(3, 0, 0)).unwrap();
    assert_eq!(world.line.out(), 10, "the more urgent passes");
}

proptest! {
    /// Whatever comes and goes, one tenant's requests of one level are served in the order of their arrival.
    #[test]
    fn one_tenant_alone_is_exact_fifo(
        room in 1usize..4,
        steps in prop::collection::vec((0u64..30_000, any::<bool>()), 1..120),
    ) {
        let mut world = World::new(room, &calm());
        world.now_ms = 100_000;
        let mut waiting: Vec<(std::time::Instant, usize)> = Vec::new();
        for (ago_ms, comes) in steps {
            world.served.clear();
            if comes {
                let mut ask = ask(1, 5, world.now_ms);
                ask.arrived = at(world.now_ms - ago_ms);
                let arrived = ask.arrived;
                let id = world.come(ask).unwrap();
                if world.waiting.contains_key(&id) {
                    waiting.push((arrived, id));
                    waiting.sort_unstable();
                }
            } else if let Some((&id, _)) = world.held.first_key_value() {
                world.give_back(id, None);
                let due = if waiting.is_empty() { vec![] } else { vec![waiting.remove(0).1] };
                prop_assert_eq!(&world.served, &due);
            }
        }
    }
}
