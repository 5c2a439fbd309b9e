//! What weir promises where some questions are asked again. Each is a comparison with weir without its cache in the same
//! world, or with what a cache could know at best.

use super::Target;
use crate::score::Known;
use crate::{Score, World};

/// Of the repeats that there are, the share that is to be known. The rest is what was not answered the first time, and what
/// the chance in the life of an answer, a tenth more or less, takes.
const KNOWN_MIN: f64 = 0.95;
/// How far two runs of the same world may lie apart that differ only in the order of what happens within a millisecond: in
/// shares answered, among bursts, and in the relative number of calls.
const ANSWERED_APART: f64 = 0.03;
const CALLS_APART: f64 = 0.03;

pub(super) const fn nothing_changes(world: World, name: &'static str) -> Target {
    Target {
        name,
        world,
        upstreams: None,
        promise: "where nobody repeats a question nothing comes from the cache, and as many calls are made and requests \
                  answered as without one (within 3 %)",
        kept: |score, _| {
            beside(score, |known, without| known.repeats > 0.0 || is_alike(score, known, without))
        },
    }
}

pub(super) const fn nothing_is_lost(world: World, name: &'static str) -> Target {
    Target {
        name,
        world,
        upstreams: None,
        promise: "where some do, no fewer answered than without a cache but for what chance explains, and fewer calls",
        kept: |score, _| beside(score, |known, without| known.repeats == 0.0 || is_no_less(score, without)),
    }
}

/// `upstreams`: where a question that is asked for the first time is answered, or nobody could know it later.
pub(super) const fn repeats_are_known(world: World, upstreams: Option<usize>, name: &'static str) -> Target {
    Target {
        name,
        world,
        upstreams,
        promise: "≥ 95 % of the repeats that a cache could know are answered from it",
        kept: |score, _| {
            let is_known = |known: &Known| known.from_cache_share() >= KNOWN_MIN * known.repeated_share;
            score.known.as_ref().is_some_and(is_known)
        },
    }
}

/// Nobody may have asked so.
pub(super) fn is_given_while_down(score: &Score) -> bool {
    let known = score.known.as_ref();
    known.is_some_and(|known| known.down_known_answered_share.is_none_or(|share| share >= 1.0))
}

fn beside(score: &Score, kept: impl Fn(&Known, &Score) -> bool) -> bool {
    let known = score.known.as_ref();
    known.is_some_and(|known| known.without.as_deref().is_some_and(|without| kept(known, without)))
}

fn is_alike(score: &Score, known: &Known, without: &Score) -> bool {
    let calls = score.attempts_per_request / without.attempts_per_request;
    known.from_cache_share() == 0.0
        && (score.answered_share - without.answered_share).abs() <= ANSWERED_APART
        && (calls - 1.0).abs() <= CALLS_APART
}

/// Not by more than chance makes of two runs that fail equally often: their difference has as its variance the sum of both,
/// and passes 3.72 times the root of that in one pair of ten thousand.
fn is_no_less(score: &Score, without: &Score) -> bool {
    const SIGMAS: f64 = 3.72;
    let failures = |score: &Score| ((1.0 - score.answered_share) * f64::from(score.requests)).round();
    let (own, its) = (failures(score), failures(without));
    own - its <= SIGMAS * (own + its).sqrt() && score.attempts_per_request < without.attempts_per_request
}
