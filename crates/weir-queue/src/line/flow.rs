//! One tenant's requests in one level: a flow. And what is known of a tenant across its flows.

use std::collections::HashMap;

use weir_core::{Priority, Scope};

use super::waiters::List;

/// Tenants remembered although nothing of theirs waits or is in flight. A tenant is forgotten only for want of place,
/// those without debts first.
const TENANTS_MAX: usize = 4096;
/// No sweep below this many.
const SWEEP_MIN: usize = 64;

/// One tenant's requests in one level, in the order of their arrival.
pub(super) struct Flow {
    pub(super) list: List,
    pub(super) waiting: usize,
    pub(super) bytes: usize,
    /// Tokens it has been given in this level, divided by its weight.
    pub(super) counter: f64,
    /// What was added to the counter when it came back from idling, all in all.
    pub(super) lifted: f64,
    /// Its place among flows with the same counter: when it last became active.
    pub(super) active_since: u64,
}

impl Flow {
    const NEW: Self =
        Self { list: List::EMPTY, waiting: 0, bytes: 0, counter: 0.0, lifted: 0.0, active_since: 0 };
}

/// A tenant in this line.
pub(super) struct Party {
    scope: Scope,
    pub(super) waiting: usize,
    pub(super) bytes: usize,
    /// Grants that have not ended: while there are any, its counters may still be corrected.
    pub(super) grants: usize,
    pub(super) flows: [Flow; Priority::LEVELS],
}

impl Party {
    fn is_idle(&self) -> bool {
        self.waiting == 0 && self.grants == 0
    }
}

/// The tenants of a line.
pub(super) struct Parties {
    by_scope: HashMap<Scope, u32>,
    parties: Vec<Option<Party>>,
    vacant: Vec<u32>,
    sweep_at: usize,
}

impl Parties {
    pub(super) fn new() -> Self {
        Self { by_scope: HashMap::new(), parties: Vec::new(), vacant: Vec::new(), sweep_at: SWEEP_MIN }
    }

    /// The tenant's place, if there is one.
    pub(super) fn find(&self, scope: &Scope) -> Option<u32> {
        self.by_scope.get(scope).copied()
    }

    /// The tenant's place, made if there is none. `floors`: for each level, what an idle flow would be lifted to.
    pub(super) fn place(&mut self, scope: &Scope, floors: impl FnOnce() -> [f64; Priority::LEVELS]) -> u32 {
        if let Some(&id) = self.by_scope.get(scope) {
            return id;
        }
        if self.by_scope.len() >= self.sweep_at {
            self.sweep(&floors());
        }
        let flows = [Flow::NEW; Priority::LEVELS];
        let party = Some(Party { scope: *scope, waiting: 0, bytes: 0, grants: 0, flows });
        let id = if let Some(id) = self.vacant.pop() {
            self.parties[id as usize] = party;
            id
        } else {
            self.parties.push(party);
            u32::try_from(self.parties.len() - 1)
                .expect("tenants are bounded by those who wait or are served")
        };
        self.by_scope.insert(*scope, id);
        id
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_scope.len()
    }

    pub(super) fn get(&self, id: u32) -> &Party {
        self.parties[id as usize].as_ref().expect("a tenant stays while it waits or is served")
    }

    pub(super) fn get_mut(&mut self, id: u32) -> &mut Party {
        self.parties[id as usize].as_mut().expect("a tenant stays while it waits or is served")
    }

    /// Forgets the idle who would lose nothing by it, and all idle ones when there are too many. The next sweep comes
    /// when the number has doubled, so that a tenant's share of the work is constant.
    fn sweep(&mut self, floors: &[f64; Priority::LEVELS]) {
        self.forget(|party| party.flows.iter().zip(floors).all(|(flow, floor)| flow.counter <= *floor));
        if self.by_scope.len() >= TENANTS_MAX {
            self.forget(|_| true);
        }
        self.sweep_at =
            (2 * self.by_scope.len()).clamp(SWEEP_MIN, TENANTS_MAX.max(self.by_scope.len() + SWEEP_MIN));
    }

    fn forget(&mut self, may_go: impl Fn(&Party) -> bool) {
        for (id, place) in self.parties.iter_mut().enumerate() {
            if let Some(party) = place.take_if(|party| party.is_idle() && may_go(party)) {
                self.by_scope.remove(&party.scope);
                self.vacant.push(id as u32);
            }
        }
    }
}
