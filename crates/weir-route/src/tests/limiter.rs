//! The limit follows what a service takes, and only that: not who else is refused there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;
use weir_core::Chance;
use weir_testkit::at;

use crate::limiter::{Bounds, Limiter, Sent};

/// What decides how many calls are in flight.
trait Limit {
    type Sent: Copy;
    fn limit(&self) -> usize;
    fn sent(&mut self, load: usize, ms: u64) -> Self::Sent;
    fn began(&mut self, sent: Self::Sent, ms: u64);
    fn refused(&mut self, sent: Self::Sent, ms: u64);
}

impl Limit for Limiter {
    type Sent = Sent;
    fn limit(&self) -> usize {
        self.limit()
    }
    fn sent(&mut self, load: usize, ms: u64) -> Sent {
        self.sent(load, at(ms))
    }
    fn began(&mut self, sent: Sent, ms: u64) {
        self.began(sent, None, at(ms));
    }
    fn refused(&mut self, sent: Sent, ms: u64) {
        self.refused(sent, at(ms));
    }
}

/// Additive increase, multiplicative decrease at every refusal.
struct Aimd(f64);

impl Limit for Aimd {
    type Sent = ();
    fn limit(&self) -> usize {
        self.0 as usize
    }
    fn sent(&mut self, _load: usize, _ms: u64) {}
    fn began(&mut self, _sent: (), _ms: u64) {
        self.0 += 1.0 / self.0;
    }
    fn refused(&mut self, _sent: (), _ms: u64) {
        self.0 = (self.0 * 0.9).max(1.0);
    }
}

/// A service: how many calls it has room for, and what share of calls it refuses for other reasons, by second.
struct Service {
    room: fn(u64) -> usize,
    refuses: fn(u64) -> f64,
}

const ROOMY: fn(u64) -> usize = |_| usize::MAX;
const KIND: fn(u64) -> f64 = |_| 0.0;

/// What happens to a call, by its place in the list of calls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    FirstToken(usize),
    Ends,
    Refused(usize),
    Looks,
}

/// One second of a run: calls worked on, on average, the limit at its end, calls sent and refused.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    working: f64,
    limit: usize,
    sent: u32,
    refused: u32,
}

/// More is always asked than the limit lets through. Calls last two seconds and a half, first tokens come after a third of
/// one, refusals after 20 to 60 ms; another takes the place of a refused one at once.
fn run(mut limiter: impl Limit, service: &Service, seconds: u64, seed: u64) -> Vec<Second> {
    let chance = Chance::seeded(seed);
    let after = |mean_ms: f64| (-(1.0 - chance.unit()).ln() * mean_ms) as u64;
    let mut events = BinaryHeap::from([Reverse((10, Event::Looks))]);
    let mut told = vec![Second::default(); seconds as usize];
    let (mut working, mut refusing, mut calls) = (0, 0, Vec::new());
    while let Some(Reverse((ms, event))) = events.pop() {
        let Some(second) = told.get_mut((ms / 1000) as usize) else { break };
        match event {
            Event::FirstToken(call) => limiter.began(calls[call], ms),
            Event::Ends => working -= 1,
            Event::Refused(call) => {
                refusing -= 1;
                second.refused += 1;
                limiter.refused(calls[call], ms);
            }
            Event::Looks => {
                events.push(Reverse((ms + 10, Event::Looks)));
                second.working += working as f64 / 100.0;
                second.limit = limiter.limit();
            }
        }
        while working + refusing < limiter.limit() {
            second.sent += 1;
            calls.push(limiter.sent(working + refusing + 1, ms));
            let call = calls.len() - 1;
            if working >= (service.room)(ms / 1000) || chance.unit() < (service.refuses)(ms / 1000) {
                refusing += 1;
                let round_trip = 20 + chance.below(40) as u64;
                events.push(Reverse((ms + round_trip, Event::Refused(call))));
            } else {
                working += 1;
                events.push(Reverse((ms + 350, Event::FirstToken(call))));
                events.push(Reverse((ms + 350 + after(2_150.0), Event::Ends)));
            }
        }
    }
    told
}

