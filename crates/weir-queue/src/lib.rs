//! Stage 3, queue: when is it a request's turn?
//!
//! What always holds: a pool never has more permits out than its limit; the most urgent waits least, and inside a
//! priority the first comes first; a line is bounded in count and in bytes; whoever leaves, leaves nothing behind.

pub mod config;
mod line;
mod metrics;
mod permit;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use weir_core::{Clock, Kind, PoolId, Priority, Rejection, Request};

pub use permit::Permit;

use line::{Full, Line, Ticket};
use metrics::{Metrics, PoolMetrics};

#[cfg(test)]
mod tests;

/// The stage: one line per pool.
pub struct Queue {
    clock: Clock,
    lines: Vec<Arc<Shared>>,
}

/// One pool's line and its waiters.
pub(crate) struct Shared {
    clock: Clock,
    /// Guards the line for a few map operations; never held across an await or a send.
    line: Mutex<Line<tokio::sync::oneshot::Sender<Permit>>>,
    metrics: PoolMetrics,
}

/// A pool as the queue sees it.
pub struct Pool<'a> {
    /// Its name in metrics.
    pub name: &'a str,
    /// How many requests its endpoints take at one time, together.
    pub permits: usize,
}

impl Queue {
    /// Builds the lines.
    pub fn new(clock: Clock, config: &config::Queue, pools: &[Pool<'_>], registry: &mut Registry) -> Self {
        let metrics = Metrics::new(registry);
        let lines = pools.iter().map(|pool| {
            let bytes_max = config.waiting_mib_max.saturating_mul(1 << 20);
            let line = Mutex::new(Line::new(pool.permits, config.waiters_max, bytes_max));
            Arc::new(Shared { clock, line, metrics: metrics.pool(pool.name) })
        });
        Self { clock, lines: lines.collect() }
    }

    /// Waits for a turn, until `begin_by` at the latest. Dropping the future leaves the line.
    ///
    /// # Errors
    /// The line is full, or the turn did not come in time.
    pub async fn wait(
        &self,
        request: &Request,
        pool: PoolId,
        priority: Priority,
        begin_by: Instant,
    ) -> Result<Permit, Rejection> {
        let shared = &self.lines[pool.0];
        let now = self.clock.now();
        request.trail.queued(now);
        let ticket = {
            let mut line = shared.lock();
            if line.admit_now() {
                shared.metrics.permits.set(line.out() as i64);
                drop(line);
                request.trail.permitted(now);
                return Ok(Permit::new(shared.clone(), now));
            }
            let (wake, turn) = tokio::sync::oneshot::channel();
            let bytes = request.envelope.body.len();
            let ticket = line.join(priority, bytes, wake).map_err(|full| shared.full(full, &line))?;
            shared.metrics.depth.set(line.waiting() as i64);
            Waiting { shared, ticket, turn: Some(turn) }
        };
        let permit = ticket.turn(begin_by).await;
        let now = self.clock.now();
        shared.metrics.wait.observe(request.trail.queue_wait(now).as_secs_f64());
        let Some(permit) = permit else {
            shared.metrics.timed_out.inc();
            let waited = request.trail.queue_wait(now).as_secs_f64();
            let message =
                format!("no endpoint became free within {waited:.1} s; send fewer requests or wait longer");
            return Err(Rejection::new(Kind::QueueTimeout, message).after(Duration::from_secs(1)));
        };
        request.trail.permitted(now);
        Ok(permit)
    }

    /// Requests waiting in a pool's line, and permits out.
    pub fn depth(&self, pool: PoolId) -> (usize, usize) {
        let line = self.lines[pool.0].lock();
        (line.waiting(), line.out())
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, Line<tokio::sync::oneshot::Sender<Permit>>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A permit came back: hands it to the next in line, skipping those who have just left.
    pub(crate) fn release(self: &Arc<Self>, held: Duration) {
        let next = {
            let mut line = self.lock();
            line.held_for(held);
            let next = line.release();
            self.metrics.depth.set(line.waiting() as i64);
            self.metrics.permits.set(line.out() as i64);
            next
        };
        if let Some(wake) = next {
            // If the waiter has gone, the permit comes back in the error and its drop releases it once more.
            drop(wake.send(Permit::new(self.clone(), self.clock.now())));
        }
    }

    fn full(&self, full: Full, line: &Line<tokio::sync::oneshot::Sender<Permit>>) -> Rejection {
        self.metrics.refused.inc();
        let what = match full {
            Full::Waiters(max) => format!("{max} requests are waiting (queue.waiters_max)"),
            Full::Bytes(max) => format!("{} MiB of requests are waiting (queue.waiting_mib_max)", max >> 20),
        };
        let message = format!("the queue is full: {what}; try again later");
        Rejection::new(Kind::Overloaded, message).after(line.predicted_wait())
    }
}

/// A place in line. Dropping it gives the place up.
struct Waiting<'a> {
    shared: &'a Arc<Shared>,
    ticket: Ticket,
    turn: Option<tokio::sync::oneshot::Receiver<Permit>>,
}

impl Waiting<'_> {
    /// The permit, or `None` when it did not come until `begin_by`.
    async fn turn(mut self, begin_by: Instant) -> Option<Permit> {
        let turn = self.turn.as_mut()?;
        let timeout = tokio::time::timeout_at(tokio::time::Instant::from_std(begin_by), turn);
        timeout.await.ok()?.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // First out of the line, so that no permit is sent here any more; then the receiver, with a permit that may
        // already lie in it. The lock is free again by then, as releasing it takes the lock.
        let left = {
            let mut line = self.shared.lock();
            let left = line.leave(self.ticket);
            self.shared.metrics.depth.set(line.waiting() as i64);
            left
        };
        drop(left);
        drop(self.turn.take());
    }
}
