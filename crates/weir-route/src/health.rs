//! What is known of one endpoint: its machines side by side, and what each call tells them.
//!
//! Each machine is in its own file and knows only its own matter; here is the one place that says which of
//! them hears what. Invariants: calls in flight are counted once each; a failure never lowers the cost;
//! overload never reaches the circuit.

use std::time::{Duration, Instant};

use weir_core::{Class, Room};

use crate::Policy;
use crate::budget::Budget;
use crate::circuit::{Circuit, Fault, Pass};
use crate::first_token::FirstToken;
use crate::latency::Latency;
use crate::limiter::{Bounds, Limiter, Sent};
use crate::pause::{ASKED_MAX, KeyPause, Rest};
use crate::ring::Ring;
use crate::throttle::Throttle;

/// How long a service that would not take up a begun answer is not given one.
const PREFILL_PAUSE: Duration = Duration::from_secs(3600);

/// Over how long first attempts are looked at.
const FIRSTS_MEMORY: Duration = Duration::from_secs(30);
const FIRSTS_SLOTS: usize = 10;

/// First attempts of requests, as far as the service had a part in how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Firsts {
    pub(crate) decided: u32,
    pub(crate) good: u32,
}

/// The state of one endpoint.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) limiter: Limiter,
    in_flight: usize,
    pub(crate) circuit: Circuit,
    pub(crate) rest: Rest,
    pub(crate) key: KeyPause,
    pub(crate) latency: Latency,
    pub(crate) budget: Budget,
    pub(crate) first_token: FirstToken,
    pub(crate) throttle: Throttle,
    firsts: Ring<Firsts, FIRSTS_SLOTS>,
    prefill_refused: Option<Instant>,
}

/// Whether calls should come here, best first; with the moment from which they should, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Yes.
    Willing,
    /// It has said "later" again and again: while others could take the call, they should.
    Cooling,
    /// It asked for a pause.
    Paused(Instant),
    /// Its circuit is open, or its probes are out.
    Shut(Instant),
    /// Its key is of no use.
    Keyless(Instant),
}

/// An endpoint as balancing sees it, all of one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) standing: Standing,
    /// A call would not exceed its limit.
    pub(crate) has_room: bool,
    /// At least a fifth of its places are free.
    pub(crate) has_room_to_spare: bool,
    /// Its circuit is not closed: a call now would be a probe.
    pub(crate) wants_probe: bool,
    pub(crate) in_flight: usize,
    /// The expected time to the first token, in seconds, failures weighed in.
    pub(crate) wait_s: f64,
    /// The part of its fair share of calls that it should get: less than 1 after its circuit was open.
    pub(crate) share: f64,
}

impl Look {
    /// What a call here costs. Lower is better.
    pub(crate) fn cost(&self) -> f64 {
        self.wait_s / self.share * (self.in_flight + 1) as f64
    }
}

/// What is remembered of a call while it is in flight.
#[derive(Debug)]
pub(crate) struct Call {
    sent: Sent,
    streamed: bool,
    prompt_kib: f64,
    /// The first attempt of its request.
    first: bool,
    began: bool,
    pass: Pass,
}

/// How a call failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed {
    pub(crate) class: Class,
    pub(crate) retry_after: Option<Duration>,
    /// Chance, from 0 to 1.
    pub(crate) jitter: f64,
    pub(crate) now: Instant,
}

/// What a failure turned out to be, and what it set off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Learned {
    pub(crate) class: Class,
    pub(crate) cools: bool,
    pub(crate) key_paused: bool,
}

impl Call {
    /// How long ago it was sent.
    pub(crate) fn took(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.sent.at)
    }
}

impl Health {
    pub(crate) fn new(bounds: Bounds, policy: &Policy, now: Instant) -> Self {
        Self {
            limiter: Limiter::new(bounds, now),
            in_flight: 0,
            circuit: Circuit::new(now),
            rest: Rest::new(now),
            key: KeyPause::new(now),
            latency: Latency::new(now),
            budget: Budget::new(policy.budget, now),
            first_token: FirstToken::new(now),
            throttle: Throttle::new(now),
            firsts: Ring::new(FIRSTS_MEMORY, now),
            prefill_refused: None,
        }
    }

    /// The endpoint as it is now.
    pub(crate) fn look(&self, now: Instant) -> Look {
        let limit = self.limit();
        Look {
            standing: self.standing(now),
            has_room: self.in_flight < limit,
            has_room_to_spare: (limit - self.in_flight.min(limit)) * 5 >= limit,
            wants_probe: !self.circuit.is_closed(),
            in_flight: self.in_flight,
            wait_s: self.latency.wait_s(now),
            share: self.circuit.share(now),
        }
    }

    /// Whether calls should come here.
    pub(crate) fn standing(&self, now: Instant) -> Standing {
        let (asked, keyless) = (self.rest.asked_until(), self.key.until());
        let shut = self.circuit.shut_until(now);
        // Whatever comes last ends the wait.
        let until = asked.max(keyless).max(shut.unwrap_or(now));
        if now < keyless {
            Standing::Keyless(until)
        } else if shut.is_some() {
            Standing::Shut(until)
        } else if now < asked {
            Standing::Paused(until)
        } else if now < self.rest.cools_until() {
            Standing::Cooling
        } else {
            Standing::Willing
        }
    }

