//! A full line: who leaves, who is turned away.

use proptest::prelude::*;

use super::world::{World, ask, calm};
use crate::config;
use crate::line::{Bound, Why};

/// One place, taken, and a line of those who came: tenant and level.
fn full(config: &config::Queue, came: &[(u8, u8)]) -> World {
    let mut world = World::new(1, config);
    world.come(ask(9, 0, 0)).unwrap();
    for (number, (tenant, level)) in came.iter().enumerate() {
        world.come(ask(*tenant, *level, number as u64)).unwrap();
    }
    world
}

#[test]
fn the_fattest_flow_pays_for_a_newcomer_who_has_less() {
    let config = config::Queue { waiters_max: 4, ..calm() };
    let mut world = full(&config, &[(1, 5), (1, 5), (1, 5), (2, 5)]);
    world.come(ask(3, 5, 10)).unwrap();
    assert_eq!(world.left, [(3, Why::PushedOut(Bound::Waiters(4)))]);
    // Now two of the first, one of each other: nobody has more than the newcomer's tenant would have.
    assert_eq!(world.come(ask(3, 5, 11)).unwrap_err().why, Why::Full(Bound::Waiters(4)));
}

#[test]
fn the_less_urgent_pays_for_the_urgent() {
    let config = config::Queue { waiters_max: 2, ..calm() };
    let mut world = full(&config, &[(1, 7), (1, 8)]);
    world.come(ask(1, 2, 10)).unwrap();
    assert_eq!(world.left, [(2, Why::PushedOut(Bound::Waiters(2)))]);
    assert_eq!(world.come(ask(1, 9, 11)).unwrap_err().why, Why::Full(Bound::Waiters(2)));
}

#[test]
fn a_tenants_own_bound_is_paid_by_itself() {
    let config = config::Queue { tenant_waiters_max: Some(2), ..calm() };
    let mut world = full(&config, &[(1, 5), (1, 5), (2, 9)]);
    assert_eq!(world.come(ask(1, 5, 10)).unwrap_err().why, Why::Full(Bound::TenantWaiters(2)));
    world.come(ask(1, 4, 11)).unwrap();
    assert_eq!(world.left, [(2, Why::PushedOut(Bound::TenantWaiters(2)))]);
}

#[test]
fn a_tenants_own_bound_holds_when_the_line_is_full_too() {
    let config = config::Queue { waiters_max: 3, tenant_waiters_max: Some(1), ..calm() };
    let mut world = full(&config, &[(1, 5), (2, 7), (3, 5)]);
    assert_eq!(world.come(ask(1, 5, 10)).unwrap_err().why, Why::Full(Bound::TenantWaiters(1)));
}

#[test]
fn bytes_are_bounded_and_nobody_leaves_in_vain() {
    let config = config::Queue { waiting_mib_max: 1, ..calm() };
    let mut world = full(&config, &[(1, 8), (1, 8)]);
    let mut large = ask(2, 5, 10);
    large.bytes = 2 << 20;
    assert_eq!(world.come(large.clone()).unwrap_err().why, Why::Full(Bound::Bytes(1 << 20)));
    assert!(world.left.is_empty(), "even an empty line would not hold it");
    large.bytes = 1 << 20;
    world.come(large).unwrap();
    assert_eq!(world.left.len(), 2);
}

#[test]
fn one_with_seniority_takes_the_place_of_a_later_one_of_its_own() {
    let config = config::Queue { waiters_max: 2, ..calm() };
    let mut world = full(&config, &[(1, 5), (1, 5)]);
    let mut senior = ask(1, 5, 0);
    senior.arrived = weir_testkit::at(0);
    world.now_ms = 10;
    world.come(senior).unwrap();
    assert_eq!(world.left, [(2, Why::PushedOut(Bound::Waiters(2)))]);
}

proptest! {
    /// Bounds hold; nobody is shed at one while a less urgent request of the same tenant stays or is served in the same
    /// event.
    #[test]
    fn no_one_is_shed_before_a_less_urgent_one_of_the_same_tenant(
        waiters_max in 1usize..8,
        tenant_max in 1usize..8,
        steps in prop::collection::vec((0u8..3, 0u8..10, prop::bool::weighted(0.2)), 1..120),
    ) {
        let config = config::Queue { waiters_max, tenant_waiters_max: Some(tenant_max), ..calm() };
        let mut world = World::new(2, &config);
        for (number, (tenant, level, gives_back)) in steps.into_iter().enumerate() {
            world.now_ms = number as u64;
            if gives_back && let Some((&id, _)) = world.held.first_key_value() {
                world.give_back(id, None);
            }
            let asked = ask(tenant, level, world.now_ms);
            let known: std::collections::BTreeMap<_, _> =
                world.waiting.iter().map(|(id, (_, ask))| (*id, ask.clone())).collect();
            let came = world.come(asked.clone());
            let pushed = world.left.iter().map(|(id, _)| &known[id]);
            let shed: Vec<_> = pushed.chain(came.is_err().then_some(&asked)).collect();
            let stays = world.waiting.values().map(|(_, ask)| ask);
            let stays: Vec<_> = stays.chain(world.served.iter().map(|id| &world.held[id].1)).collect();
            for shed in shed {
                let worse = stays.iter().find(|other| other.tenant == shed.tenant && other.priority > shed.priority);
                prop_assert!(worse.is_none(), "{shed:?} was shed, {worse:?} stays");
            }
            prop_assert!(world.line.waiting() <= waiters_max);
            for tenant in 0..3 {
                let tenant = super::world::tenant(tenant);
                let own = world.waiting.values().filter(|(_, ask)| ask.tenant == tenant).count();
                prop_assert!(own <= tenant_max);
            }
        }
    }
}
