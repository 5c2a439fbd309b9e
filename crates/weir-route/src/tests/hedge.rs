//! How many requests may be asked twice.

use std::time::Duration;

use proptest::prelude::*;

use super::POLICY;
use crate::hedge::{Hedges, Policy};

proptest! {
    #[test]
    fn never_more_than_the_share_and_the_burst(
        steps in prop::collection::vec(0u8..4, 0..2_000),
        percent in 0u32..30,
    ) {
        let share_max = f64::from(percent) / 100.0;
        let mut hedges = Hedges::new(&Policy { share_max, ..POLICY.hedge });
        let (mut requests, mut asked_twice) = (0.0, 0.0);
        for step in steps {
            match step {
                0 | 1 => {
                    hedges.earn();
                    requests += 1.0;
                }
                2 => asked_twice += f64::from(u8::from(hedges.take())),
                _ => if hedges.take() {
                    hedges.give_back();
                },
            }
            prop_assert!(asked_twice <= share_max * requests + 5.0 + 1e-6);
            prop_assert!(percent > 0 || asked_twice == 0.0);
        }
    }
}

#[test]
fn asks_at_the_quantile_within_bounds_and_late_without_an_estimate() {
    let check = |usual: Option<u64>, expected| {
        assert_eq!(
            POLICY.hedge.after(usual.map(Duration::from_millis)),
            Some(Duration::from_millis(expected))
        );
    };
    check(Some(300), 1_000);
    check(Some(2_500), 2_500);
    check(Some(20_000), 8_000);
    check(None, 8_000);
    assert_eq!(Policy { share_max: 0.0, ..POLICY.hedge }.after(None), None);
}
