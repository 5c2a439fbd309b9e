//! What each way a call can end tells an endpoint's machines.

use std::time::Duration;

use proptest::prelude::*;
use weir_core::Class;
use weir_testkit::at;

use super::POLICY;
use crate::health::{Failed, Health, Standing};
use crate::limiter::Bounds;

fn health() -> Health {
    Health::new(Bounds::fixed(100), &POLICY, at(0))
}

fn begin(health: &mut Health, took: u64, ms: u64) {
    let mut call = health.sent(true, 1.0, true, at(ms));
    health.began(&mut call, None, 0.0, at(ms + took));
    health.ended(&call);
}

fn fail(health: &mut Health, class: Class, retry_after: Option<u64>, ms: u64) -> Class {
    let call = health.sent(true, 1.0, true, at(ms));
    let retry_after = retry_after.map(Duration::from_secs);
    health.failed(call, Failed { class, retry_after, jitter: 0.0, now: at(ms) }).class
}

fn cost(health: &Health, ms: u64) -> f64 {
    health.look(at(ms)).cost()
}

#[test]
fn a_fast_rejection_does_not_make_an_endpoint_attractive() {
    let (mut sick, mut slow) = (health(), health());
    begin(&mut slow, 3_000, 0);
    begin(&mut sick, 200, 0);
    assert!(cost(&sick, 3_000) < cost(&slow, 3_000));
    fail(&mut sick, Class::Overload, None, 3_000);
    assert!(cost(&sick, 3_000) > cost(&slow, 3_000));
    assert!(cost(&sick, 60_000) < cost(&slow, 60_000), "the penalty fades");
}

#[test]
fn overload_never_opens_the_circuit() {
    let mut health = health();
    for ms in 0..1_000 {
        fail(&mut health, if ms % 2 == 0 { Class::Overload } else { Class::OwnLimit }, None, ms);
    }
    assert!(health.circuit.is_closed());
    assert_eq!(health.standing(at(1_000)), Standing::Cooling);
    for _ in 0..10 {
        fail(&mut health, Class::Hard, None, 1_000);
    }
    assert!(matches!(health.standing(at(1_000)), Standing::Shut(_)));
}

#[test]
fn a_service_that_refuses_a_fifth_of_its_calls_keeps_its_traffic() {
    let mut health = health();
    for call in 0..1_000 {
        if call % 5 == 0 {
            fail(&mut health, Class::Overload, None, call * 100);
        } else {
            begin(&mut health, 300, call * 100);
        }
        assert_eq!(health.standing(at(call * 100)), Standing::Willing);
    }
}

#[test]
fn the_callers_mistakes_cost_nothing() {
    let mut health = health();
    let before = cost(&health, 0);
    for class in [Class::Client, Class::ContentFilter, Class::ContextLength, Class::Deadline] {
        for _ in 0..50 {
            fail(&mut health, class, Some(9), 0);
        }
    }
    assert_eq!(cost(&health, 0).to_bits(), before.to_bits());
    assert_eq!(health.standing(at(0)), Standing::Willing);
}

#[test]
fn a_dead_key_is_left_alone_for_a_while_and_does_not_attract() {
    let mut health = health();
    let before = cost(&health, 0);
    fail(&mut health, Class::Quota, None, 0);
    assert!(cost(&health, 0) > before && health.circuit.is_closed());
    assert_eq!(health.standing(at(59_999)), Standing::Keyless(at(60_000)));
    assert_eq!(health.standing(at(60_000)), Standing::Willing);
}

#[test]
fn a_short_retry_after_rests_it_just_so_long() {
    let mut health = health();
    fail(&mut health, Class::Overload, Some(2), 0);
    assert_eq!(health.standing(at(1_999)), Standing::Paused(at(2_000)));
    assert_eq!(health.standing(at(2_000)), Standing::Willing);
    fail(&mut health, Class::Hard, Some(3), 2_000);
    assert_eq!(health.standing(at(2_000)), Standing::Paused(at(5_000)));
}

#[test]
fn several_rests_end_with_the_last_of_them() {
    let mut health = health();
    fail(&mut health, Class::Auth, None, 0);
    for _ in 0..10 {
        fail(&mut health, Class::Hard, Some(20), 59_000);
    }
    assert_eq!(health.standing(at(59_000)), Standing::Keyless(at(79_000)));
    assert_eq!(health.standing(at(60_000)), Standing::Shut(at(79_000)));
}

#[test]
fn an_overload_at_the_top_of_the_load_is_of_its_own_making() {
    let mut health = health();
    let mut calls: Vec<_> = (0..50).map(|_| health.sent(true, 1.0, true, at(0))).collect();
    calls.iter_mut().for_each(|call| health.began(call, None, 0.0, at(100)));
    for _ in 0..11 {
        fail(&mut health, Class::Overload, None, 200);
    }
    assert_eq!(fail(&mut health, Class::Overload, None, 200), Class::OwnLimit);
    calls.drain(10..).for_each(|call| health.ended(&call));
    assert_eq!(fail(&mut health, Class::Overload, None, 300), Class::Overload);
    assert_eq!(fail(&mut health, Class::Hard, None, 300), Class::Hard);
}

#[test]
fn a_call_that_was_given_up_for_slowness_counts_with_the_time_it_was_given() {
    let (mut late, mut outrun) = (health(), health());
    for ms in 0..30 {
        let call = late.sent(true, 1.0, true, at(ms));
        let timeout = Failed { class: Class::Timeout, retry_after: None, jitter: 0.0, now: at(ms + 10_000) };
        late.failed(call, timeout);
        let call = outrun.sent(true, 1.0, true, at(ms));
        outrun.outrun(&call, at(ms + 10_000));
    }
    for health in [&mut late, &mut outrun] {
        let usual = health.first_token.quantile(0.5, 1.0, at(10_030)).unwrap();
        assert!(usual > Duration::from_secs(9), "{usual:?}");
        assert!(health.look(at(10_030)).wait_s > 9.0);
        assert_eq!(health.in_flight(), 0);
    }
    assert!(outrun.circuit.is_closed() && !late.circuit.is_closed());
}

#[test]
fn a_refused_beginning_is_not_offered_again_for_an_hour() {
    let mut health = health();
    assert!(health.takes_prefill(at(0)));
    health.prefill_refused(at(0));
    assert!(!health.takes_prefill(at(3_599_999)));
    assert!(health.takes_prefill(at(3_600_000)));
}

proptest! {
    #[test]
    fn a_failure_never_lowers_the_cost(
        steps in prop::collection::vec((0u64..20_000, 0usize..20, 0u64..40), 1..200),
    ) {
        let mut health = health();
        let mut now = 0;
        for (wait, what, seconds) in steps {
            now += wait;
            match Class::ALL.get(what) {
                Some(class) => {
                    let before = cost(&health, now);
                    fail(&mut health, *class, Some(seconds), now);
                    prop_assert!(cost(&health, now) >= before, "{class:?}");
                }
                None => begin(&mut health, seconds * 100, now),
            }
            prop_assert!(cost(&health, now).is_finite());
            prop_assert_eq!(health.in_flight(), 0);
        }
    }
}
