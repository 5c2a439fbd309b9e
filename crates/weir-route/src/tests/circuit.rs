//! The circuit: opens on faults, probes a few at a time, closes on first tokens, and heeds no straggler.

use std::time::Duration;

use weir_core::Chance;
use weir_testkit::at;

use crate::circuit::{Circuit, Fault, Pass};

const FAULT: Fault = Fault { slow: false, asked: Duration::ZERO, jitter: 0.0 };

fn good(circuit: &mut Circuit, ms: u64) {
    let mut pass = circuit.sent(at(ms));
    circuit.began(&mut pass, false, 0.0, at(ms));
}

fn bad(circuit: &mut Circuit, ms: u64) {
    let pass = circuit.sent(at(ms));
    circuit.failed(pass, FAULT, at(ms));
}

/// A circuit that opened at `ms`.
fn opened(ms: u64) -> Circuit {
    let mut circuit = Circuit::new(at(0));
    (0..10).for_each(|_| bad(&mut circuit, ms));
    assert_eq!(circuit.name(at(ms)), "open");
    circuit
}

/// Sends the calls that a letter each stands for, one after the other and half a second apart, until the
/// circuit opens; that is expected after so many of them: `+` a first token, `~` a slow one, `-` a fault, `t`
/// a time limit overrun, `x` a stream that broke, `.` nothing told.
#[track_caller]
fn check(calls: &str, expected: Option<usize>) {
    let mut circuit = Circuit::new(at(0));
    let opens = |(index, call)| {
        let now = at(index as u64 * 500);
        let mut pass = circuit.sent(now);
        if matches!(call, '+' | '~' | 'x') {
            circuit.began(&mut pass, call == '~', 0.0, now);
        }
        match call {
            '-' | 'x' | 't' => circuit.failed(pass, Fault { slow: call == 't', ..FAULT }, now),
            _ => circuit.undecided(&pass),
        }
        !circuit.is_closed()
    };
    assert_eq!(calls.chars().enumerate().position(opens).map(|index| index + 1), expected, "{calls}");
}

#[test]
fn opens_on_faults_in_a_row_or_on_too_many_of_them() {
    check("-----------", Some(10));
    check("---------+--------", None);
    // Calls that say nothing neither count nor break the row.
    check(".-.-.-.-.-.-.-.-.-.-", Some(20));
    // Two of five succeed: enough. Fewer: not, but fewer than twenty calls say nothing.
    check(&"+-+--".repeat(5), None);
    check(&"+--".repeat(20), Some(20));
    check(&"+--".repeat(6), None);
}

#[test]
fn opens_on_too_many_slow_answers() {
    check(&"~~+~~".repeat(9), Some(20));
    check(&"+~+~~".repeat(9), None);
    check(&"t+~".repeat(9), Some(20));
}

#[test]
fn a_stream_that_breaks_turns_its_good_sample_bad() {
    check(&"x".repeat(30), Some(20));
    check(&"x+".repeat(30), None);
}

#[test]
fn what_is_older_than_the_window_is_forgotten() {
    let check = |ms, open| {
        let mut circuit = Circuit::new(at(0));
        // Nineteen calls, most of them faults, never ten in a row.
        for group in [8, 8] {
            (0..group).for_each(|_| bad(&mut circuit, 0));
            good(&mut circuit, 0);
        }
        bad(&mut circuit, 0);
        bad(&mut circuit, ms);
        assert_eq!(!circuit.is_closed(), open, "{ms}");
    };
    check(29_999, true);
    check(30_000, false);
}

#[test]
fn three_first_tokens_in_a_row_close_it() {
    let mut circuit = opened(0);
    assert_eq!(circuit.shut_until(at(4_999)), Some(at(5_000)));
    assert_eq!(circuit.shut_until(at(5_000)), None);
    good(&mut circuit, 5_000);
    good(&mut circuit, 6_000);
    assert_eq!(circuit.name(at(6_000)), "half-open");
    good(&mut circuit, 7_000);
    assert!(circuit.is_closed());
}

#[test]
fn a_failed_probe_doubles_the_pause_up_to_twenty_seconds() {
    let mut circuit = opened(0);
    let mut now = 0;
    for pause in [5_000, 10_000, 20_000, 20_000] {
        assert_eq!(circuit.shut_until(at(now)), Some(at(now + pause)));
        now += pause;
        good(&mut circuit, now);
        good(&mut circuit, now);
        bad(&mut circuit, now);
    }
    now += 20_000;
    (0..3).for_each(|_| good(&mut circuit, now));
    (0..10).for_each(|_| bad(&mut circuit, now));
    assert_eq!(circuit.shut_until(at(now)), Some(at(now + 5_000)), "after closing it begins anew");
}

