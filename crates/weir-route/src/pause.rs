//! Pauses that have nothing to do with the circuit: a service that says "later", and a key that is of no use.
//!
//! Overload is not a fault: 429 and 503 say "later", and an open circuit would turn a busy service into a
//! dead one. So there are two milder rests. What the service asked for by `Retry-After` is kept. And one that
//! says "later" five times in a row cools off *while others could take the call*; fewer must not matter,
//! because a service that fails a fifth of its calls independently has to keep its traffic.
//!
//! Invariant: a shorter pause never cuts a longer one; any first token ends the cooling off.

use std::time::{Duration, Instant};

/// Refusals in a row, with no first token in between, after which a service cools off.
const REFUSALS: u32 = 5;
const COOL_FIRST: Duration = Duration::from_secs(4);
const COOL_MAX: Duration = Duration::from_secs(16);
/// The longest pause a service can ask for by `Retry-After`: none can switch itself off for an hour.
pub(crate) const ASKED_MAX: Duration = Duration::from_secs(30);

const KEY_FIRST: Duration = Duration::from_secs(60);
const KEY_MAX: Duration = Duration::from_secs(15 * 60);

/// What a service asked for, or earned, by saying "later".
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    refusals: u32,
    cooled: u32,
    cools_until: Instant,
    asked_until: Instant,
}

impl Rest {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { refusals: 0, cooled: 0, cools_until: now, asked_until: now }
    }

    /// The end of the pause the service asked for; the past if there is none.
    pub(crate) const fn asked_until(&self) -> Instant {
        self.asked_until
    }

    /// The end of its cooling off; the past if there is none.
    pub(crate) const fn cools_until(&self) -> Instant {
        self.cools_until
    }

    /// The service asked to be left alone, whatever for.
    pub(crate) fn asked(&mut self, pause: Duration, now: Instant) {
        self.asked_until = self.asked_until.max(now + pause.min(ASKED_MAX));
    }

    /// The service said "later". Returns whether it starts to cool off.
    pub(crate) fn refused(&mut self, asked: Duration, now: Instant) -> bool {
        self.asked(asked, now);
        if now < self.cools_until {
            // An answer to a call from before it began to cool off.
            return false;
        }
        self.refusals += 1;
        if self.refusals < REFUSALS {
            return false;
        }
        let pause = COOL_FIRST.saturating_mul(1 << self.cooled.min(8)).min(COOL_MAX);
        self.cooled += 1;
        self.cools_until = now + pause.max(asked.min(ASKED_MAX));
        true
    }

    /// A first token: the service has room.
    pub(crate) fn began(&mut self, now: Instant) {
        self.refusals = 0;
        self.cooled = 0;
        self.cools_until = self.cools_until.min(now);
    }
}

/// How long an endpoint's key is out of use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyPause {
    until: Instant,
    refused: Option<Instant>,
    pauses: u32,
}

impl KeyPause {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { until: now, refused: None, pauses: 0 }
    }

    /// The end of the pause; the past if there is none.
    pub(crate) const fn until(&self) -> Instant {
        self.until
    }

    /// The key was refused, or its money is used up. Returns whether this begins a pause.
    pub(crate) fn refused(&mut self, now: Instant) -> bool {
        if now < self.until {
            return false;
        }
        let pause = KEY_FIRST.saturating_mul(1 << self.pauses.min(8)).min(KEY_MAX);
        self.pauses += 1;
        self.refused = Some(now);
        self.until = now + pause;
        true
    }

    /// A first token of a call from `sent`: the key is good again, unless the call is older than the refusal.
    pub(crate) fn began(&mut self, sent: Instant, now: Instant) {
        if self.refused.is_some_and(|refused| sent >= refused) {
            *self = Self::new(now);
        }
    }
}
