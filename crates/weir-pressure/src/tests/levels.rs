//! Each line of the table that says when a level comes and goes, just below it and just above.

use std::time::Duration;

use super::{Life, NO_FLOOR, QPS, REST, UNEVENTFUL, ms};
use crate::level::Level::{L0, L1, L2, L3};
use crate::level::{Cause, Level, Signals};
use crate::process::Floor;

type Changes<'a> = &'a [(u64, Level, Cause)];

/// A pool that stands like this from the first look on: what happens within the next 9 s.
#[track_caller]
fn enters(signals: Signals, expected: Changes<'_>) {
    let found = Life { signals: &|_| signals, ..UNEVENTFUL }.changes(9_000);
    assert_eq!(found, expected, "{signals:?}");
}

/// So many requests a second from the first look on, with thresholds at 500, 800 and 1200.
#[track_caller]
fn enters_by_rate(per_s: u32, expected: Changes<'_>) {
    let found = Life { qps: QPS, per_s: &|_| per_s, ..UNEVENTFUL }.changes(9_000);
    assert_eq!(found, expected, "{per_s}");
}

fn waits(wait: Duration) -> Signals {
    Signals { predicted_wait: wait, ..REST }
}

#[test]
fn a_pool_at_rest_stays_there() {
    enters(REST, &[]);
}

#[test]
fn requests_a_second_raise_it_after_the_threshold_s_own_time() {
    enters_by_rate(500, &[]);
    // A second is full at 1.0 s, and has been too full for half a second at 1.5 s.
    enters_by_rate(501, &[(1_500, L1, Cause::Qps)]);
    enters_by_rate(800, &[(1_200, L1, Cause::Qps)]);
    enters_by_rate(801, &[(1_200, L1, Cause::Qps), (2_000, L2, Cause::Qps)]);
    enters_by_rate(1_200, &[(1_000, L1, Cause::Qps), (1_700, L2, Cause::Qps)]);
    // L3 asks for less time than L2, and is entered at once.
    enters_by_rate(1_201, &[(1_000, L1, Cause::Qps), (1_500, L3, Cause::Qps)]);
}

#[test]
fn without_thresholds_no_rate_is_too_high() {
    let found = Life { per_s: &|_| 100_000, ..UNEVENTFUL }.changes(3_000);
    assert_eq!(found, []);
}

#[test]
fn a_burst_shorter_than_the_threshold_s_time_raises_nothing() {
    let burst = |length: u64| {
        let per_s = move |now: u64| if now < length { 6_000 } else { 0 };
        Life { qps: Some([500, 10_000, 20_000]), per_s: &per_s, ..UNEVENTFUL }.changes(9_000).len()
    };
    // 600 requests in a tenth of a second are above 500 for the one second that they are remembered.
    assert_eq!(burst(100), 2);
    let two = |now: u64| if now.is_multiple_of(1_000) && now < 9_000 { 5_000 } else { 0 };
    assert_eq!(Life { qps: QPS, per_s: &two, ..UNEVENTFUL }.changes(9_000), []);
}

#[test]
fn no_free_permit_queues() {
    enters(Signals { room: 10, out: 9, ..REST }, &[]);
    enters(Signals { room: 10, out: 10, ..REST }, &[(0, L1, Cause::Queue)]);
    enters(Signals { room: 10, out: 12, ..REST }, &[(0, L1, Cause::Queue)]);
}

#[test]
fn a_predicted_wait_raises_it_the_further_the_longer_it_is() {
    enters(waits(ms(100)), &[]);
    enters(waits(ms(101)), &[(0, L1, Cause::Wait)]);
    enters(waits(ms(3_000)), &[(0, L1, Cause::Wait)]);
    enters(waits(ms(3_001)), &[(0, L1, Cause::Wait), (1_000, L2, Cause::Wait)]);
    enters(waits(ms(10_000)), &[(0, L1, Cause::Wait), (1_000, L2, Cause::Wait)]);
    enters(waits(ms(10_001)), &[(0, L1, Cause::Wait), (1_000, L3, Cause::Wait)]);
}

#[test]
fn a_wait_is_too_long_when_those_in_line_cannot_wait_for_it() {
    let pressed = |wait: u64, remaining: u64| Signals {
        remaining_deadline_p50: Some(ms(remaining)),
        ..waits(ms(wait))
    };
    enters(pressed(4_000, 4_000), &[(0, L1, Cause::Wait), (1_000, L2, Cause::Wait)]);
    enters(pressed(4_001, 4_000), &[(0, L1, Cause::Wait), (1_000, L3, Cause::Wait)]);
    // Patience beyond ten seconds counts as ten, and none at all as one.
    enters(pressed(10_001, 60_000), &[(0, L1, Cause::Wait), (1_000, L3, Cause::Wait)]);
    enters(pressed(1_000, 0), &[(0, L1, Cause::Wait)]);
    enters(pressed(1_001, 0), &[(0, L1, Cause::Wait), (1_000, L3, Cause::Wait)]);
}

