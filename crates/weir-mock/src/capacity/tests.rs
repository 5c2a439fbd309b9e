//! The capacity model under fixed times, and what a client sees of the peak profile over simulated minutes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;
use crate::profile::{Profile, Service};

fn peak() -> Load {
    match Profile::Peak.manners().service {
        Service::Shared(load) => load,
        _ => panic!("the peak profile shares its service"),
    }
}

fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A service that is always quiet, with room for `slots`.
fn steady(slots: u32, level: f64) -> Load {
    let forever = Spell { at_least: at(1 << 40), beyond_mean: at(0), level: (level, level) };
    Load { slots, first_quiet_mean: at(1 << 40), quiet: forever, ..peak() }
}

#[test]
fn the_same_seed_and_arrivals_give_the_same_verdicts() {
    let verdicts = |seed| {
        let mut service = Capacity::new(peak(), &Chance::new(seed));
        (0..2_000).map(|number| service.arrive(at(number * 37))).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(1), verdicts(1));
    assert_ne!(verdicts(1), verdicts(2));
}

#[test]
fn one_request_over_the_account_limit_is_refused_until_one_leaves() {
    let mut service = Capacity::new(Load { account_slots: 2, ..steady(100, 0.1) }, &Chance::new(1));
    assert!(matches!(service.arrive(at(0)), Verdict::Admitted { .. }));
    assert!(matches!(service.arrive(at(0)), Verdict::Admitted { .. }));
    assert_eq!(service.arrive(at(0)), Verdict::OverAccountLimit);
    service.leave();
    assert!(matches!(service.arrive(at(0)), Verdict::Admitted { .. }));
}

#[test]
fn first_tokens_slow_down_then_requests_wait_then_they_are_refused() {
    let load = Load { account_slots: 1_000, opening_mean: at(0), ..steady(100, 0.5) };
    let mut service = Capacity::new(load, &Chance::new(1));
    let mut slowest = 0.0;
    let mut waited = 0;
    let refused_at = (0..1_000).position(|_| match service.arrive(at(0)) {
        Verdict::Admitted { wait, slowdown, stretch } => {
            assert!(slowdown >= slowest, "never faster under more load");
            assert!(stretch >= 1.0);
            slowest = slowdown;
            waited += u32::from(!wait.is_zero());
            false
        }
        _ => true,
    });
    assert!((56..=58).contains(&refused_at.expect("full at last")), "{refused_at:?}");
    assert!(slowest > 7.0 && (5..=7).contains(&waited), "slowdown {slowest}, {waited} waited");
}

#[test]
fn refusals_say_when_to_come_back_if_the_service_is_one_that_does() {
    for (share, expected) in [(0.0, None), (1.0, Some(1))] {
        let load = Load { retry_after_share: share, account_slots: u32::MAX, ..peak() };
        let mut service = Capacity::new(load, &Chance::new(1));
        let refused =
            (0..500).map(|number| service.arrive(at(number * 50))).find_map(|verdict| match verdict {
                Verdict::Busy { retry_after } => Some(retry_after),
                _ => None,
            });
        assert_eq!(refused, Some(expected));
    }
}

#[test]
fn an_idle_hour_is_cheap_and_changes_no_later_burst() {
    let mut service = Capacity::new(peak(), &Chance::new(1));
    let mut other = service.clone();
    for second in 0..3_600 {
        other.demand(at(second * 1_000));
    }
    assert_eq!(service.demand(at(3_600_000)), other.demand(at(3_600_000)));
}

/// One request as its client lives it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Attempt {
    first_try: Duration,
    tries: u32,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Leave,
    Try(Attempt),
}

/// What came of the requests first tried in a window.
#[derive(Default)]
struct Tally {
    requests: u32,
    good: u32,
}

impl Tally {
    fn share(&self) -> f64 {
        f64::from(self.good) / f64::from(self.requests.max(1))
    }
}

