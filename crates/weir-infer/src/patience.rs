//! How long a call may take at each step: a pure machine, told what came and when, that says when patience ends and why.
//!
//! What always holds: bytes that are no progress move no limit but that of silence; a limit that has not passed by `now` is
//! never reported; of two limits that pass at once the caller's own is named, since a hurried caller proves nothing about
//! a service. An answer whose end was said is whole whatever limit passes then: whoever asks knows that it was.

use std::time::{Duration, Instant};

use weir_core::{Class, Failure};
use weir_wire::dialect::Phase;

use crate::Timers;

/// Over how long the rate of a stream is judged.
const RATE_WINDOW: Duration = Duration::from_secs(10);
/// A window that is looked at later than this after its end was not watched: the caller read slowly, not the service wrote.
const RATE_UNWATCHED: Duration = Duration::from_secs(1);
/// After a service has said how its answer ended it reports the tokens and closes: within a few milliseconds, or never.
const CLOSING_MAX: Duration = Duration::from_secs(2);
/// Some services write the arguments of a tool call as one part, after minutes of pings.
const TOOL_FACTOR: u32 = 4;

/// The patience left with one call.
#[derive(Debug)]
pub(crate) struct Patience {
    timers: Timers,
    sent_at: Instant,
    stage: Stage,
    /// When the last byte came, once the service had shown that it is alive. A service that never sent a byte that is no
    /// progress may be one that keeps silent while it works.
    heard_at: Option<Instant>,
}

/// How far the answer has come.
#[derive(Debug)]
enum Stage {
    /// Nothing of the answer yet.
    Opening,
    /// At least one meaningful part.
    Flowing(Flow),
    /// The answer is whole since then: only what follows it is waited for.
    Closing(Instant),
}

#[derive(Debug)]
struct Flow {
    part_at: Instant,
    /// Whether anything came since that part.
    heard_since: bool,
    phase: Phase,
    parts: u64,
    window: Window,
}

/// The time over which the rate is judged.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Instant,
    parts_before: u64,
}

/// Which limit ends the call.
#[derive(Debug)]
enum Limit {
    BeginBy,
    Silence,
    Stall(Duration),
    Rate(u64),
    Deadline,
    Closing,
}

impl Patience {
    /// For a call that leaves at `now`.
    pub(crate) const fn new(timers: Timers, now: Instant) -> Self {
        Self { timers, sent_at: now, stage: Stage::Opening, heard_at: None }
    }

    /// Bytes came that are no progress.
    pub(crate) const fn heard(&mut self, now: Instant, phase: Phase) {
        self.heard_at = Some(now);
        if let Stage::Flowing(flow) = &mut self.stage {
            flow.heard_since = true;
            flow.phase = phase;
        }
    }

    /// Something of the answer came; `parts` counts all so far. Returns whether patience may end sooner than it would have:
    /// not while part follows part.
    pub(crate) fn part(&mut self, now: Instant, parts: u64, phase: Phase) -> bool {
        self.heard_at = self.heard_at.map(|_| now);
        let window = match &mut self.stage {
            Stage::Closing(_) => return false,
            Stage::Flowing(flow) if flow.phase == phase && !flow.heard_since => {
                (flow.part_at, flow.parts) = (now, parts);
                return false;
            }
            // A tool call may come in one part, so its pace says nothing.
            Stage::Flowing(flow) if flow.phase != Phase::Tool && phase != Phase::Tool => flow.window,
            _ => Window { since: now, parts_before: parts },
        };
        self.stage = Stage::Flowing(Flow { part_at: now, heard_since: false, phase, parts, window });
        true
    }

    /// The service said how the answer ended. What it says after that gains it no more time.
    pub(crate) const fn ended(&mut self, now: Instant) {
        if !matches!(self.stage, Stage::Closing(_)) {
            self.stage = Stage::Closing(now);
        }
    }

    /// When patience ends if nothing more comes.
    pub(crate) fn due(&self) -> Instant {
        self.next().0
    }

