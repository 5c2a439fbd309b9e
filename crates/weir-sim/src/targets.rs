//! What weir promises in these worlds, as checks over scores. One promise is one line in [`ALL`].

mod known;

use crate::score::Crowded;
use crate::{Arm, Parts, Score, World};

/// One promise.
pub struct Target {
    /// Its name, for messages.
    pub name: &'static str,
    /// In which world.
    pub world: World,
    /// With how many services; `None` with any number.
    pub upstreams: Option<usize>,
    /// What is promised, for people.
    pub promise: &'static str,
    kept: fn(&Score, Measure) -> bool,
}

/// How strictly a share near to one is measured. One run holds a handful of failures, and their number is
/// chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The number as it is: for what is published, and for many runs pooled.
    Plain,
    /// Missed only with more failures than a service that keeps the promise just so has by chance, but for
    /// one run in ten thousand: for one run among many, and for short ones.
    BeyondChance,
}

/// Every promise.
pub static ALL: &[Target] = &[
    Target {
        name: "B1 answered",
        world: World::B1,
        upstreams: Some(1),
        promise: "≥ 99.97 % answered",
        kept: |score, measure| answered(score, 0.9997, measure),
    },
    Target {
        name: "B1 cost",
        world: World::B1,
        upstreams: Some(1),
        promise: "≤ 1.35 calls a request",
        kept: |score, _| score.attempts_per_request <= 1.35,
    },
    Target {
        name: "B2 answered",
        world: World::B2,
        upstreams: Some(2),
        promise: "≥ 99.97 % answered",
        kept: |score, measure| answered(score, 0.9997, measure),
    },
    Target {
        name: "B3 answered",
        world: World::B3,
        upstreams: Some(2),
        promise: "≥ 99.97 % answered",
        kept: |score, measure| answered(score, 0.9997, measure),
    },
    Target {
        name: "B3 goodput",
        world: World::B3,
        upstreams: Some(1),
        promise: "goodput ≥ 95 % of capacity",
        kept: |score, _| score.goodput_share_of_capacity.is_some_and(|share| share >= 0.95),
    },
    Target {
        name: "B3 load",
        world: World::B3,
        upstreams: Some(1),
        promise: "load on the service ≤ 1.1 × offered",
        kept: |score, _| score.load_share_of_offered <= 1.1,
    },
    Target {
        name: "B4a amplification",
        world: World::B4a,
        upstreams: Some(1),
        promise: "≤ 1.1 calls a request during the outage",
        kept: |score, _| score.load_in_trouble.is_some_and(|load| load <= 1.1),
    },
    Target {
        name: "B4b amplification",
        world: World::B4b,
        upstreams: Some(1),
        promise: "≤ 1.1 calls a request during the outage",
        kept: |score, _| score.load_in_trouble.is_some_and(|load| load <= 1.1),
    },
    Target {
        name: "B6 honesty",
        world: World::B6,
        upstreams: None,
        promise: "100 % whole or honestly failed",
        kept: |score, _| score.false_share == 0.0,
    },
    Target {
        name: "B7 recovery",
        world: World::B7,
        upstreams: Some(1),
        promise: "goodput ≥ 95 % of before within 30 s after the spike",
        kept: |score, _| score.recovery_s.is_some_and(|seconds| seconds <= 30),
    },
    Target {
        name: "B8 waits",
        world: World::B8,
        upstreams: Some(1),
        promise: "quiet callers' p99 to the first word ≤ 1.3 × theirs without the noisy one",
        kept: |score, _| crowded(score, |crowded| crowded.ratio() <= 1.3),
    },
    Target {
        name: "B8 fairness",
        world: World::B8,
        upstreams: Some(1),
        promise: "Jain's index over goodput ÷ fair share ≥ 0.95",
        kept: |score, _| crowded(score, |crowded| crowded.fairness >= 0.95),
    },
    Target {
        name: "B9 waits",
        world: World::B9,
        upstreams: Some(1),
        promise: "interactive p99 to the first word ≤ 1.2 × its p99 without the flood",
        kept: |score, _| crowded(score, |crowded| crowded.ratio() <= 1.2),
    },
    Target {
        name: "B9 progress",
        world: World::B9,
        upstreams: Some(1),
        promise: "bulk work gets half of the rest or more",
        kept: |score, _| crowded(score, |crowded| crowded.crowd_share_of_rest >= 0.5),
    },
    Target {
        name: "B10 order",
        world: World::B10,
        upstreams: Some(1),
        promise: "every level entered and left in order, at most one reversal for each crossing",
        kept: |score, _| {
            score.walked.as_ref().is_some_and(|walked| walked.in_order && walked.reversals_max <= 1)
        },
    },
    Target {
        name: "B10 goodput",
        world: World::B10,
        upstreams: Some(1),
        promise: "goodput ≥ 95 % of what is asked or can be given, in every five seconds",
        kept: |score, measure| {
            score
                .walked
                .as_ref()
                .is_some_and(|walked| share_kept(walked.goodput_min, walked.least_of, 0.95, measure))
        },
    },
    Target {
        name: "B10 places",
        world: World::B10,
        upstreams: None,
        promise: "nobody is told that there is too much work while a place is free",
        kept: |score, _| score.shed_with_room == 0,
    },
    Target {
        name: "B11 room",
        world: World::B11,
        upstreams: Some(1),
        promise: "≥ 95 % of the hidden room used from 10 s after each change on",
        kept: |score, _| score.room_used_min.is_some_and(|used| used >= 0.95),
    },
    Target {
        name: "B11 refusals",
        world: World::B11,
        upstreams: Some(1),
        promise: "no caller is told 429",
        kept: |score, _| score.throttled_share == 0.0,
    },
    Target {
        name: "B12 goodput",
        world: World::B12,
        upstreams: Some(1),
        promise: "goodput ≥ 95 % of capacity",
        kept: |score, _| score.goodput_share_of_capacity.is_some_and(|share| share >= 0.95),
    },
    known::nothing_changes(World::B13, "B13 without repeats"),
    known::nothing_is_lost(World::B13, "B13 answered"),
    known::repeats_are_known(World::B13, None, "B13 known"),
    known::nothing_changes(World::B14, "B14 without repeats"),
    known::nothing_is_lost(World::B14, "B14 answered"),
    known::repeats_are_known(World::B14, Some(2), "B14 known"),
    known::nothing_changes(World::B15, "B15 without repeats"),
    known::nothing_is_lost(World::B15, "B15 answered"),
    known::repeats_are_known(World::B15, None, "B15 known"),
    Target {
        name: "B15 while down",
        world: World::B15,
        upstreams: Some(1),
        promise: "while everything is down, who asks what was answered before is answered",
        kept: |score, _| known::is_given_while_down(score),
    },
];

