//! Stage 3, queue: when is it a request's turn?
//!
//! One line per pool, in front of as many permits as the pool has room for at the moment. What always holds: nobody
//! waits while a permit is free for them, and no more are out than there is room; while every endpoint rests, those in
//! line stay there, and only those go for whom waiting is no use; the urgent go first and nothing waits for ever; callers
//! share fairly; a line is bounded in count, in bytes and in time; whoever leaves, leaves nothing behind.

pub mod config;
#[doc(hidden)]
pub mod line;
mod metrics;
mod permit;
mod refuse;
mod shared;

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use weir_core::{Clock, PoolId, Priority, Rejection, Request, Room, Tenant};

pub use line::Look;
pub use permit::Permit;

use line::{Ask, Line, Rules};
use metrics::Metrics;
use shared::Shared;

#[cfg(test)]
mod tests;

/// The stage: one line per pool.
pub struct Queue {
    clock: Clock,
    lines: Vec<Arc<Shared>>,
}

/// A pool as the queue sees it.
pub struct Pool {
    /// Its name in metrics.
    pub name: String,
    /// How many requests its endpoints take at a moment, together. Called under the line's lock, at every event: it has
    /// to be cheap and must not call the queue.
    pub room: Arc<dyn Fn(Instant) -> Room + Send + Sync>,
    /// How long a request waits for a service to come back while none of the pool's serves.
    pub outage_wait: Duration,
}

/// What a request's place in line follows from.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Which line.
    pub pool: PoolId,
    /// Who shares.
    pub tenant: &'a Tenant,
    /// The tenant's weight among others; 1 is usual.
    pub weight: f64,
    /// How urgent it is.
    pub priority: Priority,
    /// Tokens it is expected to use, prompt and answer together.
    pub cost: f64,
    /// Since when it has a claim; earlier than now for one that was here before.
    pub arrived: Instant,
    /// When its turn comes too late.
    pub begin_by: Instant,
}

impl Queue {
    /// Builds the lines.
    pub fn new(clock: Clock, config: &config::Queue, pools: Vec<Pool>, registry: &mut Registry) -> Self {
        let metrics = Metrics::new(registry);
        let lines = pools.into_iter().map(|pool| {
            let line = Line::new(clock.now(), Rules::new(config, pool.outage_wait));
            let metrics = metrics.pool(&pool.name);
            Arc::new(Shared::new(clock, pool, line, metrics))
        });
        Self { clock, lines: lines.collect() }
    }

    /// Waits for a turn, until `begin_by` at the latest. Dropping the future leaves the line.
    ///
    /// # Errors
    /// The line is full, the turn did not come in time, or it is foreseen not to.
    pub async fn wait(&self, request: &Request, place: &Place<'_>) -> Result<Permit, Rejection> {
        /// Nothing is free: what costs nothing would never have to share.
        const COST_MIN: f64 = 1.0;
        request.trail.queued(self.clock.now());
        let ask = Ask {
            tenant: place.tenant.scope,
            weight: place.weight,
            priority: place.priority,
            cost: place.cost.max(COST_MIN),
            seats: 1,
            bytes: request.envelope.body.len(),
            arrived: place.arrived,
            begin_by: place.begin_by,
            returns: false,
        };
        let permit = self.lines[place.pool.0].turn(&ask).await?;
        request.trail.permitted(self.clock.now());
        Ok(permit)
    }

    /// A pool's room may have grown: deals it out.
    pub fn refill(&self, pool: PoolId) {
        self.lines[pool.0].deal();
    }

    /// A pool's line as those see it who decide about pressure.
    pub fn look(&self, pool: PoolId) -> Look {
        self.lines[pool.0].look()
    }

    /// Whether somebody of this urgency who came now would get a permit at once. What is kept free for the more urgent is
    /// room for them and for nobody else.
    pub fn has_room(&self, pool: PoolId, priority: Priority) -> bool {
        self.lines[pool.0].has_room(priority)
    }

    /// How long somebody who came now would wait for this place; `None` while that cannot be told.
    pub fn foresees(&self, place: &Place<'_>) -> Option<Duration> {
        let Place { pool, tenant, priority, arrived, .. } = *place;
        self.lines[pool.0].foresees(&tenant.scope, priority, arrived)
    }

    /// Requests waiting in a pool's line, and permits out.
    pub fn depth(&self, pool: PoolId) -> (usize, usize) {
        let line = self.lines[pool.0].lock();
        (line.waiting(), line.out())
    }
}
