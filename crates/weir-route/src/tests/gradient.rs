//! A limit that first tokens set: where they depend on the load it is found, where they do not it stays.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use weir_core::Chance;
use weir_testkit::at;

use crate::gradient::{Gradient, Verdict};
use crate::limiter::{Bounds, Limiter};

/// More is always asked than the limit lets through, of a service with so many servers, which lets the rest wait for one of
/// them; `slow` makes the first token of a call that is served take so many times as long. Gives, second by second, the
/// limit and the mean time to the first token.
fn run(servers: usize, slow: fn(u64) -> f64, seconds: u64) -> Vec<(usize, f64)> {
    let chance = Chance::seeded(5);
    let random = |mean_ms: f64| (-(1.0 - chance.unit()).ln() * mean_ms) as u64;
    let mut limiter = Limiter::new(Bounds::adaptive(5_000), at(0));
    let mut told = vec![(0, 0.0, 0); seconds as usize];
    // Of each server, when it is free; of each call, when it begins and ends.
    let mut free_at: BinaryHeap<Reverse<u64>> = (0..servers).map(|_| Reverse(0)).collect();
    let mut events = BinaryHeap::<Reverse<(u64, u64, Option<usize>)>>::new();
    let (mut in_flight, mut calls) = (0, Vec::new());
    for ms in 0..seconds * 1_000 {
        while events.peek().is_some_and(|Reverse((due, ..))| *due <= ms) {
            let Some(Reverse((_, sent_ms, call))) = events.pop() else { break };
            let Some(call) = call else {
                in_flight -= 1;
                continue;
            };
            let took = at(ms) - at(sent_ms);
            limiter.began(calls[call], Some(took.as_secs_f64()), at(ms));
            let (_, sum, count) = &mut told[(ms / 1_000) as usize];
            (*sum, *count) = (*sum + took.as_secs_f64(), *count + 1);
        }
        while in_flight < limiter.limit() {
            in_flight += 1;
            calls.push(limiter.sent(in_flight, at(ms)));
            let Some(Reverse(free)) = free_at.pop() else { break };
            let begins = free.max(ms) + (slow(ms / 1_000) * (200.0 + random(150.0) as f64)) as u64;
            let ends = begins + 1_000 + random(1_000.0);
            free_at.push(Reverse(ends));
            events.push(Reverse((begins, ms, Some(calls.len() - 1))));
            events.push(Reverse((ends, ms, None)));
        }
        told[(ms / 1_000) as usize].0 = limiter.limit();
    }
    told.into_iter().map(|(limit, sum, count)| (limit, sum / f64::from(count.max(1)))).collect()
}

fn mean(seconds: &[(usize, f64)], of: impl Fn(&(usize, f64)) -> f64) -> f64 {
    seconds.iter().map(of).sum::<f64>() / seconds.len() as f64
}

#[test]
fn a_service_that_lets_everybody_wait_is_not_given_more_than_it_works_on() {
    for servers in [50, 200] {
        let told = run(servers, |_| 1.0, 120);
        let limit = mean(&told[20..], |second| second.0 as f64) / servers as f64;
        assert!((0.85..=1.6).contains(&limit), "{limit} of {servers} servers");
        let first_token = mean(&told[20..], |second| second.1);
        assert!(first_token < 1.0, "first tokens after {first_token} s");
    }
}

#[test]
fn an_hour_that_makes_everything_slow_does_not_lower_the_limit() {
    let told = run(5_000, |s| if s < 60 { 1.0 } else { 4.0 }, 150);
    let before = mean(&told[40..60], |second| second.0 as f64);
    let after = mean(&told[90..], |second| second.0 as f64);
    assert!(after >= 0.9 * before, "from {before} to {after}");
}

#[test]
fn a_cut_stands_when_it_helps_and_is_taken_back_when_it_does_not() {
    let check = |later: f64, expected: Verdict| {
        let mut gradient = Gradient::new(at(0));
        let mut said = Vec::new();
        for call in 0..400 {
            let took_s = if gradient.is_trying() {
                later
            } else if call < 50 {
                1.0
            } else {
                4.0
            };
            said.extend(gradient.began(took_s, at(call * 100), true, at(call * 100 + 50)));
        }
        assert!(matches!(said[0], Verdict::Cut { .. }) && said[1] == expected, "{later}: {said:?}");
        said.len()
    };
    assert_eq!(check(4.0, Verdict::Restore), 2, "nothing more is tried for a minute");
    check(1.0, Verdict::Stands);
}

/// Whatever is done after the slowest of many windows is followed by a faster one.
#[test]
fn one_slow_window_says_nothing() {
    let mut gradient = Gradient::new(at(0));
    for call in 0..1_000 {
        let took_s = if call % 100 < 80 { 1.0 } else { 4.0 };
        assert_eq!(gradient.began(took_s, at(call * 50), true, at(call * 50 + 20)), None);
    }
}

#[test]
fn slow_first_tokens_of_a_service_that_is_not_busy_say_nothing() {
    let mut gradient = Gradient::new(at(0));
    for call in 0..1_000 {
        let took_s = if call < 100 { 1.0 } else { 9.0 };
        assert_eq!(gradient.began(took_s, at(call * 10), call % 3 == 0, at(call * 10)), None);
    }
}
