//! How much may be repeated: against a list of everything, and in numbers that a person can check.

use proptest::prelude::*;
use weir_core::Chance;
use weir_testkit::at;

use super::POLICY;
use crate::budget::Budget;

fn granted(budget: &mut Budget, cost: u32, ms: u64) -> usize {
    (0..10_000).take_while(|_| budget.withdraw(cost, false, at(ms))).count()
}

#[test]
fn first_attempts_earn_a_third_of_a_repeated_one_which_expires() {
    let mut budget = Budget::new(POLICY.budget, at(0));
    assert_eq!(granted(&mut budget, 1, 0), 50, "five a second are there without being earned");
    let mut budget = Budget::new(POLICY.budget, at(0));
    (0..1_000).for_each(|_| budget.deposit(at(0)));
    assert_eq!(granted(&mut budget, 1, 0), 350, "the larger of the two, not their sum");
    assert!(budget.withdraw(0, false, at(0)), "what costs nothing is free");
    assert_eq!(granted(&mut budget, 1, 9_999), 0);
    assert_eq!(granted(&mut budget, 1, 10_000), 50, "what was earned and what was taken are both forgotten");
}

#[test]
fn costly_repetitions_take_more() {
    let mut budget = Budget::new(POLICY.budget, at(0));
    (0..1_000).for_each(|_| budget.deposit(at(0)));
    assert_eq!(granted(&mut budget, 3, 0), 116);
    assert_eq!(granted(&mut budget, 1, 0), 2, "the rest is still good for cheap ones");
}

#[test]
fn while_most_attempts_fail_nearly_nothing_is_earned() {
    let check = |failed, of, expected| {
        let mut budget = Budget::new(POLICY.budget, at(0));
        (0..1_000).for_each(|_| budget.deposit(at(0)));
        (0..of).for_each(|index| budget.outcome(index < failed, at(0)));
        assert_eq!(granted(&mut budget, 1, 0), expected, "{failed} of {of}");
    };
    check(22, 100, 350);
    check(50, 100, 350);
    check(51, 100, 100);
    check(19, 19, 350);
    check(20, 20, 100);
}

/// A service that fails 22 % of its calls: nearly every request must get the repetitions that it needs.
#[test]
fn is_enough_for_a_service_that_fails_a_fifth() {
    let (chance, mut budget) = (Chance::seeded(7), Budget::new(POLICY.budget, at(0)));
    let mut refused = 0;
    for request in 0..10_000 {
        let now = at(request * 10);
        budget.deposit(now);
        while chance.unit() < 0.22 {
            budget.outcome(true, now);
            if !budget.withdraw(1, false, now) {
                refused += 1;
                break;
            }
        }
        budget.outcome(false, now);
    }
    assert!(refused < 50, "{refused} of 10,000 requests were not repeated");
}

/// What the budget is to hold, counted anew from everything that happened.
#[derive(Default)]
struct Naive {
    firsts: Vec<u64>,
    taken: Vec<(u64, u32)>,
    outcomes: Vec<(u64, bool)>,
}

impl Naive {
    fn grants(&self, cost: u32, ms: u64) -> bool {
        let kept = |then: u64| then / 1_000 + 10 > ms / 1_000;
        let outcomes: Vec<bool> =
            self.outcomes.iter().filter(|(then, _)| kept(*then)).map(|(_, failed)| *failed).collect();
        let failures = outcomes.iter().filter(|failed| **failed).count();
        let ratio = if outcomes.len() >= 20 && failures * 2 > outcomes.len() { 0.1 } else { 0.35 };
        let firsts = self.firsts.iter().filter(|then| kept(**then)).count();
        let taken: u32 = self.taken.iter().filter(|(then, _)| kept(*then)).map(|(_, cost)| cost).sum();
        cost == 0 || f64::from(taken + cost) <= (ratio * firsts as f64).max(50.0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn grants_what_a_list_of_everything_grants(
        steps in prop::collection::vec((0u64..300, 0u8..5, 0u32..5, any::<bool>()), 0..150),
    ) {
        let mut budget = Budget::new(POLICY.budget, at(0));
        let mut naive = Naive::default();
        let mut ms = 0;
        for (wait, what, number, failed) in steps {
            ms += wait;
            match what {
                0 => for _ in 0..number * 50 {
                    budget.deposit(at(ms));
                    naive.firsts.push(ms);
                },
                1 => for _ in 0..number * 4 {
                    budget.outcome(failed, at(ms));
                    naive.outcomes.push((ms, failed));
                },
                _ => for _ in 0..number * 4 {
                    let expected = naive.grants(number, ms);
                    prop_assert_eq!(budget.withdraw(number, false, at(ms)), expected);
                    if expected {
                        naive.taken.push((ms, number));
                    }
                },
            }
        }
    }

    #[test]
    fn a_storm_never_gets_more_than_its_share(rate in 1u64..200, seconds in 10u64..25) {
        let mut budget = Budget::new(POLICY.budget, at(0));
        let mut taken = 0;
        for call in 0..rate * seconds {
            let now = at(call * 1_000 / rate);
            budget.deposit(now);
            taken += granted(&mut budget, 1, call * 1_000 / rate);
        }
        // The window slides by whole seconds: it holds nine to ten of them.
        let a_window = (0.35 * 10.0 * rate as f64).max(50.0);
        let windows = seconds as f64 / 9.0 + 1.0;
        prop_assert!(taken as f64 <= a_window * windows, "{taken} of {}", rate * seconds);
    }
}
