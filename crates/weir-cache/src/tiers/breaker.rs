//! When a tier is skipped: a pure machine.
//!
//! What always holds: a tier that fails again and again is asked by one request in [`PAUSE`], not by each.

use std::time::{Duration, Instant};

/// Failures in a row after which it is skipped.
const FAILURES: u32 = 5;
/// How long it is skipped before it is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// One tier's.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    skipped_until: Option<Instant>,
}

impl Breaker {
    /// Whether the tier may be asked. Of those who ask after a pause, the first may, and the others when it has done well.
    pub(crate) fn lets_through(&mut self, now: Instant) -> bool {
        match self.skipped_until {
            Some(until) if now < until => false,
            Some(_) => {
                self.skipped_until = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    /// It did what it was asked.
    pub(crate) const fn well(&mut self) {
        self.failures = 0;
        self.skipped_until = None;
    }

    /// It did not. Returns whether it is skipped from now on.
    pub(crate) fn ill(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures < FAILURES {
            return false;
        }
        let news = self.skipped_until.is_none();
        self.skipped_until = Some(now + PAUSE);
        news
    }
}
