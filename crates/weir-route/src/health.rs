//! What is known of an endpoint: calls in flight, how fast it answers, how much it has failed.
//!
//! Balancing looks at the time to the first token, not at the whole: the whole depends on how much was asked for. Fast
//! rejections would make a sick endpoint look quick, so a failure adds a penalty that fades (research: linkerd's "load
//! biaser"). Invariant: a failure never lowers the cost.

use std::time::{Duration, Instant};

use serde::Serialize;
use weir_core::Class;

use crate::circuit::Circuit;

/// How fast old samples fade. Calls are seconds apart, so memory is half a minute.
const MEMORY_S: f64 = 30.0;
/// How fast a penalty fades.
const PENALTY_MEMORY_S: f64 = 10.0;
/// What a failure costs: as if the first token had taken this long.
const PENALTY_S: f64 = 5.0;
/// A first guess before anything is known.
const FIRST_TOKEN_GUESS_S: f64 = 1.0;
/// The longest pause a service can ask for by `Retry-After`.
const REST_MAX: Duration = Duration::from_secs(30);

/// How long an endpoint whose key is refused or used up is left alone, while there is another.
const DEAD_KEY_REST: Duration = Duration::from_secs(60);

/// The state of one endpoint.
#[derive(Debug)]
pub(crate) struct Health {
    limit: usize,
    in_flight: usize,
    circuit: Circuit,
    first_token_s: f64,
    sampled: Option<Instant>,
    penalty_s: f64,
    penalised: Instant,
    rests_until: Instant,
}

/// An endpoint as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// Its name.
    pub endpoint: String,
    /// The model it is asked for.
    pub model: String,
    /// `closed`, `open` or `half-open`.
    pub circuit: &'static str,
    /// Calls in flight.
    pub in_flight: usize,
    /// The most it may have.
    pub limit: usize,
    /// The usual time to its first token, in milliseconds.
    pub first_token_ms: u64,
}

impl Health {
    pub(crate) const fn new(limit: usize, now: Instant) -> Self {
        Self {
            limit,
            in_flight: 0,
            circuit: Circuit::new(),
            first_token_s: FIRST_TOKEN_GUESS_S,
            sampled: None,
            penalty_s: 0.0,
            penalised: now,
            rests_until: now,
        }
    }

    /// Whether there is room for a call.
    pub(crate) const fn has_room(&self) -> bool {
        self.in_flight < self.limit
    }

    /// Whether a call should go here: room, a circuit that allows it, and no pause asked for.
    pub(crate) fn is_willing(&self, now: Instant) -> bool {
        self.has_room() && self.circuit.allows(now) && now >= self.rests_until
    }

    /// What a call here costs, in seconds of expected wait. Lower is better.
    pub(crate) fn cost(&self, now: Instant) -> f64 {
        (self.first_token_s + self.penalty(now)) * (self.in_flight + 1) as f64
    }

    pub(crate) fn sent(&mut self, now: Instant) {
        self.in_flight += 1;
        self.circuit.sent(now);
    }

    pub(crate) fn ended(&mut self) {
        self.in_flight -= 1;
    }

    /// The first token came after `took`. A slow one counts at once, a fast one by and by (peak-sensitive average).
    pub(crate) fn first_token(&mut self, took: Duration, now: Instant) {
        let sample = took.as_secs_f64();
        let age =
            self.sampled.map_or(f64::INFINITY, |then| now.saturating_duration_since(then).as_secs_f64());
        let keep = if sample > self.first_token_s { 0.0 } else { (-age / MEMORY_S).exp().min(0.9) };
        self.first_token_s = self.first_token_s * keep + sample * (1.0 - keep);
        self.sampled = Some(now);
        self.circuit.succeeded();
    }

    /// A call failed. A stream that broke after its first token is a fault too, although the token was a success.
    pub(crate) fn failed(&mut self, class: Class, retry_after: Option<Duration>, now: Instant) {
        let asked = retry_after.unwrap_or(Duration::ZERO).min(REST_MAX);
        if class.is_overload() || class.is_fault() {
            self.penalty_s = self.penalty(now).max(PENALTY_S).max(asked.as_secs_f64());
            self.penalised = now;
            // The longer of two pauses stands: a later, shorter one must not cut it.
            self.rests_until = self.rests_until.max(now + asked);
        }
        if class.rules().disables_key {
            // A dead key answers at once, which must not make it attractive; somebody has to mend it first.
            self.penalty_s = self.penalty(now).max(PENALTY_S);
            self.penalised = now;
            self.rests_until = self.rests_until.max(now + DEAD_KEY_REST);
        }
        if class.is_fault() {
            self.circuit.failed(now);
        } else {
            self.circuit.undecided();
        }
    }

    /// A call ended without saying anything about the endpoint.
    pub(crate) fn abandoned(&mut self) {
        self.circuit.undecided();
    }

    pub(crate) fn circuit_allows(&self, now: Instant) -> bool {
        self.circuit.allows(now)
    }

    pub(crate) fn circuit_is_closed(&self) -> bool {
        self.circuit.is_closed()
    }

    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn snapshot(&self, endpoint: &str, model: &str, now: Instant) -> Snapshot {
        Snapshot {
            endpoint: endpoint.to_owned(),
            model: model.to_owned(),
            circuit: self.circuit.name(now),
            in_flight: self.in_flight,
            limit: self.limit,
            first_token_ms: (self.first_token_s * 1e3) as u64,
        }
    }

    fn penalty(&self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.penalised).as_secs_f64();
        self.penalty_s * (-age / PENALTY_MEMORY_S).exp()
    }
}
