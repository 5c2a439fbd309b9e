//! Stage 4, route: which endpoint gets the call?
//!
//! What always holds: an endpoint never has more calls in flight than its limit; a failure never makes an endpoint more
//! attractive; there is never "nobody" while one endpoint could still answer.

mod circuit;
pub mod config;
mod endpoint;
mod health;
mod lease;
mod metrics;
mod pick;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use prometheus_client::registry::Registry;
use weir_core::{Chance, Clock, Dialect, PoolId};

pub use endpoint::{Endpoint, EndpointId, KeySource};
pub use health::Snapshot;
pub use lease::Lease;
pub use pick::{Choice, NoEndpoint};

use metrics::Metrics;

#[cfg(test)]
mod tests;

/// The stage.
pub struct Route {
    clock: Clock,
    chance: Arc<Chance>,
    endpoints: Vec<Arc<Endpoint>>,
    pools: Vec<Pool>,
}

/// The endpoints that can serve one model alias: those to use, then those to fall back on.
struct Pool {
    tiers: Vec<Vec<EndpointId>>,
}

/// A pool, resolved: which endpoints by name, under which model name each.
pub struct PoolPlan<'a> {
    /// First choice, balanced.
    pub first: Vec<Member<'a>>,
    /// Used only while none of the first could take the call.
    pub fallback: Vec<Member<'a>>,
}

/// One endpoint in a pool.
pub struct Member<'a> {
    /// The endpoint as configured.
    pub config: &'a config::Endpoint,
    /// Its resolved key.
    pub key: KeySource,
    /// The model name it is asked for; `None` passes the caller's.
    pub model: Option<&'a str>,
}

impl Route {
    /// Builds the stage. Pools that name the same endpoint and model share it, with its limit and its circuit.
    pub fn new(clock: Clock, chance: Arc<Chance>, plans: &[PoolPlan<'_>], registry: &mut Registry) -> Self {
        let metrics = Metrics::new(registry);
        let mut endpoints = Vec::new();
        let mut known = HashMap::new();
        let mut resolve = |member: &Member<'_>| {
            let key = (member.config.name.clone(), member.model.map(str::to_owned));
            *known.entry(key).or_insert_with(|| {
                let id = EndpointId(endpoints.len());
                endpoints.push(Arc::new(Endpoint::new(id, member, &metrics, clock.now())));
                id
            })
        };
        let pools = plans
            .iter()
            .map(|plan| {
                let mut tier = |members: &[Member<'_>]| members.iter().map(&mut resolve).collect::<Vec<_>>();
                let tiers = [tier(&plan.first), tier(&plan.fallback)];
                Pool { tiers: tiers.into_iter().filter(|tier| !tier.is_empty()).collect() }
            })
            .collect();
        Self { clock, chance, endpoints, pools }
    }

    /// Picks an endpoint of a pool that speaks `dialect`, preferring any not in `tried`.
    ///
    /// # Errors
    /// None speaks the dialect, or all are at their limit.
    pub fn pick(
        &self,
        pool: PoolId,
        dialect: Dialect,
        tried: &[EndpointId],
        choice: Choice,
    ) -> Result<Lease, NoEndpoint> {
        pick::pick(self, pool, dialect, tried, choice)
    }

    /// Whether a pool has an endpoint outside `tried` that could take a call now.
    pub fn has_another(&self, pool: PoolId, dialect: Dialect, tried: &[EndpointId]) -> bool {
        let now = self.clock.now();
        self.members(pool).any(|endpoint| {
            endpoint.speaks(dialect) && !tried.contains(&endpoint.id()) && endpoint.could_take(now)
        })
    }

    /// How many calls a pool's endpoints take at one time, together.
    pub fn capacity(&self, pool: PoolId) -> usize {
        self.members(pool).map(|endpoint| endpoint.limit()).sum()
    }

    /// Whether requests can be served: the readiness of the process. A full endpoint, or one that asked for a pause, still
    /// serves (the queue waits); one whose circuit is open does not.
    pub fn can_serve(&self) -> bool {
        let now = self.clock.now();
        self.endpoints.iter().any(|endpoint| endpoint.health().circuit_allows(now))
    }

    /// Every endpoint as it is now, for status pages.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let now: Instant = self.clock.now();
        self.endpoints.iter().map(|endpoint| endpoint.snapshot(now)).collect()
    }

    fn members(&self, pool: PoolId) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.pools[pool.0].tiers.iter().flatten().map(|id| &self.endpoints[id.0])
    }
}
