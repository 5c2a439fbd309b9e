//! Virtual token counters (VTC, arXiv 2401.00588): how tenants share a level.
//!
//! The tenant with the smallest counter goes first; what it is given raises its counter by cost ÷ weight. One that was
//! idle is lifted to the least of those who wait, so that idling banks no credit. Two tenants who both wait all the
//! time are never further apart than twice the largest cost.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Instant;

use super::flow::Flow;
use super::waiters::List;

/// A flow's place among those of its level.
#[derive(Clone, Copy, Debug)]
struct Turn {
    counter: f64,
    active_since: u64,
    tenant: u32,
}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> Ordering {
        self.counter.total_cmp(&other.counter).then(self.active_since.cmp(&other.active_since))
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Turn {}

impl Turn {
    const fn of(flow: &Flow, tenant: u32) -> Self {
        Self { counter: flow.counter, active_since: flow.active_since, tenant }
    }
}

/// One of the ten levels.
pub(super) struct Level {
    /// Everyone in it, in the order of arrival.
    pub(super) list: List,
    pub(super) waiting: usize,
    /// When the first in the list arrived.
    pub(super) oldest: Option<Instant>,
    /// The flows in which someone waits, the one whose turn it is first.
    active: BTreeSet<Turn>,
    activations: u64,
    /// The counter of whoever left last, for the time when nobody waits: what idle flows are lifted to then.
    floor: f64,
    last: u32,
}

impl Level {
    pub(super) const fn new() -> Self {
        Self {
            list: List::EMPTY,
            waiting: 0,
            oldest: None,
            active: BTreeSet::new(),
            activations: 0,
            floor: 0.0,
            last: u32::MAX,
        }
    }

    /// Tenants in the order of their turns.
    pub(super) fn turns(&self) -> impl Iterator<Item = u32> + '_ {
        self.active.iter().map(|turn| turn.tenant)
    }

    pub(super) fn tenants(&self) -> usize {
        self.active.len()
    }

    /// What an idle flow is lifted to.
    pub(super) fn floor(&self) -> f64 {
        self.active.first().map_or(self.floor, |turn| turn.counter)
    }

    /// A flow's first request joins.
    pub(super) fn activate(&mut self, flow: &mut Flow, tenant: u32) {
        self.lift(flow);
        self.activations += 1;
        flow.active_since = self.activations;
        self.active.insert(Turn::of(flow, tenant));
    }

    /// A flow's last request has left.
    pub(super) fn deactivate(&mut self, flow: &Flow, tenant: u32) {
        self.active.remove(&Turn::of(flow, tenant));
        self.left(flow, tenant);
    }

    /// A request of an idle flow is served without having waited.
    pub(super) fn passed_through(&mut self, flow: &mut Flow, tenant: u32) {
        self.lift(flow);
        self.left(flow, tenant);
    }

    /// A flow is given `amount`, or has to give it back.
    pub(super) fn charge(&mut self, flow: &mut Flow, tenant: u32, amount: f64) {
        let active = self.active.remove(&Turn::of(flow, tenant));
        flow.counter += amount;
        if active {
            self.active.insert(Turn::of(flow, tenant));
        } else if tenant == self.last {
            self.left(flow, tenant);
        }
    }

    fn lift(&self, flow: &mut Flow) {
        let lift = (self.floor() - flow.counter).max(0.0);
        flow.counter += lift;
        flow.lifted += lift;
    }

    fn left(&mut self, flow: &Flow, tenant: u32) {
        if self.active.is_empty() {
            self.floor = self.floor.max(flow.counter);
            self.last = tenant;
        }
    }
}
