//! What pressure does to a request between the cache and the queue, and what the levels are told ten times a second.
//!
//! What always holds: nobody is turned away, and nobody gets a lesser answer, while a place is free that they may have (what
//! is kept free for the more urgent is for them alone); a lesser answer is marked, and never given to a caller who forbids it.

use std::sync::Arc;
use std::time::Duration;

use weir_admit::Admission;
use weir_cache::Stale;
use weir_core::{Answer, PoolId, Priority, Rejection, Request};
use weir_pressure::{Caller, Change, Signals, Turn};

use crate::{Pipeline, place};

impl Pipeline {
    /// A request was let into the house: it counts, and what it meets is noted.
    pub(crate) fn arrived(&self, request: &Request, admission: &Admission) {
        let level = self.pressure.arrived(admission.pool, request.received);
        request.trail.pressed(level.number());
    }

    /// Whether the model answers that was asked for. If not, the admission is for another pool now.
    pub(crate) fn is_answered_in_full(&self, request: &Request, admission: &mut Admission) -> bool {
        let models = self.admit.models();
        let (mut pool, priority) = (admission.pool, admission.priority);
        let mut model: Option<&Arc<str>> = None;
        // Ends: the config has no circle of cheaper models.
        while admission.may_degrade && self.is_too_pressed(pool, priority) {
            let Some(cheaper) = models.cheaper(pool) else { break };
            (pool, model) = (cheaper.pool, Some(&cheaper.model));
        }
        let Some(model) = model.filter(|_| self.queue.has_room(pool, priority)) else { return true };
        request.trail.degraded(format!("model;from={};to={model}", request.model));
        admission.pool = pool;
        false
    }

    /// An old answer, at once: when a call less matters more than a fresh answer, and when nobody can be reached, which is
    /// no reason to have anybody wait who need not.
    pub(crate) fn instead_of_asking(&self, admission: &Admission, stale: &Stale) -> Option<Answer> {
        if stale.is_none() {
            return None;
        }
        if self.attempts.route().is_down(admission.pool) {
            return stale.while_down();
        }
        if self.spares(admission) { stale.under_pressure() } else { None }
    }

    /// Whether the pool is so pressed that a call less matters more than a fresh answer.
    pub(crate) fn spares(&self, admission: &Admission) -> bool {
        admission.may_degrade && self.is_too_pressed(admission.pool, admission.priority)
    }

    /// Whether a lesser answer elsewhere is better than waiting here.
    fn is_too_pressed(&self, pool: PoolId, priority: Priority) -> bool {
        self.pressure.level(pool).actions().degrade && !self.queue.has_room(pool, priority)
    }

    /// Lets a request that needs a permit into the line, or turns it away for the sake of others.
    pub(crate) fn is_let_in(&self, request: &Request, admission: &Admission) -> Result<(), Rejection> {
        let user = admission.tenant.scope.bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let caller = Caller { priority: admission.priority, user };
        let let_in = self.pressure.admits(admission.pool, caller, self.turn(request, admission));
        if let_in.is_err() {
            request.trail.pressed(self.pressure.level(admission.pool).number());
        }
        let_in
    }

    /// When a request would have its turn. The line is asked only where somebody may be turned away; elsewhere everybody is
    /// as good as served.
    fn turn(&self, request: &Request, admission: &Admission) -> Turn {
        let sheds = self.pressure.level(admission.pool).actions().sheds;
        if !sheds || self.queue.has_room(admission.pool, admission.priority) {
            return Turn::Now;
        }
        Turn::after(self.queue.foresees(&place(request, admission)))
    }

    /// Looks at the process and at every pool; to be called about every 100 ms, also when nobody comes. `memory_share`: of
    /// what the process may take; `late`: by how much this call is.
    pub fn look(&self, memory_share: Option<f64>, late: Duration) -> Vec<(PoolId, Change)> {
        self.pressure.look(memory_share, late);
        let pools = (0..self.pressure.pools()).map(PoolId);
        pools.filter_map(|pool| Some((pool, self.pressure.tick(pool, &self.signals(pool))?))).collect()
    }

    fn signals(&self, pool: PoolId) -> Signals {
        let (line, pulse) = (self.queue.look(pool), self.attempts.route().pulse(pool));
        Signals {
            room: pulse.room.now,
            out: line.out,
            waiting: line.waiting,
            waiters_max: line.waiters_max,
            predicted_wait: line.predicted_wait,
            shortest_wait: Some(line.shortest_wait),
            first_attempts: pulse.first_attempts,
            first_attempts_ok: pulse.good_first_attempts,
            open_circuits: pulse.all_open,
            rests: pulse.room.rests,
            degraded_target: self.admit.models().cheaper(pool).is_some(),
            remaining_deadline_p50: None,
        }
    }
}