#[test]
fn chance_lengthens_a_pause_by_a_fifth_and_the_service_to_thirty_seconds() {
    let check = |fault, expected| {
        let mut circuit = Circuit::new(at(0));
        for _ in 0..10 {
            let pass = circuit.sent(at(0));
            circuit.failed(pass, fault, at(0));
        }
        assert_eq!(circuit.shut_until(at(0)), Some(at(expected)), "{fault:?}");
    };
    check(Fault { jitter: 0.5, ..FAULT }, 5_500);
    check(Fault { asked: Duration::from_secs(3), ..FAULT }, 5_000);
    check(Fault { asked: Duration::from_secs(12), ..FAULT }, 12_000);
    check(Fault { asked: Duration::from_secs(3_600), ..FAULT }, 30_000);
}

#[test]
fn a_probe_that_says_nothing_makes_room_for_the_next() {
    let mut circuit = opened(0);
    let probes: Vec<Pass> = (0..3).map(|_| circuit.sent(at(5_000))).collect();
    assert!(circuit.shut_until(at(5_000)).is_some(), "three at a time");
    circuit.undecided(&probes[0]);
    assert!(circuit.shut_until(at(5_000)).is_none());
}

#[test]
fn stragglers_from_before_a_change_say_nothing() {
    let mut circuit = Circuit::new(at(0));
    let mut straggler = circuit.sent(at(0));
    let others: Vec<Pass> = (0..20).map(|_| circuit.sent(at(0))).collect();
    for pass in others {
        circuit.failed(pass, FAULT, at(10));
    }
    assert_eq!(circuit.shut_until(at(20)), Some(at(5_010)), "opened once, by the tenth");
    circuit.began(&mut straggler, false, 0.0, at(20));
    assert_eq!(circuit.name(at(20)), "open");
    let probe = circuit.sent(at(6_000));
    circuit.failed(straggler, FAULT, at(6_000));
    assert_eq!(circuit.name(at(6_000)), "half-open", "an old stream that breaks is no failed probe");
    circuit.failed(probe, FAULT, at(6_000));
    assert_eq!(circuit.name(at(6_000)), "open");
}

#[test]
fn a_call_that_went_although_it_was_open_can_only_do_good() {
    let mut circuit = opened(0);
    bad(&mut circuit, 1_000);
    assert_eq!(circuit.shut_until(at(1_000)), Some(at(5_000)));
    let desperate = circuit.sent(at(1_000));
    good(&mut circuit, 2_000);
    assert_eq!(circuit.name(at(2_000)), "half-open");
    circuit.failed(desperate, FAULT, at(3_000));
    assert_eq!(circuit.name(at(3_000)), "half-open");
}

#[test]
fn traffic_returns_slowly_after_closing() {
    let mut circuit = opened(0);
    let before = circuit.share(at(0));
    (0..3).for_each(|_| good(&mut circuit, 5_000));
    for (ms, expected) in [(5_000, 0.1), (10_000, 0.55), (15_000, 1.0), (99_000, 1.0)] {
        assert!((circuit.share(at(ms)) - expected).abs() < 1e-9, "{ms}");
    }
    assert!(before <= 0.1);
    assert!((Circuit::new(at(0)).share(at(0)) - 1.0).abs() < 1e-9, "a new one has nothing to recover from");
}

#[test]
fn a_look_lets_probes_through_and_counts_as_a_fault() {
    let mut circuit = opened(0);
    circuit.checked(false, 0.0, at(1_000));
    assert_eq!(circuit.shut_until(at(1_000)), Some(at(5_000)));
    circuit.checked(true, 0.0, at(1_000));
    assert_eq!(circuit.name(at(1_000)), "half-open");
    circuit.checked(true, 0.0, at(1_000));
    assert!(!circuit.is_closed(), "only answers close it");
    circuit.checked(false, 0.0, at(1_000));
    assert_eq!(circuit.shut_until(at(1_000)), Some(at(11_000)));
    let mut circuit = Circuit::new(at(0));
    (0..10).for_each(|_| circuit.checked(false, 0.0, at(0)));
    assert_eq!(circuit.name(at(0)), "open");
}

/// What a service with independent failures must be able to rely on. Ten in a row come once in four million
/// calls.
#[test]
fn a_fifth_of_independent_faults_does_not_open_it() {
    for seed in 0..20 {
        let chance = Chance::seeded(seed);
        let mut circuit = Circuit::new(at(0));
        for call in 0..5_000 {
            if chance.unit() < 0.22 {
                bad(&mut circuit, call * 20);
            } else {
                good(&mut circuit, call * 20);
            }
        }
        assert!(circuit.is_closed(), "seed {seed}");
    }
}
