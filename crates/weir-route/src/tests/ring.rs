//! The window against a list of everything that ever happened.

use std::time::Duration;

use proptest::prelude::*;
use weir_testkit::at;

use crate::ring::Ring;

proptest! {
    #[test]
    fn remembers_what_a_list_remembers(steps in prop::collection::vec((0u64..6_000, 0u64..40_000), 0..200)) {
        let mut ring: Ring<u32, 10> = Ring::new(Duration::from_secs(10), at(0));
        let mut all: Vec<u64> = Vec::new();
        let mut now = 0;
        for (wait, ago) in steps {
            now += wait;
            *ring.at(at(now)) += 1;
            all.push(now / 1_000);
            let kept = |slot: u64| slot + 10 > now / 1_000;
            let expected = all.iter().filter(|slot| kept(**slot)).count();
            prop_assert_eq!(ring.slots(at(now)).iter().sum::<u32>() as usize, expected);
            let then = now.saturating_sub(ago);
            let in_slot = all.iter().filter(|slot| **slot == then / 1_000).count();
            let found = ring.find(at(then), at(now)).map(|slot| *slot as usize);
            prop_assert_eq!(found, kept(then / 1_000).then_some(in_slot));
        }
    }
}

#[test]
fn a_moment_that_comes_late_counts_into_the_newest_slot() {
    let mut ring: Ring<u32, 10> = Ring::new(Duration::from_secs(10), at(0));
    *ring.at(at(50_000)) += 1;
    *ring.at(at(1_000)) += 1;
    assert_eq!(*ring.at(at(50_000)), 2);
}