    /// When to look again.
    ///
    /// # Errors
    /// Patience has ended.
    pub(crate) fn check(&mut self, now: Instant) -> Result<Instant, Failure> {
        self.turn_window(now);
        let (due, limit) = self.next();
        if now < due { Ok(due) } else { Err(self.failure(&limit, due)) }
    }

    /// Begins a new window when the last one was fast enough, or nobody was there to see.
    fn turn_window(&mut self, now: Instant) {
        let parts_min = self.parts_min();
        if let Stage::Flowing(flow) = &mut self.stage {
            let unwatched = now >= flow.window.since + RATE_WINDOW + RATE_UNWATCHED;
            let over = now >= flow.window.since + RATE_WINDOW;
            if over && (unwatched || flow.window_parts() as f64 >= parts_min) {
                flow.window = Window { since: now, parts_before: flow.parts };
            }
        }
    }

    /// Parts that a window must have; 0 for no such limit.
    fn parts_min(&self) -> f64 {
        self.timers.pauses.parts_per_s_min * RATE_WINDOW.as_secs_f64()
    }

    /// The limit that passes first if nothing more comes.
    fn next(&self) -> (Instant, Limit) {
        let Timers { pauses, begin_by, deadline } = self.timers;
        let mut next = match self.stage {
            Stage::Opening => (begin_by.min(deadline), Limit::BeginBy),
            Stage::Flowing(_) | Stage::Closing(_) => (deadline, Limit::Deadline),
        };
        // A limit beyond the end of time is none.
        let mut earlier = |since: Instant, limit: Duration, name: Limit| {
            if let Some(due) = since.checked_add(limit).filter(|due| *due < next.0) {
                next = (due, name);
            }
        };
        match &self.stage {
            Stage::Opening => {}
            Stage::Flowing(flow) => {
                let stall = match flow.phase {
                    Phase::Reasoning if flow.heard_since => pauses.stall_alive,
                    Phase::Tool if flow.heard_since => pauses.stall_alive.saturating_mul(TOOL_FACTOR),
                    _ => pauses.stall,
                };
                earlier(flow.part_at, stall, Limit::Stall(stall));
                if pauses.parts_per_s_min > 0.0 && flow.phase != Phase::Tool {
                    earlier(flow.window.since, RATE_WINDOW, Limit::Rate(flow.window_parts()));
                }
            }
            Stage::Closing(since) => earlier(*since, CLOSING_MAX, Limit::Closing),
        }
        if let Some(heard_at) = self.heard_at {
            earlier(heard_at, pauses.silence, Limit::Silence);
        }
        next
    }

    fn failure(&self, limit: &Limit, due: Instant) -> Failure {
        let ms = due.saturating_duration_since(self.sent_at).as_millis();
        let (class, message) = match limit {
            Limit::BeginBy => (
                Class::Deadline,
                format!("the answer had not begun after {ms} ms, when the request's time to begin was over"),
            ),
            Limit::Silence => {
                let s = self.timers.pauses.silence.as_secs_f64();
                (Class::Timeout, format!("the service fell silent: not one byte came for {s:.1} s"))
            }
            Limit::Stall(limit) => {
                let s = limit.as_secs_f64();
                (Class::Timeout, format!("the stream stalled: nothing of the answer came for {s:.1} s"))
            }
            Limit::Rate(parts) => {
                let s = RATE_WINDOW.as_secs();
                (Class::Timeout, format!("the stream crawls: {parts} parts of the answer came in {s} s"))
            }
            Limit::Closing => {
                let s = CLOSING_MAX.as_secs();
                (Class::Timeout, format!("the service did not close its answer within {s} s of its end"))
            }
            Limit::Deadline => {
                (Class::Deadline, "the request's deadline passed in the middle of its answer".to_owned())
            }
        };
        Failure::new(class, message)
    }
}

impl Flow {
    const fn window_parts(&self) -> u64 {
        self.parts - self.window.parts_before
    }
}

#[cfg(test)]
mod tests;
