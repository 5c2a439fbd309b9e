//! The quantiles of first tokens, against exact ones of the same samples.

use std::time::Duration;

use proptest::prelude::*;
use weir_core::Chance;
use weir_testkit::at;

use crate::first_token::FirstToken;

/// A standard normal number (Box, Muller 1958).
fn normal(chance: &Chance) -> f64 {
    (-2.0 * (1.0 - chance.unit()).ln()).sqrt() * (std::f64::consts::TAU * chance.unit()).cos()
}

/// A prompt's size and the time its first token takes: lognormal around a line.
fn sample(chance: &Chance, base_s: f64, s_per_kib: f64) -> (f64, f64) {
    let kib = 64.0 * chance.unit() * chance.unit();
    (kib, (base_s + s_per_kib * kib) * (0.4 * normal(chance)).exp())
}

fn exact(mut times: Vec<f64>, q: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((q * times.len() as f64).ceil() as usize).clamp(1, times.len()) - 1]
}

#[track_caller]
fn close(found: Option<Duration>, expected: f64, tolerance: f64) {
    let found = found.expect("there are enough samples").as_secs_f64();
    assert!((found / expected - 1.0).abs() < tolerance, "{found} instead of {expected}");
}

#[test]
fn quantiles_are_those_of_the_samples_when_prompts_do_not_matter() {
    let (chance, mut model) = (Chance::seeded(3), FirstToken::new(at(0)));
    let mut times = Vec::new();
    for index in 0..2_000 {
        let (_, took) = sample(&chance, 0.9, 0.0);
        model.observe(4.0, Duration::from_secs_f64(took), at(index * 2));
        times.push(took);
    }
    for q in [0.1, 0.5, 0.75, 0.92, 0.99] {
        close(model.quantile(q, 4.0, at(4_000)), exact(times.clone(), q), 0.08);
    }
}

#[test]
fn longer_prompts_are_expected_later() {
    let (chance, mut model) = (Chance::seeded(4), FirstToken::new(at(0)));
    for index in 0..5_000 {
        let (kib, took) = sample(&chance, 0.3, 0.05);
        model.observe(kib, Duration::from_secs_f64(took), at(index));
    }
    // What the 92nd percentile is for one size of prompt: 1.405 standard deviations.
    let expected = |kib: f64| (0.3 + 0.05 * kib) * (0.4f64 * 1.405).exp();
    for kib in [2.0, 10.0, 40.0] {
        close(model.quantile(0.92, kib, at(5_000)), expected(kib), 0.1);
    }
    assert!((model.usual_kib() - 16.0).abs() < 1.0);
}

#[test]
fn follows_a_peak_within_half_a_minute() {
    let (chance, mut model) = (Chance::seeded(5), FirstToken::new(at(0)));
    let run = |model: &mut FirstToken, from: u64, to: u64, base_s: f64| {
        for ms in (from..to).step_by(100) {
            let (kib, took) = sample(&chance, base_s, 0.0);
            model.observe(kib, Duration::from_secs_f64(took), at(ms));
        }
    };
    run(&mut model, 0, 600_000, 0.5);
    let before = model.quantile(0.92, 8.0, at(600_000)).unwrap();
    run(&mut model, 600_000, 630_000, 5.0);
    let after = model.quantile(0.92, 8.0, at(630_000)).unwrap();
    assert!(before < Duration::from_secs(1) && after > Duration::from_secs(4), "{before:?}, {after:?}");
}

#[test]
fn says_nothing_before_it_knows_enough_and_once_it_has_forgotten() {
    let mut model = FirstToken::new(at(0));
    let second = Duration::from_secs(1);
    (0..19).for_each(|_| model.observe(1.0, second, at(0)));
    assert_eq!(model.quantile(0.9, 1.0, at(0)), None);
    model.observe(1.0, second, at(0));
    close(model.quantile(0.9, 1.0, at(0)), 1.0, 0.1);
    assert_eq!(model.quantile(0.9, 1.0, at(60_000)), None);
    // A month of silence does not leave the range of numbers.
    let month = 30 * 86_400_000;
    (0..30).for_each(|_| model.observe(1.0, 2 * second, at(month)));
    close(model.quantile(0.9, 1.0, at(month)), 2.0, 0.1);
}

proptest! {
    #[test]
    fn a_longer_prompt_is_never_expected_sooner_and_a_larger_share_never_earlier(
        samples in prop::collection::vec((0.0f64..2_000.0, 0u64..100_000, 0u64..20_000), 20..200),
        (kib, more) in (0.0f64..1_000.0, 0.0f64..1_000.0),
        (q, rest) in (0.0f64..1.0, 0.0f64..1.0),
    ) {
        let mut model = FirstToken::new(at(0));
        let mut now = 0;
        for (kib, took, wait) in samples {
            now += wait;
            model.observe(kib, Duration::from_millis(took), at(now));
        }
        let mut ask = |q, kib| model.quantile(q, kib, at(now));
        let here = ask(q, kib);
        prop_assert!(ask(q, kib + more) >= here);
        prop_assert!(ask(q + (1.0 - q) * rest, kib) >= here);
    }

    #[test]
    fn quantiles_lie_near_the_exact_ones_of_what_is_remembered(
        seed in any::<u64>(),
        base_s in 0.05f64..4.0,
        s_per_kib in 0.0f64..0.1,
        q in 0.3f64..0.95,
    ) {
        let (chance, mut model) = (Chance::seeded(seed), FirstToken::new(at(0)));
        let mut ratios = Vec::new();
        for index in 0..1_500 {
            let (kib, took) = sample(&chance, base_s, s_per_kib);
            model.observe(kib, Duration::from_secs_f64(took), at(index * 4));
            ratios.push(took / (base_s + s_per_kib * kib));
        }
        // The exact share of the ratios to the true line, for a usual prompt.
        let expected = exact(ratios, q) * (base_s + s_per_kib * 16.0);
        let found = model.quantile(q, 16.0, at(6_000)).unwrap().as_secs_f64();
        prop_assert!((found / expected - 1.0).abs() < 0.15, "{found} instead of {expected}");
    }
}
