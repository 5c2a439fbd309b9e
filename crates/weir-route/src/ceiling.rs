//! Whose overload is it? A service refuses because it is full of everybody's calls, or because this gateway
//! has reached its own limit there. Nothing in the refusal says which (DeepSeek answers 429 to both), but the
//! load does.
//!
//! Independent overload comes at any load; overload of one's own making comes only at the top of one's load.
//! So the most calls in flight at which one was lately *accepted* are remembered, and a refusal close to
//! them, or to the configured limit, is called one's own, unless calls well below the top are refused nearly
//! as often. A gateway that stands at one and the same load for longer than the memory cannot tell the two
//! apart, and calls refusals its own. That is why the name alone is no reason to charge the retry budget more:
//! a service that refuses a fifth of all calls, at a steady load, would then be repeated too seldom.

use std::time::{Duration, Instant};

use crate::ring::Ring;

const MEMORY: Duration = Duration::from_secs(30);
const SLOTS: usize = 10;
/// How close to the configured limit, in per cent of it.
const LIMIT_PERCENT: usize = 90;
/// How close to the highest load. Less close, because calls that are about to be refused are in flight too
/// and lift it.
const TOP_PERCENT: usize = 85;
/// With fewer calls in flight than this, a top means nothing.
const IN_FLIGHT_MIN: usize = 8;
/// Calls below the top from which on their refusals mean something.
const BELOW_MIN: u64 = 20;

/// The highest load lately carried, and how calls fared at it and below.
#[derive(Debug)]
pub(crate) struct Ceiling {
    window: Ring<Slot, SLOTS>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    top: usize,
    below: Tally,
    above: Tally,
}

/// Calls that were accepted or refused.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    decided: u64,
    refused: u64,
}

impl Ceiling {
    pub(crate) fn new(now: Instant) -> Self {
        Self { window: Ring::new(MEMORY, now) }
    }

    /// A call that was the `in_flight`th of at most `limit` when it was sent brought its first token.
    pub(crate) fn began(&mut self, in_flight: usize, limit: usize, now: Instant) {
        let slot = self.window.at(now);
        slot.top = slot.top.max(in_flight);
        self.decided(in_flight, limit, false, now);
    }

    /// One that was refused. Returns whether the overload is of the gateway's own making.
    pub(crate) fn refused(&mut self, in_flight: usize, limit: usize, now: Instant) -> bool {
        let is_above = self.decided(in_flight, limit, true, now);
        in_flight >= IN_FLIGHT_MIN && is_above && !self.is_at_any_load(now)
    }

    /// Counts a call where it belongs, and says whether that is at the top.
    fn decided(&mut self, in_flight: usize, limit: usize, refused: bool, now: Instant) -> bool {
        let top = self.window.slots(now).iter().map(|slot| slot.top).max().filter(|top| *top > 0);
        let is_near = |load: usize, percent: usize| in_flight * 100 >= load * percent;
        let is_above = is_near(limit, LIMIT_PERCENT) || top.is_some_and(|top| is_near(top, TOP_PERCENT));
        let slot = self.window.at(now);
        let tally = if is_above { &mut slot.above } else { &mut slot.below };
        tally.decided += 1;
        tally.refused += u64::from(refused);
        is_above
    }

    /// Whether calls below the top are refused more than half as often as those at it.
    fn is_at_any_load(&mut self, now: Instant) -> bool {
        let (mut below, mut above) = (Tally::default(), Tally::default());
        for slot in self.window.slots(now) {
            below.decided += slot.below.decided;
            below.refused += slot.below.refused;
            above.decided += slot.above.decided;
            above.refused += slot.above.refused;
        }
        below.decided >= BELOW_MIN && 2 * below.refused * above.decided > above.refused * below.decided
    }
}