impl Target {
    /// Whether a score is of the kind that this promise is about.
    pub fn is_about(&self, score: &Score) -> bool {
        score.arm == Arm::Weir
            && score.measures == Parts::ALL
            && score.world == self.world
            && self.upstreams.is_none_or(|upstreams| upstreams == score.upstreams)
    }

    /// Whether a score keeps it.
    pub fn is_kept_by(&self, score: &Score, measure: Measure) -> bool {
        (self.kept)(score, measure)
    }
}

/// The promises that a score breaks.
pub fn missed(score: &Score, measure: Measure) -> impl Iterator<Item = &'static Target> {
    ALL.iter().filter(move |target| target.is_about(score) && !target.is_kept_by(score, measure))
}

fn crowded(score: &Score, kept: fn(&Crowded) -> bool) -> bool {
    score.crowded.as_ref().is_some_and(kept)
}

/// Whether so many are answered.
fn answered(score: &Score, share: f64, measure: Measure) -> bool {
    share_kept(score.answered_share, f64::from(score.requests), share, measure)
}

/// Whether a share of so many is as large as was promised.
fn share_kept(found: f64, of: f64, promised: f64, measure: Measure) -> bool {
    match measure {
        Measure::Plain => found >= promised,
        Measure::BeyondChance => ((1.0 - found) * of).round() <= poisson_bound((1.0 - promised) * of),
    }
}

/// The least number that a Poisson variable with this mean stays within, but for one time in ten thousand.
fn poisson_bound(mean: f64) -> f64 {
    const PROBABILITY: f64 = 0.9999;
    // Beyond this the normal approximation is as good, and the first term would soon be too small to write
    // down.
    const MANY: f64 = 400.0;
    if mean > MANY {
        const SIGMAS: f64 = 3.72;
        return (mean + SIGMAS * mean.sqrt()).floor();
    }
    let mut term = (-mean).exp();
    let mut sum = term;
    let mut count = 0.0;
    // Ends: the terms sum to one.
    while sum < PROBABILITY {
        count += 1.0;
        term *= mean / count;
        sum += term;
    }
    count
}
