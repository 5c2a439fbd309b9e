//! Scores as people read them.

use super::weir;
use crate::{Arm, Plan, Score, World, markdown, run, table};

fn scores() -> Vec<Score> {
    let plan = |(upstreams, arm)| Plan { arm, ..weir(World::B6, upstreams, 1, 100) };
    let rows = [(1, Arm::Client), (1, Arm::Weir), (2, Arm::Client), (2, Arm::Weir)];
    rows.map(|row| run(&plan(row))).into()
}

#[test]
fn an_sdk_alone_is_shown_once() {
    let rows = |text: &str| text.lines().filter(|line| line.contains("client")).count();
    assert_eq!((rows(&table(&scores())), rows(&markdown(&scores()))), (1, 1));
}

/// One failure in a hundred thousand is no 100 %.
#[test]
fn shares_are_rounded_down() {
    let mut scores = scores();
    scores.truncate(1);
    scores[0].answered_share = 0.99999;
    assert!(table(&scores).contains("99.99"));
    scores[0].answered_share = 0.9997;
    assert!(table(&scores).contains("99.97"));
}

#[test]
fn a_page_says_which_targets_are_kept() {
    let mut scores = scores();
    assert!(markdown(&scores).contains("| B6 honesty | any | 100 % whole or honestly failed | yes |"));
    scores[3].false_share = 0.01;
    assert!(markdown(&scores).contains("| B6 honesty | any | 100 % whole or honestly failed | **no** |"));
}
