//! How far a run is, for whoever watches: counters to read at any time, and a bar on the terminal.
//!
//! What always holds: the counters only inform. Nothing waits for them, and `in_flight` returns to zero even when a
//! run is dropped in the middle.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::interval;

use crate::record::{Outcome, Record};

/// Ten times a second looks alive and costs nothing.
const REDRAW: Duration = Duration::from_millis(100);

/// Counters of one run, shared between it and those who watch.
#[derive(Debug, Default)]
pub struct Progress {
    sent: AtomicU64,
    done: AtomicU64,
    good: AtomicU64,
    known: AtomicU64,
    in_flight: AtomicU64,
}

/// The counters at one moment. They are read one after the other, so they may differ by a request or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Requests that left.
    pub sent: u64,
    /// Requests that ended, well or not, including those not sent for want of a place.
    pub done: u64,
    /// Requests that ended with a whole answer.
    pub good: u64,
    /// Of those, the ones that had no call of their own.
    pub known: u64,
    /// Requests that left and did not end yet.
    pub in_flight: u64,
}

impl Progress {
    /// Counters at zero.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The counters now.
    pub fn snapshot(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            sent: read(&self.sent),
            done: read(&self.done),
            good: read(&self.good),
            known: read(&self.known),
            in_flight: read(&self.in_flight),
        }
    }

    pub(crate) fn send(self: &Arc<Self>) -> InFlight {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    pub(crate) fn end(&self, record: &Record) {
        let is_good = record.outcome == Outcome::Good;
        self.good.fetch_add(u64::from(is_good), Ordering::Relaxed);
        self.known.fetch_add(u64::from(is_good && record.known.is_some()), Ordering::Relaxed);
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// A request under way; dropping it takes it out of `in_flight`.
pub(crate) struct InFlight(Arc<Progress>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Draws a bar on standard error until it is dropped, which also removes it. Where standard error is not a terminal,
/// nothing is drawn.
pub(crate) async fn draw(progress: &Progress, requests: u64) -> Infallible {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}")
        .expect("the template is constant and valid");
    let bar = Cleared(ProgressBar::new(requests).with_style(style));
    let mut redraw = interval(REDRAW);
    loop {
        redraw.tick().await;
        let now = progress.snapshot();
        bar.0.set_position(now.done);
        bar.0.set_message(message(now));
    }
}

fn message(now: Snapshot) -> String {
    if now.done == 0 {
        return format!("{} in flight", now.in_flight);
    }
    let good_percent = 100.0 * now.good as f64 / now.done as f64;
    format!("{good_percent:.1} % good, {} in flight", now.in_flight)
}

/// A bar that goes when it is dropped.
struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