fn limiter(max: usize) -> Limiter {
    Limiter::new(Bounds::adaptive(max), at(0))
}

fn carry(limiter: &mut Limiter, load: usize, ms: u64) {
    let call = limiter.sent(load, at(ms));
    limiter.began(call, None, at(ms));
}

fn mean(seconds: &[Second], of: impl Fn(&Second) -> f64) -> f64 {
    seconds.iter().map(of).sum::<f64>() / seconds.len() as f64
}

fn refused_share(seconds: &[Second]) -> f64 {
    mean(seconds, |second| f64::from(second.refused)) / mean(seconds, |second| f64::from(second.sent))
}

#[test]
fn a_hidden_limit_is_used_to_95_percent_and_seldom_hit() {
    let check = |room: fn(u64) -> usize, refused_max: f64| {
        for seed in 0..3 {
            let told = run(limiter(5_000), &Service { room, refuses: KIND }, 120, seed);
            let used = mean(&told[10..], |second| second.working) / room(0) as f64;
            assert!(used >= 0.95, "{used} of {} used", room(0));
            let refused = refused_share(&told[10..]);
            assert!(refused <= refused_max, "{refused} of calls refused at {}", room(0));
        }
    };
    check(|_| 10, 0.1);
    check(|_| 30, 0.04);
    check(|_| 100, 0.015);
    check(|_| 1_000, 0.003);
}

#[test]
fn when_the_hidden_limit_halves_or_doubles_it_is_found_in_ten_seconds() {
    let check = |room: fn(u64) -> usize| {
        for seed in 0..3 {
            let told = run(limiter(5_000), &Service { room, refuses: KIND }, 60, seed);
            let later = &told[40..];
            let used = mean(later, |second| second.working) / room(40) as f64;
            assert!(used >= 0.95, "{used} of {} used", room(40));
            let refused = refused_share(later);
            assert!(refused <= 0.03, "{refused} of calls refused at {}", room(40));
        }
    };
    check(|s| if s < 30 { 100 } else { 50 });
    check(|s| if s < 30 { 100 } else { 200 });
    check(|s| if s < 30 { 400 } else { 200 });
}

#[test]
fn a_limit_that_is_known_is_tried_with_few_calls_and_left_by_little() {
    let told = run(limiter(5_000), &Service { room: |_| 100, refuses: KIND }, 60, 1);
    for second in &told[15..] {
        assert!(second.refused <= 3 && second.limit >= 97, "{second:?}");
    }
}

#[test]
fn a_call_that_tries_whether_a_limit_still_holds_is_refused_for_our_own_reasons() {
    let mut limiter = limiter(5_000);
    let refuse = |limiter: &mut Limiter, load, ms| {
        let call = limiter.sent(load, at(ms));
        limiter.refused(call, at(ms + 1))
    };
    (0..30).for_each(|ms| carry(&mut limiter, 20, ms));
    let found = (0..12).map(|ms| refuse(&mut limiter, 21, 100 + ms)).collect::<Vec<_>>();
    assert_eq!((found[0], found[11]), (false, true), "at first one refusal says nothing");
    assert_eq!(limiter.limit(), 20, "it was met from below");
    (0..10).for_each(|ms| carry(&mut limiter, 20, 200 + ms));
    assert!(!refuse(&mut limiter, 15, 300), "below the limit it is somebody else's");
    assert!(refuse(&mut limiter, 21, 400), "above it one refusal is enough to go back to the line");
}

#[test]
fn refusals_that_come_at_any_load_do_not_lower_the_limit() {
    let check = |refuses: fn(u64) -> f64| {
        for seed in 0..3 {
            let told = run(limiter(500), &Service { room: ROOMY, refuses }, 90, seed);
            let limit = mean(&told[40..], |second| second.limit as f64);
            assert!(limit >= 440.0, "at {} refused the limit is {limit} of 500", refuses(30));
        }
    };
    check(|_| 0.01);
    check(|s| if s < 20 { 0.0 } else { 0.22 });
    check(|s| if s < 20 { 0.0 } else { 0.4 });
    check(|s| if s < 20 { 0.0 } else { 0.8 });
}

