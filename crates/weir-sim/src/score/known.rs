//! The numbers of the worlds in which some questions are asked again: what was known already, and what that is worth.

use serde::Serialize;

use super::{Score, rounded};
use crate::arrivals::Spell;
use crate::run::{Plan, Played};
use crate::tally::{self, Seconds};
use crate::world::Setting;

/// How much could have been known, and how much was. Shares are of all requests where nothing else is said.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Known {
    /// Requests that ask one of the closed set of questions: what the run was made with.
    pub repeats: f64,
    /// Requests whose question somebody had asked within the life of an answer: the most that a cache could save a service
    /// that answers every call at once.
    pub repeated_share: f64,
    /// Answered with what was kept, stale or not.
    pub kept_share: f64,
    /// Of those, with what was fresh no more and stood in for an error or for a call too many: marked, so degraded.
    pub stale_share: f64,
    /// From the first try to the first word of those, in milliseconds; null when there are none.
    pub stale_mean_ms: Option<f64>,
    /// Answered by a call that was made for another request.
    pub shared_share: f64,
    /// Of those who came while everything was down: the share that was answered. Null where that never happens.
    pub down_answered_share: Option<f64>,
    /// The same of those among them whose question somebody had been given an answer to; null when there are none.
    pub down_known_answered_share: Option<f64>,
    /// Weir without its cache, in the same world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without: Option<Box<Score>>,
}

impl Known {
    /// Answered without a call of its own.
    pub const fn from_cache_share(&self) -> f64 {
        self.kept_share + self.shared_share
    }

    /// `share`: what part of all requests so many are.
    pub(super) fn new(
        plan: &Plan<'_>,
        setting: &Setting,
        played: &Played,
        share: impl Fn(u32) -> f64,
    ) -> Option<Self> {
        setting.repeats?;
        let tally = played.tally.known.as_ref()?;
        let tally::Known { repeated, kept, stale, stale_first, shared, .. } = tally;
        let down = |answered: &Seconds, came: &Seconds| part(setting.spell?, answered, came);
        Some(Self {
            repeats: plan.repeats,
            repeated_share: share(*repeated),
            kept_share: share(*kept),
            stale_share: share(*stale),
            stale_mean_ms: stale_first.mean_ms().map(f64::round),
            shared_share: share(*shared),
            down_answered_share: down(&tally.answered, &played.tally.arrived),
            down_known_answered_share: down(&tally.known_answered, &tally.known),
            without: None,
        })
    }

    /// `mean`: of two shares, by how many requests each is of.
    pub(super) fn pool(&mut self, other: &Self, mean: impl Fn(f64, f64) -> f64) {
        for (one, another) in [
            (&mut self.repeated_share, other.repeated_share),
            (&mut self.kept_share, other.kept_share),
            (&mut self.stale_share, other.stale_share),
            (&mut self.shared_share, other.shared_share),
        ] {
            *one = mean(*one, another);
        }
        for (one, another) in [
            (&mut self.stale_mean_ms, other.stale_mean_ms),
            (&mut self.down_answered_share, other.down_answered_share),
            (&mut self.down_known_answered_share, other.down_known_answered_share),
        ] {
            *one = one.zip(another).map(|(one, another)| mean(one, another)).or(*one).or(another);
        }
        if let (Some(own), Some(its)) = (&mut self.without, &other.without) {
            own.pool(its);
        }
    }
}

/// Of those who came during a spell, the share that is among the first ones.
fn part(spell: Spell, some: &Seconds, all: &Seconds) -> Option<f64> {
    let (from, until) = (spell.from_s as usize, spell.until_s as usize);
    let all = all.sum(from, until);
    (all > 0).then(|| rounded(f64::from(some.sum(from, until)) / f64::from(all)))
}
