//! A circuit: keeps calls away from an endpoint that is broken, and lets one through now and then to see.
//!
//! Only faults count (connect, reset, 500, 502, 504, timeouts, broken answers). Overload is not a fault: 429 and 503 say
//! "later", and an open circuit would turn a busy service into a dead one.
//!
//! Invariants: closed → open only after `FAULTS` faults in a row; half-open lets one probe through at a time.

use std::time::{Duration, Instant};

/// Faults in a row that open it (research: 5 trips every 50 s on a service that fails a fifth of its calls; 10 does not).
const FAULTS: u32 = 10;
const OPEN_FIRST: Duration = Duration::from_secs(5);
const OPEN_MAX: Duration = Duration::from_secs(20);

/// What the circuit lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Closed,
    Open {
        until: Instant,
    },
    /// One probe may go; `probing` says that it has gone.
    HalfOpen {
        probing: bool,
    },
}

/// One endpoint's circuit.
#[derive(Debug)]
pub(crate) struct Circuit {
    state: State,
    faults: u32,
    openings: u32,
}

impl Circuit {
    pub(crate) const fn new() -> Self {
        Self { state: State::Closed, faults: 0, openings: 0 }
    }

    /// Whether a call may go now.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } => now >= until,
            State::HalfOpen { probing } => !probing,
        }
    }

    /// A call goes. One that goes although the circuit is shut (there was nobody else) is a probe too.
    pub(crate) fn sent(&mut self, now: Instant) {
        match self.state {
            State::Open { until } if now >= until => self.state = State::HalfOpen { probing: true },
            State::HalfOpen { .. } => self.state = State::HalfOpen { probing: true },
            State::Closed | State::Open { .. } => {}
        }
    }

    /// A call brought its first token.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::new();
    }

    /// A call ended in a fault.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.faults += 1;
        let opens = match self.state {
            State::Closed => self.faults >= FAULTS,
            State::HalfOpen { .. } => true,
            // A straggler from before it opened says nothing new.
            State::Open { .. } => false,
        };
        if opens {
            let pause = OPEN_FIRST.saturating_mul(1 << self.openings.min(8)).min(OPEN_MAX);
            self.openings += 1;
            self.state = State::Open { until: now + pause };
        }
    }

    /// A call ended in a way that says nothing about the endpoint's health (overload, the caller left).
    pub(crate) fn undecided(&mut self) {
        if let State::HalfOpen { .. } = self.state {
            self.state = State::HalfOpen { probing: false };
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// `closed`, `open` or `half-open`.
    pub(crate) fn name(&self, now: Instant) -> &'static str {
        match self.state {
            State::Closed => "closed",
            State::Open { until } if now < until => "open",
            State::Open { .. } | State::HalfOpen { .. } => "half-open",
        }
    }
}