    /// How many calls it takes at one time.
    pub(crate) fn room(&self, now: Instant) -> Room {
        let limit = self.limit();
        let (more, until) = match self.standing(now) {
            Standing::Willing | Standing::Cooling if self.circuit.is_closed() => return Room::of(limit),
            Standing::Willing | Standing::Cooling => (self.circuit.probes_left(now), None),
            // Its probes are out: they end the rest, and nobody knows when.
            Standing::Shut(_) if self.circuit.is_half_open() => (0, None),
            Standing::Paused(until) | Standing::Shut(until) | Standing::Keyless(until) => (0, Some(until)),
        };
        Room { now: (self.in_flight + more).min(limit), whole: limit, rests: true, until }
    }

    /// A call goes; it is for `prompt_kib` KiB of prompt, and the `first` of its request or a later one.
    pub(crate) fn sent(&mut self, streamed: bool, prompt_kib: f64, first: bool, now: Instant) -> Call {
        self.in_flight += 1;
        let pass = self.circuit.sent(now);
        let sent = self.limiter.sent(self.in_flight, now);
        Call { sent, streamed, prompt_kib, first, began: false, pass }
    }

    /// The first token of a call is here; one later than `slow_after` is slow. A second first token says
    /// nothing.
    pub(crate) fn began(&mut self, call: &mut Call, slow_after: Option<Duration>, jitter: f64, now: Instant) {
        if call.began {
            return;
        }
        call.began = true;
        let took = call.took(now);
        let slow = slow_after.is_some_and(|limit| took > limit);
        let was_closed = self.circuit.is_closed();
        self.circuit.began(&mut call.pass, slow, jitter, now);
        if self.circuit.is_closed() && !was_closed {
            self.limiter.restart();
        }
        self.rest.began(now);
        self.key.began(call.sent.at, now);
        self.latency.began(took, call.streamed, now);
        let took_s = call.streamed.then(|| self.first_token.for_usual_prompt_s(call.prompt_kib, took));
        self.limiter.began(call.sent, took_s, now);
        self.budget.outcome(false, now);
        self.throttle.taken(now);
        self.decided(call.first, true, now);
        if call.streamed {
            self.first_token.observe(call.prompt_kib, took, now);
        }
    }

    /// A call failed. A stream that broke after its first token is a fault too, although the token was a
    /// success.
    pub(crate) fn failed(&mut self, call: Call, failed: Failed) -> Learned {
        let Failed { retry_after, jitter, now, .. } = failed;
        let class = self.whose(&call, failed.class, now);
        let asked = retry_after.unwrap_or(Duration::ZERO).min(ASKED_MAX);
        let (overload, fault) = (class.is_overload(), class.is_fault());
        let mut learned = Learned { class, cools: false, key_paused: false };
        if !call.began && class == Class::Timeout {
            self.overran(&call, now);
            self.limiter.refused(call.sent, now);
        }
        // A stream that broke counts although its beginning has been counted as good.
        if fault || (!call.began && (overload || is_answered(class))) {
            self.budget.outcome(overload || fault, now);
        }
        if !call.began && (overload || fault) {
            self.throttle.refused(now);
            self.decided(call.first, false, now);
        }
        if !call.began && is_answered(class) {
            self.throttle.taken(now);
        }
        // Fast refusals must not make an endpoint attractive, whether it is full, sick or has no money left.
        if overload || fault || class.rules().disables_key {
            self.latency.failed(asked, now);
        }
        if overload {
            learned.cools = self.rest.refused(asked, now);
        } else if fault {
            self.rest.asked(asked, now);
        }
        learned.key_paused = class.rules().disables_key && self.key.refused(now);
        self.in_flight -= 1;
        if fault {
            let slow = class == Class::Timeout;
            self.circuit.failed(call.pass, Fault { slow, asked, jitter }, now);
        } else {
            self.circuit.undecided(&call.pass);
        }
        learned
    }

    /// A call ended without saying anything about the endpoint that it had not said already.
    pub(crate) fn ended(&mut self, call: &Call) {
        self.in_flight -= 1;
        self.circuit.undecided(&call.pass);
    }

    /// A call was given up because another began first: its first token takes at least so long.
    pub(crate) fn outrun(&mut self, call: &Call, now: Instant) {
        if !call.began {
            self.overran(call, now);
        }
        self.ended(call);
    }

    /// How first attempts fared lately.
    pub(crate) fn firsts(&mut self, now: Instant) -> Firsts {
        self.firsts.slots(now).iter().fold(Firsts::default(), |sum, slot| Firsts {
            decided: sum.decided + slot.decided,
            good: sum.good + slot.good,
        })
    }

    fn decided(&mut self, first: bool, good: bool, now: Instant) {
        if first {
            let slot = self.firsts.at(now);
            slot.decided += 1;
            slot.good += u32::from(good);
        }
    }

    /// Whether the endpoint may be given a begun answer.
    pub(crate) fn takes_prefill(&self, now: Instant) -> bool {
        self.prefill_refused.is_none_or(|then| now.saturating_duration_since(then) >= PREFILL_PAUSE)
    }

    pub(crate) const fn prefill_refused(&mut self, now: Instant) {
        self.prefill_refused = Some(now);
    }

    pub(crate) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limiter.limit()
    }

    /// A refusal may be of the gateway's own making.
    fn whose(&mut self, call: &Call, class: Class, now: Instant) -> Class {
        let refused = class == Class::Overload && !call.began;
        if refused && self.limiter.refused(call.sent, now) { Class::OwnLimit } else { class }
    }

    fn overran(&mut self, call: &Call, now: Instant) {
        let took = call.took(now);
        self.latency.took_at_least(took, now);
        if call.streamed {
            self.first_token.observe(call.prompt_kib, took, now);
        }
    }
}

/// Whether the service has looked at the request and answered, if only with a no.
const fn is_answered(class: Class) -> bool {
    matches!(class, Class::Client | Class::ContextLength | Class::ContentFilter | Class::PrefillRejected)
}
