//! A circuit: keeps calls away from an endpoint that is broken, and lets a few through now and then to see.
//!
//! Only faults count (connect, reset, 500, 502, 504, timeouts, broken answers). Overload is not a fault, and
//! so nothing that says "later" is told to the circuit: an open one would turn a busy service into a dead
//! one. The thresholds are those of linkerd's unified breaker, moved to where a service that fails a fifth of
//! its calls keeps its traffic.
//!
//! ```text
//!            10 faults in a row, or too many faults or slow answers in 30 s
//!   closed ────────────────────────────────────────────────────────────────► open
//!     ▲                                                               ▲       │ 5 s, 10 s, 20 s, …
//!     │ 3 first tokens in a row                                 fault │       ▼
//!     └──────────────────────────────────────────────────────────── half-open (≤ 3 probes)
//! ```
//!
//! Invariants: at most `PROBES` probes are out; what ends after the circuit has changed tells it nothing,
//! because every call holds a `Pass` of the era in which it was sent.

use std::time::{Duration, Instant};

use crate::ring::Ring;

/// Faults in a row that open it (5 would trip every 50 s on a service that fails a fifth of its calls; 10
/// does not).
const FAULTS: u32 = 10;
const WINDOW: Duration = Duration::from_secs(30);
const SLOTS: usize = 10;
/// Decided calls in the window below which shares mean nothing.
const DECIDED_MIN: u32 = 20;
/// A larger part of the decided calls than this opens it: fewer than 40 % succeed.
const FAULTY_PERCENT_MAX: u32 = 60;
const SLOW_PERCENT_MAX: u32 = 60;

const OPEN_FIRST: Duration = Duration::from_secs(5);
const OPEN_MAX: Duration = Duration::from_secs(20);
/// Up to this part of a pause is added by chance, so that gateways do not probe in step.
const JITTER: f64 = 0.2;
/// The longest `Retry-After` that lengthens a pause.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

const PROBES: u32 = 3;
const GOOD_PROBES: u32 = 3;
/// How soon to look again while every probe is out.
const PROBE_WAIT: Duration = Duration::from_millis(250);

const SLOW_START: Duration = Duration::from_secs(10);
const SHARE_FIRST: f64 = 0.1;

/// What the circuit lets through.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Everything; `since` is when it closed, if it ever opened.
    Closed { since: Option<Instant> },
    /// Nothing before `until`, probes after it.
    Open { until: Instant },
    /// A few probes: those out whose first token is awaited, and the good ones in a row.
    HalfOpen { probing: u32, good: u32 },
}

/// Calls that are decided, by when they were.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    decided: u32,
    faults: u32,
    slow: u32,
}

/// What a call was sent as. It is given back when the call ends.
#[derive(Debug)]
pub(crate) struct Pass {
    era: u32,
    probe: bool,
    began: Option<Instant>,
}

/// A fault, as the circuit sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// It was a time limit that the endpoint overran.
    pub(crate) slow: bool,
    /// How long the service asked to be left alone.
    pub(crate) asked: Duration,
    /// Chance, from 0 to 1: part of the pause, if this opens the circuit.
    pub(crate) jitter: f64,
}

/// One endpoint's circuit.
#[derive(Debug)]
pub(crate) struct Circuit {
    state: State,
    /// Grows with every opening and closing.
    era: u32,
    faults_in_a_row: u32,
    /// Since it was last closed.
    openings: u32,
    window: Ring<Slot, SLOTS>,
}

