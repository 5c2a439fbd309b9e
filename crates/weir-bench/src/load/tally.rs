//! What one lane saw, and the sum over lanes.
//!
//! Each lane owns its tally and gives it away at its end, so counting needs neither locks nor shared state.

use std::time::Duration;

use tokio::time::Instant;

use super::Window;

/// Longest time kept, and so the ceiling of what a percentile can show: an hour in µs still fits into 32 bits.
const MICROSECONDS_MAX: u128 = 3_600_000_000;

/// Counts of one lane.
#[derive(Default)]
pub struct Tally {
    pub answers: u64,
    pub metered_answers: u64,
    pub metered_chunks: u64,
    pub errors: u64,
    pub first_error: Option<String>,
    /// Whole answers that are not what is measured.
    pub aside: u64,
    /// Times to the answer or first chunk, µs, of exchanges begun inside the window.
    waits: Vec<u32>,
    /// First chunk and end of the last stream on this lane, for counting what was open at a moment.
    spans: Vec<(Instant, Instant)>,
}

impl Tally {
    /// A whole answer that was asked for at `begun` and ended at `ended`.
    pub fn answered(&mut self, begun: Instant, ended: Instant, window: Window) {
        self.ended(ended, window);
        self.waited(begun, ended, window);
    }

    /// A whole stream: its first chunk came at `first`.
    pub fn streamed(&mut self, begun: Instant, first: Instant, ended: Instant, window: Window) {
        self.ended(ended, window);
        self.waited(begun, first, window);
        // One span a lane is all that `open_at` needs, and keeps the list as short as the lanes are many.
        self.spans.clear();
        self.spans.push((first, ended));
    }

    /// `chunks` arrived at `now`.
    pub fn chunks(&mut self, chunks: usize, now: Instant, window: Window) {
        if window.holds(now) {
            self.metered_chunks += chunks as u64;
        }
    }

    /// An exchange that did not give a whole, correct answer.
    pub fn failed(&mut self, error: &anyhow::Error) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| format!("{error:#}"));
    }

    /// Adds another lane's counts.
    pub fn add(&mut self, other: Tally) {
        self.answers += other.answers;
        self.metered_answers += other.metered_answers;
        self.metered_chunks += other.metered_chunks;
        self.errors += other.errors;
        self.aside += other.aside;
        self.first_error = self.first_error.take().or(other.first_error);
        self.waits.extend(other.waits);
        self.spans.extend(other.spans);
    }

    /// Exchanges that came to an end, good or bad.
    pub fn exchanges(&self) -> u64 {
        self.answers + self.errors + self.aside
    }

    /// The nearest-rank percentile of the times to the answer, ms; `None` without any.
    pub fn percentile_ms(&mut self, percent: f64) -> Option<f64> {
        self.waits.sort_unstable();
        let rank = (self.waits.len() as f64 * percent / 100.0).ceil() as usize;
        self.waits.get(rank.max(1) - 1).map(|&micros| f64::from(micros) / 1_000.0)
    }

    /// Streams that had begun and not ended at `moment`.
    pub fn open_at(&self, moment: Instant) -> u64 {
        self.spans.iter().filter(|(first, ended)| *first <= moment && moment < *ended).count() as u64
    }

    fn ended(&mut self, ended: Instant, window: Window) {
        self.answers += 1;
        if window.holds(ended) {
            self.metered_answers += 1;
        }
    }

    fn waited(&mut self, begun: Instant, until: Instant, window: Window) {
        if window.holds(begun) {
            let wait: Duration = until - begun;
            self.waits.push(wait.as_micros().min(MICROSECONDS_MAX) as u32);
        }
    }
}

impl Window {
    fn holds(&self, moment: Instant) -> bool {
        self.opens <= moment && moment < self.closes
    }
}
