//! A burst or a standing queue? The first is let wait, the second is cut short.
//!
//! A line that has not been empty for long holds more work than there is room: everyone in it waits the same long time
//! and nobody is better served for it. So its waits are bounded, the more urgent the longer (after Facebook's
//! controlled delay). Bulk work has nobody waiting for it: its own deadline is its bound.
//!
//! A line that waits for a service to come back shows no lack of room: that time does not count.

use std::time::{Duration, Instant};

use weir_core::Urgency;

/// How many times the configured wait a class may wait in a standing line.
const FACTOR: [Option<u32>; 4] = [Some(3), Some(2), Some(1), None];

/// The lines of the classes.
pub(super) struct Standing {
    after: Duration,
    wait: Duration,
    waiting: [usize; 4],
    /// Since when each has not been empty.
    since: [Option<Instant>; 4],
    seen: Instant,
}

impl Standing {
    pub(super) const fn new(after: Duration, wait: Duration, now: Instant) -> Self {
        Self { after, wait, waiting: [0; 4], since: [None; 4], seen: now }
    }

    /// Time passes; `rests`: nobody serves.
    pub(super) fn tick(&mut self, now: Instant, rests: bool) {
        let passed = now.saturating_duration_since(self.seen);
        self.seen = self.seen.max(now);
        if rests {
            self.since.iter_mut().flatten().for_each(|since| *since += passed);
        }
    }

    pub(super) fn joined(&mut self, class: Urgency, now: Instant) {
        self.waiting[class as usize] += 1;
        self.since[class as usize].get_or_insert(now);
    }

    pub(super) const fn left(&mut self, class: Urgency) {
        self.waiting[class as usize] -= 1;
        if self.waiting[class as usize] == 0 {
            self.since[class as usize] = None;
        }
    }

    /// Requests of a class that wait.
    pub(super) const fn waiting(&self, class: Urgency) -> usize {
        self.waiting[class as usize]
    }

    /// When someone who joined then has waited too long, if the line does not empty before; `None`: never.
    pub(super) fn ends(&self, class: Urgency, joined: Instant) -> Option<Instant> {
        let stands = self.since[class as usize]? + self.after;
        let waited = joined + self.wait * FACTOR[class as usize]?;
        Some(stands.max(waited))
    }

    /// Whether a class whose waits are bounded stands.
    pub(super) fn any(&self, now: Instant) -> bool {
        Urgency::ALL.into_iter().any(|class| {
            let bounded = FACTOR[class as usize].is_some();
            bounded && self.since[class as usize].is_some_and(|since| now >= since + self.after)
        })
    }
}
