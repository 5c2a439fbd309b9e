//! What memory and a late event loop ask for, and when they stop asking.

use std::time::Duration;

use weir_testkit::at;

use super::ms;
use crate::level::Level::{self, L0, L1, L2, L3};
use crate::process::Process;

#[test]
fn memory_steps_up_at_once_and_down_with_a_margin() {
    let mut process = Process::default();
    let shares = [
        (0.75, L0),
        (0.751, L2),
        (0.85, L2),
        (0.851, L3),
        (0.80, L3),
        (0.799, L2),
        (0.85, L2),
        (0.70, L2),
        (0.699, L0),
        (0.90, L3),
        (0.10, L0),
    ];
    for (index, (share, expected)) in shares.into_iter().enumerate() {
        let floor = process.on_tick(at(index as u64 * 100), Some(share), Duration::ZERO);
        assert_eq!(floor.memory, expected, "{share}");
        assert_eq!(floor, process.floor());
    }
    assert_eq!(process.on_tick(at(5_000), None, Duration::ZERO).memory, L0, "where nothing is known");
}

/// The level asked for after each look, where the loop comes late like this, look by look.
fn after(lags: impl IntoIterator<Item = u64>) -> Vec<Level> {
    let mut process = Process::default();
    let looks = lags.into_iter().enumerate();
    looks.map(|(index, lag)| process.on_tick(at(index as u64 * 100), None, ms(lag)).lag).collect()
}

#[test]
fn a_loop_is_late_when_half_of_two_seconds_is() {
    let check = |lag: u64, expected: Level| {
        let levels = after([lag; 25]);
        assert_eq!(levels[19], L0, "{lag}: before two seconds are over");
        assert_eq!(levels[20], expected, "{lag}");
    };
    check(100, L0);
    check(101, L1);
    check(500, L1);
    check(501, L2);
    check(5_000, L2);
}

#[test]
fn single_late_looks_are_no_late_loop() {
    let lags = (0..200).map(|look| if look % 5 == 0 { 2_000 } else { 1 });
    assert!(after(lags).iter().all(|level| *level == L0));
}

#[test]
fn a_late_loop_is_on_time_again_at_half_the_step() {
    let check = |later: u64, expected: Level| {
        let lags = [600; 21].into_iter().chain([later; 30]);
        assert_eq!(after(lags).last(), Some(&expected), "{later}");
    };
    check(250, L2);
    check(249, L1);
    check(50, L1);
    check(49, L0);
}

#[test]
fn what_is_remembered_of_a_loop_that_is_looked_at_too_often_is_bounded() {
    let mut process = Process::default();
    for look in 0..10_000 {
        process.on_tick(at(look), Some(0.1), ms(1));
    }
    assert_eq!(process.on_tick(at(10_000), None, ms(1)).lag, L0);
    let text = format!("{process:?}");
    assert!(text.matches("1ms").count() <= 40, "{text}");
    assert_eq!(process.on_tick(at(20_000), Some(0.9), ms(1)).memory, L3);
}
