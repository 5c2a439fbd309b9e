//! How many requests came within the last second, exactly.
//!
//! A second is ten whole slots of 100 ms; the slot that is still filling does not count yet. A moving average would be
//! smaller, but its error depends on the rate, and thresholds stand on a rate.

use std::time::{Duration, Instant};

const SLOT: Duration = Duration::from_millis(100);
/// Ten whole ones, and the one that is filling.
const SLOTS: usize = 11;

/// One pool's arrivals.
#[derive(Debug)]
pub(crate) struct Arrivals {
    start: Instant,
    /// Slots since `start`; the one that is filling lies at `head % SLOTS`.
    head: u64,
    counts: [u32; SLOTS],
}

impl Arrivals {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { start: now, head: 0, counts: [0; SLOTS] }
    }

    /// A request came.
    pub(crate) fn count(&mut self, now: Instant) {
        self.slide(now);
        let slot = &mut self.counts[(self.head % SLOTS as u64) as usize];
        *slot = slot.saturating_add(1);
    }

    /// Requests a second.
    pub(crate) fn per_s(&mut self, now: Instant) -> u32 {
        self.slide(now);
        let filling = (self.head % SLOTS as u64) as usize;
        let whole = self.counts.iter().enumerate().filter(|(index, _)| *index != filling);
        whole.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// A moment before the slot that is filling (a caller that read the clock and was then held up) counts into it.
    fn slide(&mut self, now: Instant) {
        let slot = now.saturating_duration_since(self.start).as_nanos() / SLOT.as_nanos();
        let slot = u64::try_from(slot).unwrap_or(u64::MAX);
        if slot >= self.head.saturating_add(SLOTS as u64) {
            self.counts = [0; SLOTS];
            self.head = slot;
        }
        while self.head < slot {
            self.head += 1;
            self.counts[(self.head % SLOTS as u64) as usize] = 0;
        }
    }
}
