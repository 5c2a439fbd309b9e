//! The permission to call one endpoint. It teaches the endpoint's health what came of the call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_core::{Chunk, Class, End, Observer};

use crate::Endpoint;

/// A call in flight at an endpoint. Ending it, in any way, gives the place back exactly once.
pub struct Lease {
    endpoint: Arc<Endpoint>,
    sent: Instant,
    settled: bool,
}

impl Lease {
    /// Takes a place; `None` if the endpoint filled up since it was looked at.
    pub(crate) fn take(endpoint: &Arc<Endpoint>, now: Instant) -> Option<Self> {
        let mut health = endpoint.health();
        if !health.has_room() {
            return None;
        }
        health.sent(now);
        endpoint.metrics.in_flight.set(health.in_flight() as i64);
        drop(health);
        Some(Self { endpoint: endpoint.clone(), sent: now, settled: false })
    }

    /// Who is called.
    pub const fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// The first meaningful part of the answer is here.
    pub fn first_token(&self, now: Instant) {
        let took = now.saturating_duration_since(self.sent);
        self.endpoint.metrics.first_token.observe(took.as_secs_f64());
        let mut health = self.endpoint.health();
        health.first_token(took, now);
        self.endpoint.metrics.closed.set(i64::from(health.circuit_is_closed()));
    }

    /// The call failed before its first meaningful part.
    pub fn failed(mut self, class: Class, retry_after: Option<Duration>, now: Instant) {
        self.settle(End::Failed(class), retry_after, now);
    }

    fn settle(&mut self, end: End, retry_after: Option<Duration>, now: Instant) {
        if self.settled {
            return;
        }
        self.settled = true;
        let mut health = self.endpoint.health();
        match end {
            End::Complete => {}
            End::Failed(class) => health.failed(class, retry_after, now),
            End::Abandoned => health.abandoned(),
        }
        health.ended();
        let metrics = &self.endpoint.metrics;
        metrics.in_flight.set(health.in_flight() as i64);
        metrics.closed.set(i64::from(health.circuit_is_closed()));
        drop(health);
        metrics.count(end);
    }
}

impl Observer for Lease {
    fn chunk(&mut self, _now: Instant, _chunk: &Chunk) {}

    fn end(mut self: Box<Self>, now: Instant, end: End) {
        self.settle(end, None, now);
    }
}

impl Drop for Lease {
    /// The caller left while the call was on its way: the future that held this was dropped.
    fn drop(&mut self) {
        self.settle(End::Abandoned, None, self.sent);
    }
}
