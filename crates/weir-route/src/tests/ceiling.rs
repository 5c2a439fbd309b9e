//! Whose overload it is: against a list of everything, and in two small worlds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;
use weir_core::Chance;
use weir_testkit::at;

use crate::ceiling::Ceiling;

#[test]
fn only_the_top_of_a_load_worth_the_name_is_ones_own() {
    let check = |accepted: usize, in_flight, limit, own| {
        let mut ceiling = Ceiling::new(at(0));
        if accepted > 0 {
            ceiling.began(accepted, limit, at(0));
        }
        assert_eq!(ceiling.refused(in_flight, limit, at(0)), own, "{accepted} {in_flight} {limit}");
    };
    check(100, 85, 500, true);
    check(100, 84, 500, false);
    check(4, 7, 500, false);
    check(4, 8, 500, true);
    // At the limit of the config, whatever was accepted.
    check(500, 116, 128, true);
    check(500, 115, 128, false);
    check(500, 7, 7, false);
    // Nothing accepted lately: nothing to compare with.
    check(0, 50, 500, false);
}

#[test]
fn an_old_top_is_forgotten() {
    let mut ceiling = Ceiling::new(at(0));
    ceiling.began(100, 500, at(0));
    ceiling.began(20, 500, at(25_000));
    assert!(!ceiling.refused(20, 500, at(29_000)));
    assert!(ceiling.refused(20, 500, at(31_000)));
}

#[test]
fn what_comes_at_any_load_is_not_ones_own() {
    let check = |below: usize, refused_below: usize, own| {
        let mut ceiling = Ceiling::new(at(0));
        ceiling.began(100, 500, at(0));
        (0..below).for_each(|call| {
            if call < refused_below {
                ceiling.refused(50, 500, at(0));
            } else {
                ceiling.began(50, 500, at(0));
            }
        });
        // One of two at the top is refused.
        assert_eq!(ceiling.refused(100, 500, at(0)), own, "{refused_below} of {below}");
    };
    check(20, 0, true);
    check(20, 5, true);
    check(20, 6, false);
    check(19, 19, true);
}

/// What the ceiling is to say, counted anew from everything that happened: slot, calls in flight, at the top,
/// refused.
#[derive(Default)]
struct Naive(Vec<(u64, usize, bool, bool)>);

impl Naive {
    fn says(&mut self, in_flight: usize, refused: bool, ms: u64) -> bool {
        let lately: Vec<_> = self.0.iter().filter(|call| call.0 + 10 > ms / 3_000).copied().collect();
        let accepted = lately.iter().filter(|call| !call.3).map(|call| call.1);
        let top = accepted.chain((!refused).then_some(in_flight)).max().unwrap_or(usize::MAX);
        let above = in_flight >= 90 || in_flight * 100 >= top.saturating_mul(85);
        self.0.push((ms / 3_000, in_flight, above, refused));
        let with_this = || lately.iter().chain(self.0.last());
        let share = |above: bool| {
            let fates: Vec<bool> = with_this().filter(|call| call.2 == above).map(|call| call.3).collect();
            let refused = fates.iter().filter(|refused| **refused).count();
            (fates.len(), refused as f64 / fates.len() as f64)
        };
        let ((below, share_below), (_, share_above)) = (share(false), share(true));
        let at_any_load = below >= 20 && 2.0 * share_below > share_above + 1e-12;
        refused && in_flight >= 8 && above && !at_any_load
    }
}

proptest! {
    #[test]
    fn does_what_a_list_of_everything_does(
        steps in prop::collection::vec((0u64..1_000, any::<bool>(), 1usize..60), 0..200),
    ) {
        let (mut ceiling, mut naive, mut ms) = (Ceiling::new(at(0)), Naive::default(), 0);
        for (wait, accepted, in_flight) in steps {
            ms += wait;
            let expected = naive.says(in_flight, !accepted, ms);
            if accepted {
                ceiling.began(in_flight, 100, at(ms));
            } else {
                prop_assert_eq!(ceiling.refused(in_flight, 100, at(ms)), expected);
            }
        }
    }
}

/// Something that will happen to a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives,
    FirstToken { in_flight: usize },
    Ends,
    Refused { in_flight: usize },
}

/// Ten minutes of 128 calls a second, arriving independently and lasting about a second each, at a service
/// that refuses as `refuses` says, given how many it works on. Returns the share of refusals that were taken
/// for one's own.
fn own_share(seed: u64, refuses: impl Fn(&Chance, usize) -> bool) -> f64 {
    let chance = Chance::seeded(seed);
    let after = |mean_us: f64| (-(1.0 - chance.unit()).ln() * mean_us) as u64;
    let mut ceiling = Ceiling::new(at(0));
    let mut events = BinaryHeap::from([Reverse((0, Event::Arrives))]);
    let (mut working, mut refusing, mut own, mut refused) = (0, 0, 0, 0);
    while let Some(Reverse((us, event))) = events.pop() {
        if us > 600_000_000 {
            break;
        }
        let now = at(us / 1_000);
        match event {
            Event::Arrives => {
                events.push(Reverse((us + after(1e6 / 128.0), Event::Arrives)));
                let in_flight = working + refusing + 1;
                if refuses(&chance, working) {
                    refusing += 1;
                    events.push(Reverse((us + 50_000, Event::Refused { in_flight })));
                } else {
                    working += 1;
                    events.push(Reverse((us + 300_000, Event::FirstToken { in_flight })));
                    events.push(Reverse((us + 300_000 + after(700_000.0), Event::Ends)));
                }
            }
            Event::FirstToken { in_flight } => ceiling.began(in_flight, 10_000, now),
            Event::Ends => working -= 1,
            Event::Refused { in_flight } => {
                refusing -= 1;
                refused += 1;
                own += u32::from(ceiling.refused(in_flight, 10_000, now));
            }
        }
    }
    assert!(refused > 10_000, "{refused}");
    f64::from(own) / f64::from(refused)
}

#[test]
fn a_service_that_refuses_a_fifth_at_any_load_is_told_from_a_full_one() {
    for seed in 0..3 {
        let foreign = own_share(seed, |chance, _| chance.unit() < 0.22);
        assert!(foreign < 0.10, "{foreign} of independent refusals were taken for one's own");
        let full = own_share(seed, |_, working| working >= 100);
        assert!(full > 0.90, "{full} of a full service's refusals were taken for one's own");
    }
}
