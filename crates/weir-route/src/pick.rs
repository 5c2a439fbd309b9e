//! Who is asked: two at random, the cheaper one (Mitzenmacher, "The power of two choices", 2001).
//!
//! The order of preference, each step only when the one before finds nobody: an untried endpoint that is willing, tier by
//! tier; a tried one that is willing; one with room although its circuit is open or it asked for a pause. So there is
//! never "nobody" while one could still answer.

use std::sync::Arc;
use std::time::Instant;

use weir_core::{Dialect, PoolId};

use crate::{Endpoint, EndpointId, Lease, Route};

/// Why no endpoint was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoEndpoint {
    /// No endpoint of the pool speaks the dialect.
    WrongDialect,
    /// Every one that does is at its limit.
    Busy,
}

/// How to choose among those that could answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Two at random, the cheaper one.
    Balanced,
    /// The first in the order of the config: for what a service keeps (files, conversations), so that it is found again.
    First,
}

pub(crate) fn pick(
    route: &Route,
    pool: PoolId,
    dialect: Dialect,
    tried: &[EndpointId],
    choice: Choice,
) -> Result<Lease, NoEndpoint> {
    let now = route.clock.now();
    let tiers = &route.pools[pool.0].tiers;
    let speakers = |tier: &Vec<EndpointId>| -> Vec<&Arc<Endpoint>> {
        let members = tier.iter().map(|id| &route.endpoints[id.0]);
        members.filter(|endpoint| endpoint.speaks(dialect)).collect()
    };
    let tiers: Vec<_> = tiers.iter().map(speakers).filter(|tier| !tier.is_empty()).collect();
    if tiers.is_empty() {
        return Err(NoEndpoint::WrongDialect);
    }
    let untried = |endpoint: &Endpoint| !tried.contains(&endpoint.id());
    let willing = |endpoint: &Endpoint| endpoint.could_take(now);
    let roomy = |endpoint: &Endpoint| endpoint.health().has_room();
    let steps: [&dyn Fn(&Endpoint) -> bool; 4] =
        [&|e| untried(e) && willing(e), &|e| willing(e), &|e| untried(e) && roomy(e), &|e| roomy(e)];
    for step in steps {
        for tier in &tiers {
            let candidates: Vec<_> = tier.iter().copied().filter(|endpoint| step(endpoint)).collect();
            let lease = match choice {
                Choice::Balanced => two_choices(route, &candidates, now),
                Choice::First => candidates.first().and_then(|endpoint| Lease::take(endpoint, now)),
            };
            if let Some(lease) = lease {
                return Ok(lease);
            }
        }
    }
    Err(NoEndpoint::Busy)
}

fn two_choices(route: &Route, candidates: &[&Arc<Endpoint>], now: Instant) -> Option<Lease> {
    let chosen = match candidates {
        [] => return None,
        [only] => only,
        many => {
            let first = route.chance.below(many.len());
            // Another index than the first, each equally likely.
            let second = (first + 1 + route.chance.below(many.len() - 1)) % many.len();
            let (a, b) = (many[first], many[second]);
            let (cost_a, cost_b) = (a.health().cost(now), b.health().cost(now));
            if cost_b < cost_a { b } else { a }
        }
    };
    Lease::take(chosen, now)
}
