//! How much work is before someone, and so how long they would wait.
//!
//! An estimate in constant time: what waits in more urgent levels counts whole, of a less urgent level the share that
//! has aged past the newcomer, and of its own level what is served until fair sharing comes round to it. Work that has
//! yet to come is not counted, nor are weights and ceilings.

use std::time::{Duration, Instant};

use weir_core::{Priority, Scope};

use super::Line;
use super::ask::Moment;
use crate::config::{Fairness, Order};

impl<W> Line<W> {
    /// How long a request would wait that came now; `None` while the pace is not known.
    pub fn foresees(
        &self,
        at: Moment,
        tenant: &Scope,
        priority: Priority,
        arrived: Instant,
    ) -> Option<Duration> {
        let level = usize::from(priority.level());
        let own = self.parties.find(tenant).map_or(0, |id| self.parties.get(id).flows[level].waiting);
        self.wait_for(at, self.ahead(level, own, arrived) + 1)
    }

    /// How long a request of a tenant in a level would wait; `None` while the pace is not known.
    pub(super) fn predict(
        &self,
        at: Moment,
        level: usize,
        tenant: u32,
        arrived: Instant,
    ) -> Option<Duration> {
        let own = self.parties.get(tenant).flows[level].waiting;
        self.wait_for(at, self.ahead(level, own, arrived) + 1)
    }

    fn wait_for(&self, at: Moment, turns: usize) -> Option<Duration> {
        Some(at.rest() + self.pace.wait_for(turns, at.working_room())?)
    }

    /// `own`: how many of the tenant wait in this level.
    fn ahead(&self, level: usize, own: usize, arrived: Instant) -> usize {
        let mut ahead: usize = self.levels[..level].iter().map(|queue| queue.waiting).sum();
        if self.rules.order == Order::Aged {
            for less_urgent in level + 1..self.levels.len() {
                let older_by = self.rules.aging * (less_urgent - level) as u32;
                ahead += arrived.checked_sub(older_by).map_or(0, |cut| self.before(less_urgent, cut));
            }
        }
        let same = self.before(level, arrived);
        ahead
            + match self.rules.fairness {
                Fairness::None => same,
                Fairness::Vtc => {
                    let others = self.levels[level].tenants() - usize::from(own > 0);
                    // Before each of its own turns, and before the newcomer's, each other tenant has one.
                    same.min(own + (own + 1) * others)
                }
            }
    }

    /// About how many of a level arrived by `cut`, as if they had come evenly.
    fn before(&self, level: usize, cut: Instant) -> usize {
        let queue = &self.levels[level];
        let (Some(oldest), Some(tail)) = (queue.oldest, queue.list.tail()) else { return 0 };
        let newest = self.waiters.get(tail).arrived;
        if cut >= newest {
            return queue.waiting;
        }
        let Some(part) = cut.checked_duration_since(oldest) else { return 0 };
        let whole = newest.saturating_duration_since(oldest);
        (queue.waiting as f64 * part.as_secs_f64() / whole.as_secs_f64()) as usize
    }
}
