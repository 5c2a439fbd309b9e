//! The line itself: a pure machine that knows nothing of tasks or time.
//!
//! Invariant: `out` never exceeds `permits`, and nobody waits while a permit is free.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_core::Priority;

/// A place in line: first by priority, then by arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    priority: Priority,
    arrival: u64,
}

/// Which bound was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Waiters(usize),
    Bytes(usize),
}

struct Waiter<W> {
    wake: W,
    bytes: usize,
}

/// A line of waiters `W` in front of `permits` permits.
pub(crate) struct Line<W> {
    permits: usize,
    out: usize,
    waiters: BTreeMap<Ticket, Waiter<W>>,
    waiters_max: usize,
    bytes: usize,
    bytes_max: usize,
    arrivals: u64,
    held_s: f64,
}

impl<W> Line<W> {
    pub(crate) const fn new(permits: usize, waiters_max: usize, bytes_max: usize) -> Self {
        let waiters = BTreeMap::new();
        Self { permits, out: 0, waiters, waiters_max, bytes: 0, bytes_max, arrivals: 0, held_s: 0.0 }
    }

    /// Gives a permit at once if one is free and nobody is before.
    pub(crate) fn admit_now(&mut self) -> bool {
        let free = self.out < self.permits && self.waiters.is_empty();
        self.out += usize::from(free);
        free
    }

    /// Joins the line.
    pub(crate) fn join(&mut self, priority: Priority, bytes: usize, wake: W) -> Result<Ticket, Full> {
        if self.waiters.len() >= self.waiters_max {
            return Err(Full::Waiters(self.waiters_max));
        }
        if self.bytes + bytes > self.bytes_max {
            return Err(Full::Bytes(self.bytes_max));
        }
        let ticket = Ticket { priority, arrival: self.arrivals };
        self.arrivals += 1;
        self.bytes += bytes;
        self.waiters.insert(ticket, Waiter { wake, bytes });
        Ok(ticket)
    }

    /// Leaves the line; `None` for one who is no longer in it.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<W> {
        let waiter = self.waiters.remove(&ticket)?;
        self.bytes -= waiter.bytes;
        Some(waiter.wake)
    }

    /// A permit came back. It goes straight to the next in line, if there is one.
    pub(crate) fn release(&mut self) -> Option<W> {
        self.out -= 1;
        let (_, waiter) = self.waiters.pop_first()?;
        self.bytes -= waiter.bytes;
        self.out += 1;
        Some(waiter.wake)
    }

    /// Learns how long a permit was held.
    pub(crate) fn held_for(&mut self, held: Duration) {
        const WEIGHT: f64 = 0.1;
        let held = held.as_secs_f64();
        self.held_s = if self.held_s == 0.0 { held } else { self.held_s + WEIGHT * (held - self.held_s) };
    }

    /// How long someone who came now would wait: the work before them, at the pace permits come back.
    pub(crate) fn predicted_wait(&self) -> Duration {
        let seconds = (self.waiters.len() + 1) as f64 * self.held_s / self.permits.max(1) as f64;
        Duration::from_secs_f64(seconds.clamp(1.0, 30.0))
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiters.len()
    }

    pub(crate) const fn out(&self) -> usize {
        self.out
    }
}
