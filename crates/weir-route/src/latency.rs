//! How long one waits for an endpoint's first token, as balancing sees it.
//!
//! Balancing looks at the time to the first token, not at the whole: the whole depends on how much was asked
//! for. The average is peak-sensitive (Finagle's Peak EWMA): a slow answer counts at once, a fast one by and
//! by. Fast rejections would make a sick endpoint look quick, so a failure adds a penalty that fades
//! (linkerd's "load biaser"). And what is not asked is not measured, so a bad memory of an idle endpoint
//! fades as well, or nobody would ever ask it again.
//!
//! Invariant: a failure never shortens the wait.

use std::time::{Duration, Instant};

/// How fast old samples fade. Calls are seconds apart, so memory is half a minute.
const MEMORY: Duration = Duration::from_secs(30);
/// How fast a penalty fades.
const PENALTY_MEMORY: Duration = Duration::from_secs(10);
/// What a failure costs: as if the first token had taken this long.
const PENALTY_S: f64 = 5.0;
/// A first guess before anything is known.
const GUESS_S: f64 = 1.0;
/// The part of the old average that a faster answer leaves at most, however soon after the last one it comes.
const KEEP_MAX: f64 = 0.9;

/// One endpoint's usual wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    average_s: f64,
    sampled: Option<Instant>,
    streamed: Option<Instant>,
    penalty_s: f64,
    penalised: Instant,
}

impl Latency {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { average_s: GUESS_S, sampled: None, streamed: None, penalty_s: 0.0, penalised: now }
    }

    /// The expected wait, in seconds, penalty included.
    pub(crate) fn wait_s(&self, now: Instant) -> f64 {
        self.average_s(now) + self.penalty_s(now)
    }

    /// The usual time to the first token, in seconds.
    pub(crate) fn average_s(&self, now: Instant) -> f64 {
        match self.sampled {
            Some(then) if self.average_s > GUESS_S => {
                GUESS_S + (self.average_s - GUESS_S) * left_of(then, MEMORY, now)
            }
            _ => self.average_s,
        }
    }

    /// An answer began after `took`. One that is not streamed begins when it is whole, which says little
    /// about the wait: it counts only where no streamed one was seen lately.
    pub(crate) fn began(&mut self, took: Duration, streamed: bool, now: Instant) {
        let streamed_lately = self.streamed.is_some_and(|then| now.saturating_duration_since(then) < MEMORY);
        if !streamed && streamed_lately {
            return;
        }
        if streamed {
            self.streamed = Some(now);
        }
        let (sample, average) = (took.as_secs_f64(), self.average_s(now));
        let age_left = self.sampled.map_or(0.0, |then| left_of(then, MEMORY, now));
        let keep = if sample > average { 0.0 } else { age_left.min(KEEP_MAX) };
        self.average_s = average * keep + sample * (1.0 - keep);
        self.sampled = Some(now);
    }

    /// A call was given up after `took` without a first token: the wait is at least so long.
    pub(crate) fn took_at_least(&mut self, took: Duration, now: Instant) {
        if took.as_secs_f64() > self.average_s(now) {
            self.average_s = took.as_secs_f64();
            self.sampled = Some(now);
        }
    }

    /// A call failed, and the service asked to be left alone for `asked`.
    pub(crate) fn failed(&mut self, asked: Duration, now: Instant) {
        self.penalty_s = self.penalty_s(now).max(PENALTY_S).max(asked.as_secs_f64());
        self.penalised = now;
    }

    fn penalty_s(&self, now: Instant) -> f64 {
        self.penalty_s * left_of(self.penalised, PENALTY_MEMORY, now)
    }
}

/// The part that is left now of something from `then` that fades to 1/e within `memory`.
fn left_of(then: Instant, memory: Duration, now: Instant) -> f64 {
    let age = now.saturating_duration_since(then);
    (-age.as_secs_f64() / memory.as_secs_f64()).exp()
}
