//! What balancing sees of an endpoint's speed.

use std::time::Duration;

use proptest::prelude::*;
use weir_testkit::at;

use crate::latency::Latency;

fn seconds(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

#[test]
fn a_slow_answer_counts_at_once_and_a_fast_one_by_and_by() {
    let mut latency = Latency::new(at(0));
    latency.began(seconds(0.2), true, at(0));
    assert!((latency.average_s(at(0)) - 0.2).abs() < 1e-9, "the first sample replaces the guess");
    latency.began(seconds(4.0), true, at(0));
    assert!((latency.average_s(at(0)) - 4.0).abs() < 1e-9);
    latency.began(seconds(0.2), true, at(100));
    let after = latency.average_s(at(100));
    assert!(after > 3.0 && after < 4.0, "{after}");
}

#[test]
fn a_bad_memory_of_an_idle_endpoint_fades() {
    let mut latency = Latency::new(at(0));
    latency.began(seconds(60.0), true, at(0));
    assert!(latency.average_s(at(300_000)) < 1.1);
    let mut quick = Latency::new(at(0));
    quick.began(seconds(0.1), true, at(0));
    assert!((quick.average_s(at(300_000)) - 0.1).abs() < 1e-9, "a good one stays");
}

#[test]
fn whole_answers_count_only_where_nothing_is_streamed() {
    let mut latency = Latency::new(at(0));
    latency.began(seconds(9.0), false, at(0));
    assert!(latency.average_s(at(0)) > 8.0);
    let mut latency = Latency::new(at(0));
    latency.began(seconds(0.3), true, at(0));
    latency.began(seconds(9.0), false, at(29_000));
    assert!(latency.average_s(at(29_000)) < 0.4);
    latency.began(seconds(9.0), false, at(31_000));
    assert!(latency.average_s(at(31_000)) > 8.0);
}

proptest! {
    #[test]
    fn a_failure_never_shortens_the_wait(
        steps in prop::collection::vec((0u64..20_000, 0u8..3, 0u64..40_000), 1..100),
    ) {
        let (mut latency, mut now) = (Latency::new(at(0)), 0);
        for (wait, what, ms) in steps {
            now += wait;
            let (before, took) = (latency.wait_s(at(now)), Duration::from_millis(ms));
            match what {
                0 => latency.began(took, true, at(now)),
                1 => latency.took_at_least(took, at(now)),
                _ => latency.failed(took, at(now)),
            }
            let after = latency.wait_s(at(now));
            prop_assert!(after.is_finite() && (what == 0 || after >= before));
        }
    }
}
