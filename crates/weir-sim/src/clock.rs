//! The simulation's two clocks: the paused runtime's for durations, and one of its own for the time of day.
//!
//! What always holds: the time of day begins at the same moment in every run and moves with virtual time, so that what ages
//! by it, as kept answers do, ages alike whenever and wherever a run is made.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weir_core::Clock;

thread_local! {
    /// When the run on this thread began. A run never leaves its thread, and there is one at a time.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The clock of a run that begins now: what people read as the time of day begins with 1970.
pub(crate) fn begun() -> Clock {
    BEGAN.set(Some(now()));
    Clock::new(now, wall)
}

#[expect(clippy::disallowed_methods, reason = "tokio's clock, paused, is the simulation's clock")]
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn wall() -> SystemTime {
    let passed = BEGAN.get().map_or(Duration::ZERO, |began| now().saturating_duration_since(began));
    UNIX_EPOCH + passed
}
