//! Time as an input. Library code asks the clock it was given, so the same code runs on real time, on a test's
//! paused clock and in a simulation.

use std::time::{Instant, SystemTime};

/// Where "now" comes from. Copied freely; reading it costs one call through a pointer.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now: fn() -> Instant,
    wall: fn() -> SystemTime,
}

impl Clock {
    /// A clock made of a monotonic source (for durations) and a wall source (for timestamps people read).
    pub const fn new(now: fn() -> Instant, wall: fn() -> SystemTime) -> Self {
        Self { now, wall }
    }

    /// The monotonic time: for deadlines, waits and durations.
    pub fn now(&self) -> Instant {
        (self.now)()
    }

    /// The wall time: for logs and HTTP dates, never for durations.
    pub fn wall(&self) -> SystemTime {
        (self.wall)()
    }
}
