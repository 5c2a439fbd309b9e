//! Whose overload is it? A service refuses because it is full of everybody's calls, or because this gateway has reached its
//! own limit there. Nothing in the refusal says which (DeepSeek answers 429 to both), but the load does.
//!
//! Independent overload comes at any load; overload of one's own making comes only at the top of one's load. So the most
//! calls in flight at which one was lately *accepted* are remembered, and a refusal close to them is called one's own. A
//! gateway that stands at one and the same load for longer than the memory cannot tell the two apart, and calls them its own:
//! trying again then costs more of the budget, which errs on the side of the service.

use std::time::{Duration, Instant};

use crate::ring::Ring;

const MEMORY: Duration = Duration::from_secs(30);
const SLOTS: usize = 10;
/// How close to the top, in per cent of it.
const TOP_PERCENT: usize = 90;
/// With fewer calls in flight than this, a top means nothing.
const IN_FLIGHT_MIN: usize = 8;

/// The highest load lately carried.
#[derive(Debug)]
pub(crate) struct Ceiling {
    accepted: Ring<usize, SLOTS>,
}

impl Ceiling {
    pub(crate) fn new(now: Instant) -> Self {
        Self { accepted: Ring::new(MEMORY, now) }
    }

    /// A call that was the `in_flight`th when it was sent brought its first token.
    pub(crate) fn began(&mut self, in_flight: usize, now: Instant) {
        let top = self.accepted.at(now);
        *top = (*top).max(in_flight);
    }

    /// Whether the refusal of a call that was the `in_flight`th of at most `limit` is of the gateway's own making.
    pub(crate) fn is_own(&mut self, in_flight: usize, limit: usize, now: Instant) -> bool {
        let top = self.accepted.slots(now).iter().copied().max().filter(|top| *top > 0);
        let near = |top: usize| in_flight * 100 >= top * TOP_PERCENT;
        in_flight >= IN_FLIGHT_MIN && (near(limit) || top.is_some_and(near))
    }
}
