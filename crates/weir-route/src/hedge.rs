//! How many requests may be asked twice: a second endpoint when the first is slow to begin, the first to
//! begin answers.
//!
//! Hedging cuts the tail (Dean, Barroso: "The tail at scale", CACM 2013) at the price of work done twice, so
//! it has a budget: a share of the streamed requests, and no more than the tail's mass is needed (a trigger
//! at the 92nd percentile asks 8 % of requests twice). A service in trouble makes everything slow, which is
//! when nothing may be done twice: see `Route::hedge`.
//!
//! Invariant: hedges ≤ `share_max` × streamed requests + `BURST`.

use std::time::Duration;

/// Hedges that may be saved up.
const BURST: f64 = 5.0;

/// When to ask twice, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The share of streamed requests that may be asked twice; 0 turns it off.
    pub share_max: f64,
    /// The share of answers that begin before a second endpoint is asked.
    pub quantile: f64,
    /// Never earlier than this.
    pub min: Duration,
    /// Never later than this.
    pub max: Duration,
}

impl Policy {
    /// When a second endpoint may be asked, given when the quantile of answers has begun; without an estimate
    /// as late as may be. `None` if never.
    pub(crate) fn after(&self, usual: Option<Duration>) -> Option<Duration> {
        let after = usual.unwrap_or(self.max).max(self.min).min(self.max);
        (self.share_max > 0.0).then_some(after)
    }
}

/// What is left of the budget.
#[derive(Debug)]
pub(crate) struct Hedges {
    share_max: f64,
    left: f64,
}

impl Hedges {
    pub(crate) fn new(policy: &Policy) -> Self {
        let left = if policy.share_max > 0.0 { BURST } else { 0.0 };
        Self { share_max: policy.share_max, left }
    }

    /// A streamed request begins.
    pub(crate) fn earn(&mut self) {
        self.left = (self.left + self.share_max).min(BURST);
    }

    /// A request may be asked twice, if there is something left for it.
    pub(crate) fn take(&mut self) -> bool {
        let taken = self.left >= 1.0;
        if taken {
            self.left -= 1.0;
        }
        taken
    }

    /// A request that might have been asked twice was not.
    pub(crate) fn give_back(&mut self) {
        self.left = (self.left + 1.0).min(BURST);
    }
}
