//! How many attempts may be repeated at one endpoint, over all requests: what keeps retries from becoming the
//! load.
//!
//! After Finagle's retry budgets: each first attempt earns a part of a repeated one, and what is earned
//! expires. Their 20 % would cap the success of a service that fails 22 % of its calls at 93.6 %; the need is
//! q / (1 − q) = 28 %. While most attempts fail, nearly nothing is earned: repeating is then what keeps a
//! service down (Bronson et al., "Metastable failures in distributed systems", HotOS 2021).
//!
//! Invariant: what was taken within the memory is at most the larger of `ratio` × first attempts and
//! `per_s_min` × seconds. (At the moment of taking: the memory slides by a tenth of its length.)

use std::time::{Duration, Instant};

use crate::ring::Ring;

const SLOTS: usize = 10;
/// Attempts below which the share of failures means nothing.
const OUTCOMES_MIN: u32 = 20;

/// How much may be repeated.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Tokens a first attempt earns; a repeated attempt takes what its class of failure costs.
    pub ratio: f64,
    /// The same while most attempts fail.
    pub ratio_failing: f64,
    /// Tokens a second that are there without being earned.
    pub per_s_min: f64,
    /// How long what was earned and taken counts.
    pub memory: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    firsts: u32,
    taken: u32,
    outcomes: u32,
    failed: u32,
}

/// One endpoint's budget.
#[derive(Debug)]
pub(crate) struct Budget {
    policy: Policy,
    window: Ring<Slot, SLOTS>,
}

impl Budget {
    pub(crate) fn new(policy: Policy, now: Instant) -> Self {
        Self { policy, window: Ring::new(policy.memory, now) }
    }

    /// A first attempt.
    pub(crate) fn deposit(&mut self, now: Instant) {
        self.window.at(now).firsts += 1;
    }

    /// Takes `cost` tokens for a repeated attempt, if they are there. What costs nothing is always there. `pressed`: there is
    /// more work than room, so that as little is earned as while most attempts fail.
    pub(crate) fn withdraw(&mut self, cost: u32, pressed: bool, now: Instant) -> bool {
        let granted = cost == 0 || self.left_if(pressed, now) >= f64::from(cost);
        if granted {
            self.window.at(now).taken += cost;
        }
        granted
    }

    /// How an attempt ended, as far as the service had a part in it.
    pub(crate) fn outcome(&mut self, failed: bool, now: Instant) {
        let slot = self.window.at(now);
        slot.outcomes += 1;
        slot.failed += u32::from(failed);
    }

    /// The tokens that are there.
    pub(crate) fn left(&mut self, now: Instant) -> f64 {
        self.left_if(false, now)
    }

    fn left_if(&mut self, pressed: bool, now: Instant) -> f64 {
        let Slot { firsts, taken, .. } = self.sum(now);
        let ratio =
            if pressed || self.is_failing(now) { self.policy.ratio_failing } else { self.policy.ratio };
        let earned = ratio * f64::from(firsts);
        let free = self.policy.per_s_min * self.policy.memory.as_secs_f64();
        (earned.max(free) - f64::from(taken)).max(0.0)
    }

    /// Whether most attempts failed lately.
    pub(crate) fn is_failing(&mut self, now: Instant) -> bool {
        let Slot { outcomes, failed, .. } = self.sum(now);
        outcomes >= OUTCOMES_MIN && failed * 2 > outcomes
    }

    fn sum(&mut self, now: Instant) -> Slot {
        let mut sum = Slot::default();
        for slot in self.window.slots(now) {
            sum.firsts += slot.firsts;
            sum.taken += slot.taken;
            sum.outcomes += slot.outcomes;
            sum.failed += slot.failed;
        }
        sum
    }
}
