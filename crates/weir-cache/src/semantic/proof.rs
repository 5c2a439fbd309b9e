//! Whether answers to questions that are alike may be given: by what came of it when they were not given, but compared.
//!
//! What always holds: as long as it is not shown that fewer are false than the operator allows, none is given; showing it
//! anew never ends, since a share of what could be given is compared instead.

use std::collections::VecDeque;

/// Trials that count: the last ones. Enough to show one in a hundred, few enough to see a change within a day.
const TRIALS_MAX: usize = 2000;
/// How sure the bound is: of a hundred such intervals, 95 have the truth in them.
const TAIL: f64 = 0.025;

/// The trials of the last while.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proof {
    trials: VecDeque<bool>,
    false_ones: usize,
}

impl Proof {
    /// An answer that would have been given was compared with the one that came.
    pub(crate) fn note(&mut self, is_same: bool) {
        if self.trials.len() == TRIALS_MAX && self.trials.pop_front() == Some(false) {
            self.false_ones -= 1;
        }
        self.trials.push_back(is_same);
        self.false_ones += usize::from(!is_same);
    }

    /// How many there were, and how many of them were false.
    pub(crate) fn counted(&self) -> (usize, usize) {
        (self.trials.len(), self.false_ones)
    }

    /// The share that is false, at least and at most.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        interval(self.false_ones, self.trials.len())
    }
}

/// The interval of Clopper and Pearson (Biometrika 26, 1934) for a share of which `count` of `total` were seen, at 95 %.
/// It is exact: never narrower than it says.
pub fn interval(count: usize, total: usize) -> (f64, f64) {
    if total == 0 {
        return (0.0, 1.0);
    }
    let at_most = |share: f64, count: usize| binomial(count, total, share);
    let lower = if count == 0 { 0.0 } else { solve(|share| 1.0 - at_most(share, count - 1) >= TAIL) };
    let upper = if count == total { 1.0 } else { solve(|share| at_most(share, count) <= TAIL) };
    (lower, upper)
}

/// The least share from which on it is so.
fn solve(is_so: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if is_so(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// How likely at most `count` of `total` are, each with this chance.
fn binomial(count: usize, total: usize, chance: f64) -> f64 {
    let (yes, no) = (chance.ln(), (-chance).ln_1p());
    let (mut choices, mut sum) = (0.0_f64, 0.0);
    for some in 0..=count {
        if some > 0 {
            choices += ((total - some + 1) as f64).ln() - (some as f64).ln();
        }
        // 0 of them at chance 0, all of them at chance 1: `0 × ∞` is nothing.
        let term = |of: usize, log: f64| if of == 0 { 0.0 } else { of as f64 * log };
        sum += (choices + term(some, yes) + term(total - some, no)).exp();
    }
    sum.min(1.0)
}