#[test]
fn a_time_that_has_not_held_without_a_break_does_not_count() {
    let signals = |now: u64| if now % 1_000 == 900 { REST } else { waits(ms(20_000)) };
    let found = Life { signals: &signals, ..UNEVENTFUL }.changes(9_000);
    assert_eq!(found, [(0, L1, Cause::Wait)]);
}

#[test]
fn a_line_that_stands_is_left_to_cheaper_answers() {
    let stands = |shortest: u64| Signals { waiting: 1, shortest_wait: Some(ms(shortest)), ..REST };
    enters(stands(1_000), &[]);
    enters(stands(1_001), &[(2_000, L2, Cause::Queue)]);
    // While nobody gets a turn the line goes on standing; once it is empty it does not.
    let stuck = |waiting| {
        let first = Signals { waiting: 1, ..stands(1_001) };
        let later = Signals { waiting, shortest_wait: None, ..first };
        Life { signals: &|now| if now == 0 { first } else { later }, ..UNEVENTFUL }.changes(9_000)
    };
    assert_eq!(stuck(1), [(2_000, L2, Cause::Queue)]);
    assert_eq!(stuck(0), []);
}

#[test]
fn a_line_nearly_full_sheds() {
    let line = |waiting, waiters_max| Signals { waiting, waiters_max, ..REST };
    enters(line(899, 1_000), &[]);
    enters(line(900, 1_000), &[(0, L3, Cause::Queue)]);
    enters(line(0, 0), &[]);
}

#[test]
fn first_attempts_that_fail_ask_for_cheaper_answers() {
    let tried = |first_attempts_ok, first_attempts| Signals { first_attempts, first_attempts_ok, ..REST };
    enters(tried(0, 19), &[]);
    enters(tried(10, 20), &[]);
    enters(tried(9, 20), &[(0, L2, Cause::Success)]);
    enters(tried(499, 1_000), &[(0, L2, Cause::Success)]);
}

#[test]
fn when_every_circuit_is_open_somebody_else_answers_or_nobody() {
    let open = Signals { open_circuits: true, ..REST };
    enters(Signals { degraded_target: true, ..open }, &[(0, L2, Cause::Circuits)]);
    enters(open, &[(0, L3, Cause::Circuits)]);
}

#[test]
fn the_process_asks_for_its_levels_at_once() {
    let check = |memory: Level, lag: Level, expected: Changes<'_>| {
        let found = Life { floor: &|_| Floor { memory, lag }, ..UNEVENTFUL }.changes(9_000);
        assert_eq!(found, expected);
    };
    check(L0, L0, &[]);
    check(L2, L0, &[(0, L2, Cause::Memory)]);
    check(L3, L0, &[(0, L3, Cause::Memory)]);
    check(L0, L1, &[(0, L1, Cause::Lag)]);
    check(L0, L2, &[(0, L2, Cause::Lag)]);
    check(L3, L2, &[(0, L3, Cause::Memory)]);
}

/// A pool that was at `from` for one look and stands like this ever since: when it steps down within the next 25 s.
#[track_caller]
fn leaves(from: Level, signals: Signals, expected: &[(u64, Level)]) {
    let floor = move |now| if now == 0 { Floor { memory: from, lag: from } } else { NO_FLOOR };
    let floor = move |now| if from == L1 { Floor { memory: L0, ..floor(now) } } else { floor(now) };
    let found = Life { floor: &floor, signals: &|_| signals, ..UNEVENTFUL }.changes(25_000);
    let down: Vec<_> = found.iter().skip(1).map(|&(now, to, cause)| (now, to, cause)).collect();
    let expected: Vec<_> = expected.iter().map(|&(now, to)| (now, to, Cause::Calm)).collect();
    assert_eq!(found[0].1, from);
    assert_eq!(down, expected, "{signals:?}");
}

#[test]
fn it_comes_down_step_by_step_with_a_dwell_on_each() {
    leaves(L3, REST, &[(10_100, L2), (15_100, L1), (20_100, L0)]);
    leaves(L2, REST, &[(10_100, L1), (15_100, L0)]);
    leaves(L1, REST, &[(5_100, L0)]);
}

#[test]
fn queueing_ends_when_nobody_queues() {
    leaves(L1, Signals { waiting: 1, ..REST }, &[]);
    leaves(L1, Signals { out: 100, ..REST }, &[]);
    leaves(L1, Signals { out: 99, ..REST }, &[(5_100, L0)]);
}

