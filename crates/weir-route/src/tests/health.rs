//! What an endpoint's cost promises.

use std::time::Duration;

use proptest::prelude::*;
use weir_core::Class;
use weir_testkit::at;

use crate::health::Health;

#[test]
fn a_fast_rejection_does_not_make_an_endpoint_attractive() {
    let mut sick = Health::new(10, at(0));
    let mut slow = Health::new(10, at(0));
    slow.first_token(Duration::from_secs(3), at(0));
    sick.first_token(Duration::from_millis(200), at(0));
    assert!(sick.cost(at(0)) < slow.cost(at(0)));
    sick.failed(Class::Overload, None, at(10));
    assert!(sick.cost(at(10)) > slow.cost(at(10)));
    assert!(sick.cost(at(60_000)) < slow.cost(at(60_000)), "the penalty fades");
}

#[test]
fn a_pause_asked_for_is_kept_and_the_longer_one_stands() {
    let mut health = Health::new(10, at(0));
    health.failed(Class::Overload, Some(Duration::from_secs(8)), at(0));
    health.failed(Class::Overload, Some(Duration::from_secs(1)), at(0));
    assert!(!health.is_willing(at(7_999)));
    assert!(health.is_willing(at(8_000)));
    health.failed(Class::Overload, Some(Duration::from_secs(3600)), at(8_000));
    assert!(health.is_willing(at(38_000)), "no service can switch itself off for an hour");
}

#[test]
fn the_callers_mistakes_cost_nothing() {
    let mut health = Health::new(10, at(0));
    let before = health.cost(at(0));
    for class in [Class::Client, Class::ContentFilter, Class::ContextLength] {
        (0..50).for_each(|_| health.failed(class, None, at(0)));
    }
    assert_eq!(health.cost(at(0)).to_bits(), before.to_bits());
    assert!(health.circuit_is_closed());
}

#[test]
fn overload_never_opens_the_circuit() {
    let mut health = Health::new(10, at(0));
    (0..1000).for_each(|_| health.failed(Class::Overload, None, at(0)));
    assert!(health.circuit_is_closed());
    (0..10).for_each(|_| health.failed(Class::Hard, None, at(0)));
    assert!(!health.circuit_is_closed());
}

proptest! {
    #[test]
    fn a_failure_never_lowers_the_cost(
        steps in prop::collection::vec((0u64..20_000, any::<bool>(), 0u64..40_000), 1..100),
    ) {
        let mut health = Health::new(10, at(0));
        let mut now = 0;
        for (wait, fails, took) in steps {
            now += wait;
            let before = health.cost(at(now));
            if fails {
                health.failed(Class::Hard, Some(Duration::from_millis(took)), at(now));
                prop_assert!(health.cost(at(now)) >= before);
            } else {
                health.first_token(Duration::from_millis(took), at(now));
                prop_assert!(health.cost(at(now)).is_finite());
            }
        }
    }
}

#[test]
fn a_dead_key_is_left_alone_for_a_while_and_does_not_attract() {
    let mut health = Health::new(10, at(0));
    let before = health.cost(at(0));
    health.failed(Class::Quota, None, at(0));
    assert!(health.cost(at(0)) > before);
    assert!(!health.is_willing(at(59_999)) && health.is_willing(at(60_000)));
    assert!(health.circuit_is_closed());
}
