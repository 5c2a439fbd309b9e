//! The bounds of the line, and who leaves when one is hit.
//!
//! As in FQ-CoDel, the fattest flow pays: its tenant's last, least urgent request makes place for a newcomer who is more
//! urgent or whose tenant has less. Nobody is pushed out unless that makes the newcomer fit.
//!
//! Invariant: at a bound, no request leaves or is turned away while a less urgent one of the same tenant stays, unless
//! not even all of those together would have made the place.

use super::ask::{Ask, Bound, Moment, Refusal, Why};
use super::waiters::Lane;
use super::{Line, Told};

/// By how much the line would be over its bounds.
#[derive(Clone, Copy, Default)]
struct Over {
    waiters: usize,
    bytes: usize,
}

impl<W: Clone> Line<W> {
    /// Makes place for a newcomer, or says which bound is in the way.
    pub(super) fn make_place(
        &mut self,
        at: Moment,
        ask: &Ask,
        tenant: u32,
        told: &mut Told<W>,
    ) -> Result<(), Refusal> {
        let Some((bound, over)) = self.over(ask, tenant) else { return Ok(()) };
        let Some(victims) = self.victims(ask, tenant, bound, over) else {
            let wait = self.predict(at, ask.level(), tenant, ask.arrived);
            return Err(Refusal { why: Why::Full(bound), wait });
        };
        for victim in victims {
            self.send_away(at, victim, Why::PushedOut(bound), told);
        }
        Ok(())
    }

    /// The narrowest bound that would be passed, and by how much all of them would.
    fn over(&self, ask: &Ask, tenant: u32) -> Option<(Bound, Over)> {
        let party = self.parties.get(tenant);
        let rules = &self.rules;
        let over = |has: usize, more: usize, max: usize| has.saturating_add(more).saturating_sub(max);
        let waiters = over(self.waiters.len(), 1, rules.waiters_max);
        let bytes = over(self.bytes, ask.bytes, rules.bytes_max);
        let own_waiters = over(party.waiting, 1, rules.tenant_waiters_max);
        let own_bytes = over(party.bytes, ask.bytes, rules.tenant_bytes_max);
        // A tenant's bound that is as wide as the line's is no bound of its own: the line's is what was hit.
        let bound = if own_waiters > 0 && rules.tenant_waiters_max < rules.waiters_max {
            Bound::TenantWaiters(rules.tenant_waiters_max)
        } else if own_bytes > 0 && rules.tenant_bytes_max < rules.bytes_max {
            Bound::TenantBytes(rules.tenant_bytes_max)
        } else if waiters > 0 {
            Bound::Waiters(rules.waiters_max)
        } else if bytes > 0 {
            Bound::Bytes(rules.bytes_max)
        } else {
            return None;
        };
        Some((bound, Over { waiters: waiters.max(own_waiters), bytes: bytes.max(own_bytes) }))
    }

    fn victims(&self, ask: &Ask, tenant: u32, bound: Bound, over: Over) -> Option<Vec<u32>> {
        let fattest = match bound {
            Bound::Waiters(_) | Bound::Bytes(_) => self.fattest(bound),
            Bound::TenantWaiters(_) | Bound::TenantBytes(_) => None,
        };
        fattest
            .and_then(|rich| self.last_of(rich, ask, tenant, bound, over))
            .or_else(|| self.last_of(tenant, ask, tenant, bound, over))
    }

    /// The last of a tenant's waiters, the least urgent first, until the newcomer fits; `None` when one of them is as
    /// entitled as the newcomer, or all of them do not suffice.
    fn last_of(&self, from: u32, ask: &Ask, tenant: u32, bound: Bound, over: Over) -> Option<Vec<u32>> {
        let party = self.parties.get(from);
        let mut victims = Vec::new();
        let mut freed = Over::default();
        let newcomer = match bound {
            Bound::Waiters(_) | Bound::TenantWaiters(_) => self.parties.get(tenant).waiting + 1,
            Bound::Bytes(_) | Bound::TenantBytes(_) => self.parties.get(tenant).bytes + ask.bytes,
        };
        for level in (0..party.flows.len()).rev() {
            let mut next = party.flows[level].list.tail();
            while let Some(id) = next {
                if freed.waiters >= over.waiters && freed.bytes >= over.bytes {
                    return Some(victims);
                }
                let victim = self.waiters.get(id);
                let later = level == ask.level() && from == tenant && victim.arrived > ask.arrived;
                let still_has = match bound {
                    Bound::Waiters(_) | Bound::TenantWaiters(_) => party.waiting - freed.waiters,
                    Bound::Bytes(_) | Bound::TenantBytes(_) => party.bytes - freed.bytes,
                };
                let richer = from != tenant && still_has > newcomer;
                if !(level > ask.level() || later || richer) {
                    return None;
                }
                freed.waiters += 1;
                freed.bytes += victim.bytes;
                victims.push(id);
                next = self.waiters.before(Lane::Flow, id);
            }
        }
        (freed.waiters >= over.waiters && freed.bytes >= over.bytes).then_some(victims)
    }

    /// The tenant of the largest flow; of equals the less urgent. A walk over all flows in which someone waits, only
    /// when a bound is hit.
    fn fattest(&self, bound: Bound) -> Option<u32> {
        let mut fattest = None;
        let mut most = 0;
        for (index, level) in self.levels.iter().enumerate().rev() {
            for tenant in level.turns() {
                let flow = &self.parties.get(tenant).flows[index];
                let size = match bound {
                    Bound::Bytes(_) | Bound::TenantBytes(_) => flow.bytes,
                    Bound::Waiters(_) | Bound::TenantWaiters(_) => flow.waiting,
                };
                if size > most {
                    (fattest, most) = (Some(tenant), size);
                }
            }
        }
        fattest
    }
}