#[test]
fn refusals_that_come_at_any_load_do_not_keep_the_limit_low() {
    for seed in 0..3 {
        let told = run(limiter(500), &Service { room: ROOMY, refuses: |_| 0.22 }, 60, seed);
        let limit = mean(&told[5..], |second| second.limit as f64);
        assert!(limit >= 450.0, "from 20 it came to {limit}");
    }
}

#[test]
fn cutting_at_every_refusal_would_end_at_a_handful_of_calls() {
    let told = run(Aimd(100.0), &Service { room: ROOMY, refuses: |_| 0.22 }, 90, 1);
    assert!(mean(&told[30..], |second| second.limit as f64) < 10.0);
}

#[test]
fn a_burst_of_refusals_is_forgotten_when_it_is_over() {
    let refuses: fn(u64) -> f64 = |s| if s > 20 && s % 11 < 2 { 1.0 } else { 0.0 };
    let told = run(limiter(200), &Service { room: ROOMY, refuses }, 120, 1);
    // In the last four seconds of each calm spell.
    let calm: Vec<Second> = (22..110).filter(|s| s % 11 >= 7).map(|s| told[s]).collect();
    let limit = mean(&calm, |second| second.limit as f64);
    assert!(limit >= 190.0, "{limit} of 200");
}

#[test]
fn a_full_service_that_also_refuses_others_is_still_found() {
    let told = run(limiter(5_000), &Service { room: |_| 100, refuses: |_| 0.2 }, 120, 1);
    let used = mean(&told[20..], |second| second.working) / 100.0;
    assert!(used >= 0.9, "{used} used");
    let refused = refused_share(&told[20..]);
    assert!(refused <= 0.35, "{refused} refused");
}

#[test]
fn what_is_not_used_does_not_grow() {
    let mut limiter = limiter(1_000);
    for ms in 0..100_000 {
        carry(&mut limiter, 9, ms);
    }
    assert_eq!(limiter.limit(), 20);
}

#[test]
fn after_an_outage_it_begins_small_and_is_soon_where_it_was() {
    let mut limiter = limiter(1_000);
    (0..480).for_each(|ms| carry(&mut limiter, 500, ms));
    assert_eq!(limiter.limit(), 500);
    limiter.restart();
    assert_eq!(limiter.limit(), 50);
    (0..400).for_each(|ms| carry(&mut limiter, 500, 1_000 + ms));
    assert!((448..=460).contains(&limiter.limit()), "{}", limiter.limit());
}

#[test]
fn an_operator_who_knows_the_limit_is_believed() {
    let mut limiter = Limiter::new(Bounds::fixed(50), at(0));
    for ms in 0..5_000 {
        let call = limiter.sent(50, at(ms));
        limiter.refused(call, at(ms));
    }
    assert_eq!(limiter.limit(), 50);
}

proptest! {
    #[test]
    fn it_stays_in_bounds_and_is_cut_at_most_once_a_second(
        max in 1usize..300,
        steps in prop::collection::vec((0u64..400, 1usize..300, 0u8..4), 1..300),
    ) {
        let bounds = Bounds::adaptive(max);
        let mut limiter = Limiter::new(bounds, at(0));
        let (mut ms, mut cut_ms) = (0, None);
        for (wait, load, what) in steps {
            ms += wait;
            let before = limiter.limit();
            match what {
                0 | 1 => carry(&mut limiter, load, ms),
                2 => {
                    let call = limiter.sent(load, at(ms));
                    limiter.refused(call, at(ms));
                }
                _ if load > 290 => limiter.restart(),
                _ => {}
            }
            let after = limiter.limit();
            prop_assert!((bounds.min..=bounds.max).contains(&after), "{after} outside {bounds:?}");
            prop_assert!(what != 2 || after <= before, "a refusal raised it from {before} to {after}");
            if what == 2 && after < before {
                let long_ago = cut_ms.is_none_or(|then| ms - then >= 1_000);
                prop_assert!(long_ago, "cut at {cut_ms:?} and again at {ms} ms");
                cut_ms = Some(ms);
            }
        }
    }
}
