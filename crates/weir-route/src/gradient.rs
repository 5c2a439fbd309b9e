//! Whether first tokens have become slow because of the gateway's own calls: the overload of a service that refuses nobody
//! and lets everybody wait (vLLM's line has no bound by default).
//!
//! That first tokens take longer than before says little: it may be the hour. So it is tried out. When the medians of two
//! windows of busy calls in a row are more than [`SLOW`] times the least of the last two minutes (one may be by chance, and
//! then any cut would seem to help), the limit is cut; if then first tokens come sooner, the cut stands, else the load is
//! not the reason, the limit is what it was, and nothing is tried for a while. (The gradient limiters of Netflix and Envoy cut on the ratio alone: beside a service whose peak hours make
//! everything slow they would hold the limit at its floor.)
//!
//! Only calls sent after the limit was changed are looked at, so that each window is of one load.

use std::time::{Duration, Instant};

use crate::ring::Ring;

/// Calls in a window, and the least time it takes.
const CALLS: usize = 20;
const WINDOW: Duration = Duration::from_secs(1);
/// A window of calls that trickle in longer than this is begun anew: it is no picture of one load.
const WINDOW_MAX: Duration = Duration::from_secs(30);
/// As many times as long as the least is slow. (Of averages, which follow a limit that grows, none is ever far behind.)
const SLOW: f64 = 2.0;
/// How long the least median is remembered.
const MEMORY: Duration = Duration::from_secs(120);
const MEMORY_SLOTS: usize = 12;
/// A first token that comes sooner than this may take many times as long for no reason but the network's.
const LEAST_MIN_S: f64 = 0.1;
/// A cut that brings the median below this part of what it was has helped.
const HELPED: f64 = 0.85;
/// How long nothing is tried after a cut that has not.
const PAUSE: Duration = Duration::from_secs(60);
/// The deepest cut, and the shallowest: less would show nothing among the chances of twenty calls.
const LEFT: std::ops::RangeInclusive<f64> = 0.5..=0.7;

/// One endpoint's.
#[derive(Debug)]
pub(crate) struct Gradient {
    /// Times to the first token, in seconds, of calls sent since `since`.
    times: [f64; CALLS],
    count: usize,
    busy: usize,
    since: Instant,
    state: State,
    least: Ring<Option<f64>, MEMORY_SLOTS>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Watching,
    /// The last window was slow.
    Suspecting,
    /// The limit was cut when the median was `before`.
    Trying {
        before: f64,
    },
    Pausing {
        until: Instant,
    },
}

/// What to do with the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Cut it to this part, and see.
    Cut { left: f64 },
    /// The cut has not helped: take it back.
    Restore,
    /// It has: the limit may grow again, slowly.
    Stands,
}

impl Gradient {
    pub(crate) fn new(now: Instant) -> Self {
        let least = Ring::new(MEMORY, now);
        Self { times: [0.0; CALLS], count: 0, busy: 0, since: now, state: State::Watching, least }
    }

    /// A first token of a call sent at `sent` took `took_s` seconds, or would have for a prompt of the usual size. `busy`:
    /// most of the limit was in use.
    pub(crate) fn began(&mut self, took_s: f64, sent: Instant, busy: bool, now: Instant) -> Option<Verdict> {
        if sent < self.since {
            return None;
        }
        if now.saturating_duration_since(self.since) > WINDOW_MAX {
            self.begin_window(sent);
        }
        self.times[self.count % CALLS] = took_s;
        self.count += 1;
        self.busy += usize::from(busy);
        if self.count < CALLS || now.saturating_duration_since(self.since) < WINDOW {
            return None;
        }
        let median = self.median();
        // Most of them: with fewer the load was lower, and its times say nothing of the limit.
        let was_busy = self.busy * 4 >= self.count * 3;
        self.begin_window(now);
        self.judge(median, was_busy, now)
    }

    /// Something else has changed the limit: what was seen was of another load, and a trial is over.
    pub(crate) fn interrupt(&mut self, now: Instant) {
        self.begin_window(now);
        self.state = State::Watching;
    }

    const fn begin_window(&mut self, now: Instant) {
        (self.count, self.busy, self.since) = (0, 0, now);
    }

    /// Whether the limit is being tried, and may not grow meanwhile.
    pub(crate) const fn is_trying(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }

    fn judge(&mut self, median: f64, was_busy: bool, now: Instant) -> Option<Verdict> {
        let times = median / self.least(median, now);
        match self.state {
            State::Pausing { until } if now < until => None,
            State::Trying { before } if median > HELPED * before => {
                self.state = State::Pausing { until: now + PAUSE };
                Some(Verdict::Restore)
            }
            State::Watching | State::Pausing { .. } if was_busy && times > SLOW => {
                self.state = State::Suspecting;
                None
            }
            State::Suspecting | State::Trying { .. } if was_busy && times > SLOW => {
                self.state = State::Trying { before: median };
                Some(Verdict::Cut { left: (SLOW / times).clamp(*LEFT.start(), *LEFT.end()) })
            }
            State::Trying { .. } => {
                self.state = State::Watching;
                Some(Verdict::Stands)
            }
            State::Watching | State::Suspecting | State::Pausing { .. } => {
                self.state = State::Watching;
                None
            }
        }
    }

    /// The least median lately, this one included.
    fn least(&mut self, median: f64, now: Instant) -> f64 {
        let slot = self.least.at(now);
        *slot = Some(slot.map_or(median, |least| least.min(median)));
        let known = self.least.slots(now).iter().flatten();
        known.copied().fold(f64::INFINITY, f64::min).max(LEAST_MIN_S)
    }

    /// Of the last calls of the window.
    fn median(&self) -> f64 {
        let mut sorted = self.times;
        sorted.sort_unstable_by(f64::total_cmp);
        f64::midpoint(sorted[CALLS / 2 - 1], sorted[CALLS / 2])
    }
}
