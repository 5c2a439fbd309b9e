//! Who is held back, and who never is.

use weir_core::Chance;
use weir_testkit::at;

use crate::throttle::Throttle;

/// Ten wishes a second for so many seconds, at a service that takes the share `takes` of the calls it gets. Gives the share
/// of the wishes of the last minute that was held back.
fn held(seconds: u64, takes: impl Fn(u64) -> f64) -> f64 {
    let chance = Chance::seeded(7);
    let mut throttle = Throttle::new(at(0));
    let mut held = 0_u32;
    for wish in 0..seconds * 10 {
        let now = at(wish * 100);
        if throttle.holds(chance.unit(), now) {
            held += u32::from(wish >= (seconds - 60) * 10);
        } else if chance.unit() < takes(wish / 10) {
            throttle.taken(now);
        } else {
            throttle.refused(now);
        }
    }
    f64::from(held) / 600.0
}

#[test]
fn a_service_that_takes_at_least_half_gets_everything() {
    assert!(held(120, |_| 1.0) < f64::EPSILON);
    assert!(held(120, |_| 0.78) < 0.001);
}

#[test]
fn one_that_takes_a_fifth_is_spared_most_of_what_it_would_refuse() {
    // In balance: sent = (1 − held) · wishes, taken = sent / 5, held = 1 − 2 · taken / wishes.
    let share = held(400, |_| 0.2);
    assert!((0.8..=0.92).contains(&share), "{share}");
}

#[test]
fn one_that_comes_back_has_its_traffic_back_soon() {
    let share = held(210, |s| if s < 120 { 0.0 } else { 1.0 });
    assert!(share < 0.01, "{share} held back from half a minute after on");
}

#[test]
fn a_few_refusals_mean_nothing_and_calls_under_way_even_less() {
    let mut throttle = Throttle::new(at(0));
    for ms in 0..19 {
        assert!(!throttle.holds(0.0, at(ms)));
        throttle.refused(at(ms));
    }
    let mut throttle = Throttle::new(at(0));
    for ms in 0..1_000 {
        assert!(!throttle.holds(0.0, at(ms)));
    }
}