#[test]
fn cheaper_answers_end_when_waits_are_short_and_attempts_succeed() {
    let waits = |wait| Signals { waiting: 1, ..waits(ms(wait)) };
    leaves(L2, waits(1_000), &[]);
    leaves(L2, waits(999), &[(10_100, L1)]);
    let tried = |first_attempts_ok, first_attempts| Signals { first_attempts, first_attempts_ok, ..REST };
    leaves(L2, tried(700, 1_000), &[]);
    leaves(L2, tried(701, 1_000), &[(10_100, L1), (15_100, L0)]);
    leaves(L2, tried(0, 19), &[(10_100, L1), (15_100, L0)]);
    leaves(L2, Signals { open_circuits: true, degraded_target: true, ..REST }, &[]);
}

#[test]
fn shedding_ends_when_waits_are_bearable_and_the_line_is_half_empty() {
    let waits = |wait| Signals { waiting: 1, ..waits(ms(wait)) };
    leaves(L3, waits(3_000), &[]);
    leaves(L3, waits(2_999), &[(10_100, L2)]);
    let hasty = |wait| Signals { remaining_deadline_p50: Some(ms(4_000)), ..waits(wait) };
    leaves(L3, hasty(1_200), &[]);
    leaves(L3, hasty(1_199), &[(10_100, L2)]);
    leaves(L3, Signals { waiting: 500, ..REST }, &[]);
    leaves(L3, Signals { waiting: 499, ..REST }, &[(10_100, L2), (15_100, L1)]);
    leaves(L3, Signals { open_circuits: true, degraded_target: true, ..REST }, &[(10_100, L2)]);
}

#[test]
fn a_threshold_is_left_at_four_fifths_of_it() {
    let check = |later: u32, expected: Changes<'_>| {
        let per_s = move |now: u64| if now < 3_000 { 1_300 } else { later };
        let found = Life { qps: QPS, per_s: &per_s, ..UNEVENTFUL }.changes(30_000);
        assert_eq!(found[found.len() - expected.len()..], *expected, "{later}: {found:?}");
        assert_eq!(found.len() - expected.len(), 2, "{later}: {found:?}");
    };
    check(960, &[]);
    // The second in which 1,300 became less is over by then, and ten more with it.
    check(950, &[(14_000, L2, Cause::Calm)]);
    check(640, &[(13_600, L2, Cause::Calm)]);
    check(630, &[(13_600, L2, Cause::Calm), (18_600, L1, Cause::Calm)]);
    check(400, &[(13_400, L2, Cause::Calm), (18_400, L1, Cause::Calm)]);
    check(390, &[(13_400, L2, Cause::Calm), (18_400, L1, Cause::Calm), (23_400, L0, Cause::Calm)]);
}

#[test]
fn a_calm_that_is_broken_begins_anew() {
    let check = |broken_at: u64, expected: &[u64]| {
        let open = Signals { open_circuits: true, ..REST };
        let rough = Signals { waiting: 600, ..REST };
        let signals = move |now: u64| match now {
            0 => open,
            _ if now == broken_at => rough,
            _ => REST,
        };
        let found = Life { signals: &signals, ..UNEVENTFUL }.changes(21_000);
        let times: Vec<_> = found.iter().skip(1).map(|(now, ..)| *now).collect();
        assert_eq!(times, expected);
    };
    check(10_000, &[20_100]);
    check(10_200, &[10_100, 15_100, 20_100]);
}

#[test]
fn while_somebody_would_be_turned_away_shedding_does_not_end() {
    let mut levels = crate::Levels::new(None, super::at(0));
    let open = Signals { open_circuits: true, ..REST };
    assert!(levels.on_tick(super::at(0), &open, NO_FLOOR, false).is_some());
    for now in (100..30_000).step_by(100) {
        assert_eq!(levels.on_tick(super::at(now), &REST, NO_FLOOR, true), None, "{now}");
    }
    let change = levels.on_tick(super::at(30_000), &REST, NO_FLOOR, false);
    assert_eq!(change.map(|change| change.to), Some(L2));
}

#[test]
fn the_walk_up_and_down_meets_each_level_once_and_in_order() {
    // A minute up, ten seconds of 1,500, a minute down, and then quiet.
    let per_s = |now: u64| match now / 1000 {
        second @ 0..60 => 300 + second as u32 * 20,
        60..70 => 1_500,
        second @ 70..130 => 1_500 - (second as u32 - 70) * 20,
        _ => 300,
    };
    let found = Life { qps: QPS, per_s: &per_s, ..UNEVENTFUL }.changes(180_000);
    let order: Vec<_> = found.iter().map(|(_, level, _)| *level).collect();
    assert_eq!(order, [L1, L2, L3, L2, L1, L0], "{found:?}");
}

#[test]
fn a_rate_that_trembles_at_a_threshold_crosses_it_once() {
    let per_s = |now: u64| if (now / 3_000).is_multiple_of(2) { 520 } else { 480 };
    let found = Life { qps: QPS, per_s: &per_s, ..UNEVENTFUL }.changes(300_000);
    assert_eq!(found.len(), 1, "{found:?}");
}
