//! The open record of a request: watches its answer and settles exactly once.

use std::sync::Arc;
use std::time::Instant;

use weir_core::{Chunk, End, Kind, Observer, Operation, Rejection, Request, RequestId, Trail, Usage};

use crate::Shared;
use crate::settled::{Outcome, Settled};

/// A request being recorded. Dropping it records that the caller left.
pub struct Record {
    shared: Arc<Shared>,
    id: RequestId,
    operation: Operation,
    model: Arc<str>,
    stream: bool,
    trail: Arc<Trail>,
    rejected: Option<Kind>,
    status: u16,
    usage: Usage,
    settled: bool,
}

impl Record {
    pub(crate) fn open(shared: Arc<Shared>, request: &Request) -> Self {
        shared.metrics.in_flight.inc();
        Self {
            shared,
            id: request.id,
            operation: request.operation,
            model: request.model.clone(),
            stream: request.envelope.stream,
            trail: request.trail.clone(),
            rejected: None,
            status: 0,
            usage: Usage::default(),
            settled: false,
        }
    }

    /// The request was refused, or could not be answered.
    pub fn rejected(&mut self, rejection: &Rejection) {
        self.rejected = Some(rejection.kind);
    }

    /// The status the caller gets.
    pub fn answered(&mut self, status: http::StatusCode) {
        self.status = status.as_u16();
    }

    fn settle(&mut self, now: Instant, end: End) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        self.shared.metrics.in_flight.dec();
        let trail = &self.trail;
        let via = trail.via();
        let parts = trail.parts();
        let cost_usd = if parts.is_empty() {
            via.as_ref().map_or(0.0, |via| via.price.of(&self.usage))
        } else {
            parts.iter().map(|part| part.via.price.of(&part.usage)).sum()
        };
        let settled = Settled {
            id: self.id,
            operation: self.operation,
            model: self.model.clone(),
            stream: self.stream,
            caller: trail.caller().cloned(),
            outcome: Outcome::of(end, self.rejected, self.status, trail),
            status: self.status,
            attempts: trail.attempts(),
            cache: trail.cache(),
            level: trail.level(),
            degraded: trail.degraded_how().map(str::to_owned),
            queue: trail.queue_wait(now),
            first_token: trail.first_token(),
            upstream: trail.upstream(),
            total: now.saturating_duration_since(trail.started()),
            ended: self.shared.clock.wall(),
            failure: trail.failure(),
            usage: self.usage,
            parts,
            cost_usd,
            via,
        };
        for sink in &self.shared.sinks {
            sink.settled(&settled);
        }
    }
}

impl Observer for Record {
    fn chunk(&mut self, _now: Instant, chunk: &Chunk) {
        if let Some(usage) = chunk.usage {
            self.usage = self.usage.merged(usage);
        }
    }

    fn end(mut self: Box<Self>, now: Instant, end: End) {
        self.settle(now, end);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.settled {
            self.settle(self.shared.clock.now(), End::Abandoned);
        }
    }
}
