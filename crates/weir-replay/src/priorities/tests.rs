//! That a mix is drawn in its shares, and that a wrong one is refused in words.

use std::collections::BTreeMap;

use super::PriorityMix;
use crate::chance::Chance;

fn check_error(text: &str, expected: &str) {
    assert_eq!(text.parse::<PriorityMix>().expect_err("the mix is wrong"), expected);
}

#[test]
fn the_default_mix_is_drawn_in_its_shares() {
    let mix = PriorityMix::default();
    let mut drawn = BTreeMap::new();
    for row in 0..10_000 {
        *drawn.entry(mix.draw(&mut Chance::of_request(1, row)).get()).or_insert(0_u32) += 1;
    }
    assert_eq!(drawn.keys().copied().collect::<Vec<_>>(), [1, 5, 8]);
    // Three standard deviations of 10,000 draws are below 150.
    for (priority, expected) in [(1, 2_000), (5, 6_000), (8, 2_000)] {
        assert!(drawn[&priority].abs_diff(expected) < 150, "{drawn:?}");
    }
}

#[test]
fn a_mix_parses_from_text() {
    assert_eq!("1:20, 5:60 ,8:20".parse(), Ok(PriorityMix::default()));
    let only_bulk: PriorityMix = "0:0,9:3".parse().unwrap();
    assert_eq!(only_bulk.draw(&mut Chance::of_request(1, 1)).get(), 9);
}

#[test]
fn a_wrong_mix_is_refused() {
    check_error("1", "share \"1\" has no colon; write priority:weight like 1:20,5:60,8:20");
    check_error("1:x", "weight \"x\" is not a whole number; write shares like 1:20,5:60,8:20");
    check_error("10:1", "priority \"10\" is not a number from 0 (most urgent) to 9");
    check_error("1:0,2:0", "mix \"1:0,2:0\" draws nothing; give at least one priority a positive weight");
}
