//! The permission to call one endpoint. It teaches the endpoint's health what came of the call.
//!
//! Invariant: a call is settled exactly once, however it ends: settling takes the call out of the lease.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_core::{Chunk, Class, End, Observer};

use crate::health::{Call, Failed};
use crate::{Ask, Endpoint, KeySource};

/// A call in flight at an endpoint. Ending it, in any way, gives the place back exactly once.
pub struct Lease {
    endpoint: Arc<Endpoint>,
    /// `None` once settled.
    call: Option<Call>,
}

/// Why a place was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoLease {
    Gone,
    HeldBack,
}

impl Lease {
    /// Takes a place.
    ///
    /// # Errors
    /// The endpoint filled up, or its circuit shut, since it was looked at; or it refuses most of its calls, and this one
    /// is held back.
    pub(crate) fn take(endpoint: &Arc<Endpoint>, ask: &Ask<'_>, now: Instant) -> Result<Self, NoLease> {
        let mut health = endpoint.health();
        let allowed = ask.desperate || health.circuit.shut_until(now).is_none();
        if health.in_flight() >= health.limit() || !allowed {
            return Err(NoLease::Gone);
        }
        if health.throttle.holds(endpoint.jitter(), now) && !ask.desperate {
            endpoint.metrics.held_back.inc();
            return Err(NoLease::HeldBack);
        }
        if ask.earns && !ask.tried.contains(&endpoint.id()) {
            health.budget.deposit(now);
        }
        let first = ask.earns && ask.tried.is_empty();
        let call = health.sent(ask.streamed, ask.prompt_kib, first, now);
        drop(health);
        endpoint.metrics.in_flight.inc();
        Ok(Self { endpoint: endpoint.clone(), call: Some(call) })
    }

    /// Who is called.
    pub const fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// The first meaningful part of the answer is here. One later than `slow_after` counts as slow: give it
    /// where another endpoint would have been faster. Returns whether the endpoint now has room for more calls than before.
    pub fn first_token(&mut self, now: Instant, slow_after: Option<Duration>) -> bool {
        let Some(call) = &mut self.call else { return false };
        let (metrics, jitter) = (&self.endpoint.metrics, self.endpoint.jitter());
        metrics.first_token.observe(call.took(now).as_secs_f64());
        let mut health = self.endpoint.health();
        let era = health.circuit.era();
        let before = health.room(now).now;
        health.began(call, slow_after, jitter, now);
        self.endpoint.learned(&health, era, now);
        health.room(now).now > before
    }

    /// The call failed before its first meaningful part. Returns what kind of failure it turned out to be: an
    /// overload at the top of the gateway's own load is `OwnLimit`.
    pub fn failed(mut self, class: Class, retry_after: Option<Duration>, now: Instant) -> Class {
        self.settle_failed(class, retry_after, now)
    }

    /// The call is given up because another one for the same request began first.
    pub fn outrun(mut self, now: Instant) {
        let Some(call) = self.call.take() else { return };
        self.endpoint.health().outrun(&call, now);
        self.count(End::Abandoned);
    }

    fn settle(&mut self, end: End, now: Instant) {
        if let End::Failed(class) = end {
            self.settle_failed(class, None, now);
            return;
        }
        let Some(call) = self.call.take() else { return };
        self.endpoint.health().ended(&call);
        self.count(end);
    }

    fn settle_failed(&mut self, class: Class, retry_after: Option<Duration>, now: Instant) -> Class {
        let Some(call) = self.call.take() else { return class };
        if is_callers_affair(&self.endpoint, class) {
            self.endpoint.health().ended(&call);
            self.count(End::Failed(class));
            return class;
        }
        let (metrics, jitter) = (&self.endpoint.metrics, self.endpoint.jitter());
        let mut health = self.endpoint.health();
        let era = health.circuit.era();
        let learned = health.failed(call, Failed { class, retry_after, jitter, now });
        self.endpoint.learned(&health, era, now);
        drop(health);
        metrics.learned(learned);
        self.count(End::Failed(learned.class));
        learned.class
    }

    fn count(&self, end: End) {
        let metrics = &self.endpoint.metrics;
        metrics.in_flight.dec();
        metrics.count(end);
    }
}

/// A caller's own key has limits and debts of its own: they say nothing about the endpoint for others.
fn is_callers_affair(endpoint: &Endpoint, class: Class) -> bool {
    let of_the_key = class.rules().disables_key || class.is_overload();
    matches!(endpoint.key(), KeySource::Caller) && of_the_key
}

impl Observer for Lease {
    fn chunk(&mut self, _now: Instant, _chunk: &Chunk) {}

    fn end(mut self: Box<Self>, now: Instant, end: End) {
        self.settle(end, now);
    }
}

impl Drop for Lease {
    /// The caller left while the call was on its way: the future that held this was dropped.
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.endpoint.health().ended(&call);
            self.count(End::Abandoned);
        }
    }
}
