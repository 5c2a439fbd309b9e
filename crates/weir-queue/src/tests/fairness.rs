//! How tenants share.

use proptest::prelude::*;

use super::world::{World, ask, calm};
use crate::config::{self, Fairness};

/// Tokens that each of two tenants got while both had work all the time, with costs as given.
fn service(room: usize, weight: f64, costs: &[(u16, u16)], rounds: usize) -> Vec<(f64, f64)> {
    let mut world = World::new(room, &calm());
    for _ in 0..room {
        world.come(ask(9, 5, 0)).unwrap();
    }
    let come = |world: &mut World, tenant: u8, at: usize| {
        let (one, two) = costs[at % costs.len()];
        let mut ask = ask(tenant, 5, 0);
        ask.cost = f64::from(if tenant == 1 { one } else { two });
        ask.weight = if tenant == 1 { 1.0 } else { weight };
        world.come(ask).unwrap();
    };
    for round in 0..2 * room + 2 {
        come(&mut world, 1, round);
        come(&mut world, 2, round);
    }
    let (mut got, mut seen) = ((0.0, 0.0), Vec::new());
    for round in 0..rounds {
        let (&id, _) = world.held.first_key_value().unwrap();
        world.give_back(id, None);
        for id in world.served.clone() {
            let from = &world.held[&id].1;
            if from.tenant == super::world::tenant(1) { got.0 += from.cost } else { got.1 += from.cost }
        }
        seen.push(got);
        come(&mut world, 1, round);
        come(&mut world, 2, round);
    }
    seen
}

proptest! {
    /// Two tenants who both wait all the time are never further apart than twice the largest cost.
    #[test]
    fn two_who_both_wait_are_never_far_apart(
        room in 1usize..5,
        costs in prop::collection::vec((1u16..1000, 1u16..1000), 1..20),
    ) {
        let most = costs.iter().map(|(one, two)| *one.max(two)).max().unwrap();
        for (one, two) in service(room, 1.0, &costs, 150) {
            prop_assert!((one - two).abs() <= 2.0 * f64::from(most), "{one} and {two}");
        }
    }
}

#[test]
fn a_weight_of_three_gets_three_times_as_much() {
    let (one, two) = *service(2, 3.0, &[(100, 100)], 200).last().unwrap();
    assert!((two / one - 3.0).abs() < 0.1, "{one} and {two}");
}

#[test]
fn a_quiet_tenant_does_not_wait_for_the_whole_line_of_a_noisy_one() {
    let config = calm();
    let after = |config: &config::Queue| {
        let mut world = World::new(1, config);
        for _ in 0..100 {
            world.come(ask(1, 5, 0)).unwrap();
        }
        let quiet = world.come(ask(2, 5, 1)).unwrap();
        let mut turns = 0;
        while !world.held.contains_key(&quiet) {
            let (&id, _) = world.held.first_key_value().unwrap();
            world.give_back(id, None);
            turns += 1;
        }
        turns
    };
    assert!(after(&config) <= 2);
    assert_eq!(after(&config::Queue { fairness: Fairness::None, ..config }), 100);
}

#[test]
fn idling_banks_no_credit() {
    let mut world = World::new(1, &calm());
    // One tenant works for long, alone.
    for _ in 0..1000 {
        let id = world.come(ask(1, 5, 0)).unwrap();
        world.give_back(id, Some(500.0));
    }
    // Then both want much: the other must not be served a thousand times first.
    world.come(ask(3, 5, 0)).unwrap();
    for _ in 0..20 {
        world.come(ask(2, 5, 0)).unwrap();
        world.come(ask(1, 5, 0)).unwrap();
    }
    let mut got = [0; 4];
    for _ in 0..20 {
        let (&id, _) = world.held.first_key_value().unwrap();
        world.give_back(id, None);
        let (&id, _) = world.held.first_key_value().unwrap();
        got[usize::from(world.held[&id].1.tenant.bytes()[0])] += 1;
    }
    assert_eq!((got[1], got[2]), (10, 10));
}

#[test]
fn what_was_really_used_counts() {
    let mut world = World::new(1, &calm());
    world.come(ask(3, 5, 0)).unwrap();
    for _ in 0..40 {
        world.come(ask(1, 5, 0)).unwrap();
        world.come(ask(2, 5, 0)).unwrap();
    }
    // Both are expected to cost 100; the first really costs 300.
    let mut got = [0.0; 4];
    for _ in 0..40 {
        let (&id, (_, asked)) = world.held.first_key_value().unwrap();
        let from = usize::from(asked.tenant.bytes()[0]);
        let used = if from == 1 { 300.0 } else { 100.0 };
        got[from] += used;
        world.give_back(id, Some(used));
    }
    assert!((got[1] - got[2]).abs() <= 600.0, "{got:?}");
}

#[test]
fn tenants_who_are_gone_are_forgotten() {
    let mut world = World::new(1, &calm());
    for number in 0..20_000u32 {
        let mut ask = ask(0, 5, 0);
        let mut scope = [0; 32];
        scope[..4].copy_from_slice(&number.to_le_bytes());
        ask.tenant = weir_core::Scope::of_hash(scope);
        let id = world.come(ask).unwrap();
        // Debts alone do not keep a tenant for ever.
        world.give_back(id, Some(1e6));
        assert!(world.line.tenants() <= 4096 + 64, "{} tenants", world.line.tenants());
    }
}
