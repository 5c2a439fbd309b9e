//! A token bucket: a pure machine with time passed in.
//!
//! Invariant: it never holds more than its capacity. It may go below zero when an answer turns out larger than was
//! reserved: the debt is paid before anyone gets in again.

use std::time::{Duration, Instant};

/// A rate per minute with a minute's worth of burst.
#[derive(Debug)]
pub struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket that refills `per_minute` a minute.
    pub fn per_minute(per_minute: u64, now: Instant) -> Self {
        let capacity = per_minute as f64;
        Self { capacity, per_second: capacity / 60.0, level: capacity, filled_at: now }
    }

    /// Takes `amount`, or says how long until that much will be there. An amount above the capacity is let through
    /// when the bucket is full: refusing it for ever would help nobody.
    pub fn take(&mut self, amount: f64, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        let needed = amount.min(self.capacity);
        if self.level >= needed {
            self.level -= amount;
            return Ok(());
        }
        Err(self.wait_for(needed))
    }

    /// Puts back what was not used, or takes what was used on top.
    pub fn settle(&mut self, reserved: f64, used: f64, now: Instant) {
        self.fill(now);
        self.level = (self.level + reserved - used).min(self.capacity);
    }

    /// Puts back what was reserved and not used at all.
    pub fn refund(&mut self, reserved: f64) {
        self.level = (self.level + reserved).min(self.capacity);
    }

    /// What is left now, never below zero.
    pub fn remaining(&self) -> u64 {
        self.level.max(0.0) as u64
    }

    /// The rate a minute.
    pub fn limit(&self) -> u64 {
        self.capacity as u64
    }

    /// How long until it is full again.
    pub fn full_in(&self) -> Duration {
        self.wait_for(self.capacity)
    }

    fn wait_for(&self, level: f64) -> Duration {
        let missing = (level - self.level).max(0.0);
        // A rate of zero never refills; an hour is as good as never, and a duration must be finite.
        Duration::from_secs_f64((missing / self.per_second.max(1e-9)).min(3600.0))
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.level = (self.level + passed * self.per_second).min(self.capacity);
        self.filled_at = self.filled_at.max(now);
    }
}
