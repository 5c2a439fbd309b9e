//! How long the first token takes, as a distribution that follows the service and knows the size of the
//! prompt.
//!
//! Reading the prompt takes time, so times are divided by what a line through them (time ≈ α + β · KiB of
//! prompt) expects, and a histogram of these ratios gives the quantiles. Both forget by forward decay
//! (Cormode et al., "Forward decay", ICDE 2009): newer samples weigh more instead of old ones being made
//! lighter, so that a sample costs the same however much is remembered. The line's sums are kept as means and
//! co-moments (West, "Updating mean and variance estimates", CACM 1979), which do not cancel.
//!
//! Invariants: a longer prompt is never expected sooner; a quantile grows with its share.

use std::time::{Duration, Instant};

/// What this old weighs 1/e: a peak begins within minutes.
const MEMORY_S: f64 = 120.0;
/// Below so many samples' weight there is no estimate.
const WEIGHT_MIN: f64 = 20.0;
/// Before the weights of new samples leave the range of numbers, all are made lighter; `exp(300)` is far
/// inside.
const EXPONENT_MAX: f64 = 300.0;

/// Buckets of the ratio to what was expected, each 10 % wider than the one before, from 1/50 to about 50.
const BUCKETS: usize = 84;
const RATIO_MIN: f64 = 0.02;
const STEP: f64 = 1.1;
/// No expectation is shorter: the ratio must exist.
const EXPECTED_MIN_S: f64 = 1e-4;

/// One endpoint's times.
#[derive(Debug)]
pub(crate) struct FirstToken {
    /// The moment whose samples weigh 1.
    origin: Instant,
    weight: f64,
    kib_mean: f64,
    s_mean: f64,
    /// Σ weight · (kib − mean)², and the same with the seconds.
    kib_spread: f64,
    joint_spread: f64,
    buckets: [f64; BUCKETS],
}

impl FirstToken {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            origin: now,
            weight: 0.0,
            kib_mean: 0.0,
            s_mean: 0.0,
            kib_spread: 0.0,
            joint_spread: 0.0,
            buckets: [0.0; BUCKETS],
        }
    }

    /// A first token came after `took` for a prompt of `prompt_kib`.
    pub(crate) fn observe(&mut self, prompt_kib: f64, took: Duration, now: Instant) {
        let weight = self.weight_of(now);
        let took_s = took.as_secs_f64();
        self.weight += weight;
        let kib_off = prompt_kib - self.kib_mean;
        self.kib_mean += kib_off * weight / self.weight;
        self.s_mean += (took_s - self.s_mean) * weight / self.weight;
        self.kib_spread += weight * kib_off * (prompt_kib - self.kib_mean);
        self.joint_spread += weight * kib_off * (took_s - self.s_mean);
        let ratio = took_s / self.expected_s(prompt_kib);
        self.buckets[bucket(ratio)] += weight;
    }

    /// The time within which the share `q` of first tokens comes; `None` while too little is known.
    pub(crate) fn quantile(&mut self, q: f64, prompt_kib: f64, now: Instant) -> Option<Duration> {
        let unit = self.weight_of(now);
        // Sums of equal weights come out a hair short.
        if self.weight < WEIGHT_MIN * unit * (1.0 - 1e-9) {
            return None;
        }
        let ratio = self.ratio_at(q.clamp(0.0, 1.0));
        Duration::try_from_secs_f64(ratio * self.expected_s(prompt_kib)).ok()
    }

    /// How long a first token that came after `took` would have taken for a prompt of the usual size, in seconds.
    pub(crate) fn for_usual_prompt_s(&self, prompt_kib: f64, took: Duration) -> f64 {
        let as_usual = self.expected_s(self.kib_mean) / self.expected_s(prompt_kib);
        took.as_secs_f64() * as_usual
    }

    /// The usual size of a prompt.
    pub(crate) const fn usual_kib(&self) -> f64 {
        self.kib_mean
    }

    /// The line's value, in seconds. Where it would begin below zero, it goes through zero.
    fn expected_s(&self, prompt_kib: f64) -> f64 {
        let slope = if self.kib_spread > 0.0 { (self.joint_spread / self.kib_spread).max(0.0) } else { 0.0 };
        let at_zero = self.s_mean - slope * self.kib_mean;
        let expected = if at_zero >= 0.0 {
            at_zero + slope * prompt_kib
        } else {
            self.s_mean * prompt_kib / self.kib_mean
        };
        expected.max(EXPECTED_MIN_S)
    }

    fn ratio_at(&self, q: f64) -> f64 {
        let wanted = q * self.weight;
        let mut before = 0.0;
        let mut last = 0;
        for (index, weight) in self.buckets.iter().copied().enumerate().filter(|(_, weight)| *weight > 0.0) {
            last = index;
            if before + weight >= wanted {
                return edge(index) * STEP.powf((wanted - before) / weight);
            }
            before += weight;
        }
        edge(last + 1)
    }

    /// What a sample of this moment weighs, after making room for it in the range of numbers.
    fn weight_of(&mut self, now: Instant) -> f64 {
        let exponent = now.saturating_duration_since(self.origin).as_secs_f64() / MEMORY_S;
        if exponent <= EXPONENT_MAX {
            return exponent.exp();
        }
        let lighter = (-exponent).exp();
        self.origin = now;
        self.weight *= lighter;
        self.kib_spread *= lighter;
        self.joint_spread *= lighter;
        self.buckets.iter_mut().for_each(|bucket| *bucket *= lighter);
        1.0
    }
}

fn bucket(ratio: f64) -> usize {
    let steps = (ratio / RATIO_MIN).ln() / STEP.ln();
    (steps.max(0.0) as usize).min(BUCKETS - 1)
}

/// The lower edge of a bucket.
fn edge(index: usize) -> f64 {
    RATIO_MIN * STEP.powi(index as i32)
}