impl Circuit {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            state: State::Closed { since: None },
            era: 0,
            faults_in_a_row: 0,
            openings: 0,
            window: Ring::new(WINDOW, now),
        }
    }

    /// The moment from which a call may go; the past if one may go now.
    pub(crate) fn shut_until(&self, now: Instant) -> Option<Instant> {
        match self.state {
            State::Open { until } if now < until => Some(until),
            State::HalfOpen { probing, .. } if probing >= PROBES => Some(now + PROBE_WAIT),
            State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. } => None,
        }
    }

    /// Calls that may go while it is not closed.
    pub(crate) fn probes_left(&self, now: Instant) -> usize {
        let left = match self.state {
            State::Open { until } if now < until => 0,
            State::HalfOpen { probing, .. } => PROBES.saturating_sub(probing),
            State::Open { .. } | State::Closed { .. } => PROBES,
        };
        left as usize
    }

    /// A call goes. It may go although the circuit is shut, when there is nobody else; then it is no probe.
    pub(crate) fn sent(&mut self, now: Instant) -> Pass {
        let allowed = self.shut_until(now).is_none();
        let probe = match &mut self.state {
            State::Open { .. } if allowed => {
                self.state = State::HalfOpen { probing: 1, good: 0 };
                true
            }
            State::HalfOpen { probing, .. } if allowed => {
                *probing += 1;
                true
            }
            State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. } => false,
        };
        Pass { era: self.era, probe, began: None }
    }

    /// A call brought its first token; `slow` if later than the caller's limit.
    pub(crate) fn began(&mut self, pass: &mut Pass, slow: bool, jitter: f64, now: Instant) {
        if pass.era != self.era || pass.began.is_some() {
            return;
        }
        pass.began = Some(now);
        match &mut self.state {
            State::Closed { .. } => {
                self.faults_in_a_row = 0;
                let slot = self.window.at(now);
                slot.decided += 1;
                slot.slow += u32::from(slow);
                if self.is_ailing(now) {
                    self.open(Duration::ZERO, jitter, now);
                }
            }
            State::HalfOpen { probing, good } => {
                *probing -= u32::from(pass.probe);
                *good += 1;
                if *good >= GOOD_PROBES {
                    self.close(now);
                }
            }
            // A call that went although the circuit was open has shown that the service is back.
            State::Open { .. } => self.state = State::HalfOpen { probing: 0, good: 1 },
        }
    }

    /// A call ended in a fault. A stream that broke after its first token is one too: its sample turns from
    /// good to bad.
    pub(crate) fn failed(&mut self, pass: Pass, fault: Fault, now: Instant) {
        if pass.era != self.era {
            return;
        }
        match self.state {
            State::Closed { .. } => {
                let sample = pass.began.and_then(|then| self.window.find(then, now));
                if let Some(slot) = sample {
                    slot.faults += 1;
                } else {
                    let slot = self.window.at(now);
                    slot.decided += 1;
                    slot.faults += 1;
                    slot.slow += u32::from(fault.slow);
                }
                self.fault(fault, now);
            }
            State::HalfOpen { .. } if pass.probe => self.open(fault.asked, fault.jitter, now),
            // Whoever went while it was open has met what was known already.
            State::HalfOpen { .. } | State::Open { .. } => {}
        }
    }

    /// A call ended in a way that says nothing about the endpoint's health (overload, the caller left).
    pub(crate) fn undecided(&mut self, pass: &Pass) {
        if pass.era != self.era || !pass.probe || pass.began.is_some() {
            return;
        }
        if let State::HalfOpen { probing, .. } = &mut self.state {
            *probing -= 1;
        }
    }

    /// Somebody looked whether the endpoint is there. That it is does not close the circuit: only answers do.
    pub(crate) fn checked(&mut self, ok: bool, jitter: f64, now: Instant) {
        let fault = Fault { slow: false, asked: Duration::ZERO, jitter };
        match self.state {
            State::Open { .. } if ok => self.state = State::HalfOpen { probing: 0, good: 0 },
            State::HalfOpen { .. } if !ok => self.open(fault.asked, fault.jitter, now),
            State::Closed { .. } if !ok => {
                let slot = self.window.at(now);
                slot.decided += 1;
                slot.faults += 1;
                self.fault(fault, now);
            }
            State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. } => {}
        }
    }

    /// The share of its fair traffic that the endpoint should get: it rises after closing, so that a service
    /// that has just come back is not knocked over.
    pub(crate) fn share(&self, now: Instant) -> f64 {
        match self.state {
            State::Closed { since: None } => 1.0,
            State::Closed { since: Some(since) } => {
                let risen = now.saturating_duration_since(since).as_secs_f64() / SLOW_START.as_secs_f64();
                (SHARE_FIRST + (1.0 - SHARE_FIRST) * risen).min(1.0)
            }
            // Not more than right after closing: opening must not make an endpoint cheaper.
            State::Open { .. } | State::HalfOpen { .. } => SHARE_FIRST,
        }
    }

    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    pub(crate) const fn is_half_open(&self) -> bool {
        matches!(self.state, State::HalfOpen { .. })
    }

    /// How often it has opened or closed.
    pub(crate) const fn era(&self) -> u32 {
        self.era
    }

    /// `closed`, `open` or `half-open`.
    pub(crate) fn name(&self, now: Instant) -> &'static str {
        match self.state {
            State::Closed { .. } => "closed",
            State::Open { until } if now < until => "open",
            State::Open { .. } | State::HalfOpen { .. } => "half-open",
        }
    }

    fn fault(&mut self, fault: Fault, now: Instant) {
        self.faults_in_a_row += 1;
        if self.faults_in_a_row >= FAULTS || self.is_ailing(now) {
            self.open(fault.asked, fault.jitter, now);
        }
    }

    fn is_ailing(&mut self, now: Instant) -> bool {
        let (mut decided, mut faults, mut slow) = (0, 0, 0);
        for slot in self.window.slots(now) {
            decided += slot.decided;
            faults += slot.faults;
            slow += slot.slow;
        }
        let more_than = |count: u32, percent: u32| count * 100 > decided * percent;
        decided >= DECIDED_MIN && (more_than(faults, FAULTY_PERCENT_MAX) || more_than(slow, SLOW_PERCENT_MAX))
    }

    fn open(&mut self, asked: Duration, jitter: f64, now: Instant) {
        let pause = OPEN_FIRST.saturating_mul(1 << self.openings.min(8)).min(OPEN_MAX);
        let pause = pause.mul_f64(1.0 + JITTER * jitter).max(asked.min(RETRY_AFTER_MAX));
        self.openings += 1;
        self.turn(State::Open { until: now + pause });
    }

    fn close(&mut self, now: Instant) {
        self.openings = 0;
        self.turn(State::Closed { since: Some(now) });
    }

    /// Everything before counts no more.
    fn turn(&mut self, state: State) {
        self.state = state;
        self.era = self.era.wrapping_add(1);
        self.faults_in_a_row = 0;
        self.window.clear();
    }
}