/// Poisson arrivals of 100 to 200 tokens at `rate` a second, each tried once and then up to `retries` times
/// with the back-off of the official clients: what `Retry-After` says, else `min(0.5·2^n, 8)·(1 − U/4)` s. One
/// tally per second.
fn simulate(seed: u64, rate: f64, seconds: u64, retries: u32) -> Vec<Tally> {
    let mut service = Capacity::new(peak(), &Chance::new(seed));
    let mut client = Chance::new(seed ^ 0xc11e);
    let mut events = BinaryHeap::new();
    let mut arrival = Duration::ZERO;
    loop {
        arrival += client.exponential(Duration::from_secs_f64(1.0 / rate));
        if arrival >= Duration::from_secs(seconds) {
            break;
        }
        events.push(Reverse((arrival, Event::Try(Attempt { first_try: arrival, tries: 0 }))));
    }
    let mut tallies: Vec<Tally> = (0..seconds).map(|_| Tally::default()).collect();
    while let Some(Reverse((now, event))) = events.pop() {
        let Event::Try(attempt) = event else {
            service.leave();
            continue;
        };
        let tally = &mut tallies[attempt.first_try.as_secs() as usize];
        tally.requests += u32::from(attempt.tries == 0);
        match service.arrive(now) {
            Verdict::Admitted { wait, slowdown, stretch } => {
                tally.good += 1;
                let first = client.lognormal(at(180), 0.4).mul_f64(slowdown);
                let tokens = client.between(100.0, 200.0);
                let busy_for = wait + first + at(18).mul_f64(tokens * stretch);
                events.push(Reverse((now + busy_for, Event::Leave)));
            }
            Verdict::Busy { retry_after } if attempt.tries < retries => {
                let backoff = 0.5 * f64::from(1u32 << attempt.tries) * client.between(0.75, 1.0);
                let backoff = retry_after.map_or(backoff, f64::from);
                let again = Attempt { tries: attempt.tries + 1, ..attempt };
                events.push(Reverse((now + Duration::from_secs_f64(backoff), Event::Try(again))));
            }
            _ => {}
        }
    }
    tallies
}

fn share(tallies: &[Tally]) -> f64 {
    let (good, requests) = tallies.iter().fold((0, 0), |sum, one| (sum.0 + one.good, sum.1 + one.requests));
    Tally { requests, good }.share()
}

/// The share answered of the first `seconds`, for seeds 1 to 10.
fn shares(rate: f64, seconds: u64, retries: u32) -> Vec<f64> {
    (1..=10).map(|seed| share(&simulate(seed, rate, seconds, retries))).collect()
}

#[test]
fn peak_answers_about_seventy_eight_of_a_hundred_single_attempts() {
    for rate in [20.0, 30.0, 40.0] {
        let long = shares(rate, 600, 0);
        let mean = long.iter().sum::<f64>() / 10.0;
        assert!((0.76..=0.80).contains(&mean), "{rate} rps, 10 min: mean {mean:.3} of {long:.3?}");
        let minute = shares(rate, 60, 0);
        assert!(minute.iter().all(|share| (0.65..=0.87).contains(share)), "{rate} rps, 1 min: {minute:.3?}");
    }
}

#[test]
fn two_retries_of_an_official_client_do_not_get_through_the_first_bursts() {
    for window in [10, 30, 60] {
        let shares = shares(30.0, window, 2);
        let below = shares.iter().filter(|&&share| share < 0.9).count();
        assert!(below >= 9, "{window} s: only {below} of 10 seeds stay below 90 %: {shares:.3?}");
    }
}

#[test]
fn two_retries_of_an_official_client_do_not_get_through_later_bursts_either() {
    let seconds: Vec<Tally> = (1..=10).flat_map(|seed| simulate(seed, 30.0, 600, 2)).collect();
    for (window, least) in [(10, 0.55), (30, 0.75)] {
        let windows: Vec<f64> = seconds.chunks(window).map(share).collect();
        let below = windows.iter().filter(|&&share| share < 0.9).count() as f64 / windows.len() as f64;
        assert!(below >= least, "{window} s: {below:.2} of the windows are below 90 %");
    }
    let overall = share(&seconds);
    assert!((0.84..=0.88).contains(&overall), "{overall:.3} answered with two retries");
}

#[test]
fn refusals_come_in_bursts_of_two_to_four_seconds() {
    let mut bursts = Vec::new();
    for seed in 1..=10 {
        let mut length = 0.0;
        let mut service = Capacity::new(peak(), &Chance::new(seed));
        for step in 0..60_000 {
            let full = service.demand(at(step * 10)) > 1.0 + peak().waiting_room;
            match full {
                true => length += 0.01,
                false if length > 0.0 => bursts.push(std::mem::take(&mut length)),
                false => {}
            }
        }
    }
    let mean = bursts.iter().sum::<f64>() / bursts.len() as f64;
    assert!((2.0..=4.0).contains(&mean), "mean burst {mean:.2} s");
}
