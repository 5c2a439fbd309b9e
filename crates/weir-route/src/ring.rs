//! What happened lately: a window of equal slots that slides with time and forgets the oldest.
//!
//! Sums over a ring are exact and independent of the rate, which a moving average is not; the price is that
//! the window's edge is as coarse as a slot. Invariant: a slot that `slots` shows began less than the
//! window's length ago.

use std::time::{Duration, Instant};

/// The last `N` slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring<T, const N: usize> {
    start: Instant,
    slot_ns: u64,
    /// Slots since `start`; the newest one lies at `head % N`.
    head: u64,
    slots: [T; N],
}

impl<T: Copy + Default, const N: usize> Ring<T, N> {
    /// An empty window that remembers for `memory`.
    pub(crate) fn new(memory: Duration, now: Instant) -> Self {
        let slot_ns = (memory.as_nanos() as u64 / N as u64).max(1);
        Self { start: now, slot_ns, head: 0, slots: [T::default(); N] }
    }

    /// The slot of this moment.
    pub(crate) fn at(&mut self, now: Instant) -> &mut T {
        self.slide(now);
        &mut self.slots[(self.head % N as u64) as usize]
    }

    /// The slot in which `then` fell, unless it is forgotten.
    pub(crate) fn find(&mut self, then: Instant, now: Instant) -> Option<&mut T> {
        self.slide(now);
        let index = self.index(then).min(self.head);
        (index + N as u64 > self.head).then(|| &mut self.slots[(index % N as u64) as usize])
    }

    /// Everything that is remembered, in no order.
    pub(crate) fn slots(&mut self, now: Instant) -> &[T; N] {
        self.slide(now);
        &self.slots
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.slots = [T::default(); N];
    }

    fn slide(&mut self, now: Instant) {
        // A moment before the newest slot (a caller that read the clock and was then held up) counts into
        // that slot.
        let index = self.index(now);
        if index >= self.head + N as u64 {
            self.clear();
            self.head = index;
        }
        while self.head < index {
            self.head += 1;
            self.slots[(self.head % N as u64) as usize] = T::default();
        }
    }

    fn index(&self, moment: Instant) -> u64 {
        moment.saturating_duration_since(self.start).as_nanos() as u64 / self.slot_ns
    }
}
