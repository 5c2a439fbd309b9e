//! Stage 4, route: which endpoint gets the call?
//!
//! A `pick` looks at each endpoint of the pool once (`pick`, `sticky`) and returns a [`Lease`], the
//! permission to call it. What comes of the call the lease tells the endpoint's machines (`health`):
//! `circuit` for faults, `pause` for overload and keys, `limiter` and `gradient` for how many calls and whose overload it is, `latency` for
//! balancing, `first_token` and `hedge` for asking twice, `budget` for asking again. Each of them is a pure
//! state machine that gets the time.
//!
//! What always holds: an endpoint never has more calls in flight than its limit, and its circuit no more than
//! three probes; a failure never makes an endpoint more attractive; for a desperate caller there is never
//! "nobody" while one endpoint could still answer.

mod pick;
mod sticky;

mod endpoint;
mod lease;
mod provider;

mod health;

mod circuit;
mod first_token;
mod gradient;
mod latency;
mod limiter;
mod pause;
mod ring;
mod throttle;

pub mod budget;
pub mod config;
pub mod hedge;
mod metrics;
mod snapshot;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use weir_core::{Chance, Class, Clock, Dialect, PoolId, Room};

pub use endpoint::{Endpoint, EndpointId, KeySource};
pub use lease::Lease;
pub use pick::{Ask, Choice, NoEndpoint, Outlook};
pub use snapshot::Snapshot;
pub use sticky::hash as session_hash;

use health::Firsts;
use hedge::Hedges;
use metrics::{Hedging, Metrics};

#[cfg(test)]
mod tests;

/// The stage.
pub struct Route {
    clock: Clock,
    chance: Arc<Chance>,
    endpoints: Vec<Arc<Endpoint>>,
    pools: Vec<Pool>,
    policy: Policy,
    /// Guards a few additions.
    hedges: Mutex<Hedges>,
    metrics: Metrics,
}

/// How much may be done again, and twice.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Repeating attempts at one endpoint.
    pub budget: budget::Policy,
    /// Asking a second endpoint when the first is slow to begin.
    pub hedge: hedge::Policy,
}

/// How a pool's endpoints do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// How many calls they take at one time.
    pub room: Room,
    /// First attempts that ended in the last 30 s.
    pub first_attempts: u32,
    /// Of these, those that brought a first token.
    pub good_first_attempts: u32,
    /// Every circuit is open.
    pub all_open: bool,
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
    /// Builds the stage. Pools that name the same endpoint and model share it, with its limit and its
    /// circuit.
    pub fn new(
        clock: Clock,
        chance: Arc<Chance>,
        plans: &[PoolPlan<'_>],
        policy: Policy,
        registry: &mut Registry,
    ) -> Self {
        let metrics = Metrics::new(registry);
        let now = clock.now();
        let mut endpoints = Vec::new();
        let mut known = HashMap::new();
        let mut resolve = |member: &Member<'_>| {
            let key = (member.config.name.clone(), member.model.map(str::to_owned));
            *known.entry(key).or_insert_with(|| {
                let id = EndpointId(endpoints.len());
                endpoints.push(Arc::new(Endpoint::new(id, member, &policy, &chance, &metrics, now)));
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
        let hedges = Mutex::new(Hedges::new(&policy.hedge));
        Self { clock, chance, endpoints, pools, policy, hedges, metrics }
    }

    /// Picks an endpoint for a call and takes a place there.
    ///
    /// # Errors
    /// None speaks the dialect, or all that would take the call are full, or all rest.
    pub fn pick(&self, ask: &Ask<'_>) -> Result<Lease, NoEndpoint> {
        pick::pick(self, ask)
    }

    /// Who else could take the call now, besides those tried and `ask.only`.
    pub fn outlook(&self, ask: &Ask<'_>) -> Outlook {
        pick::outlook(self, ask)
    }

    /// Whether an attempt at an endpoint that ended as `class` may be repeated there. If so, the budget has
    /// been charged. Under pressure it is what it is while most attempts fail.
    pub fn may_repeat(&self, endpoint: EndpointId, class: Class, pressed: bool) -> bool {
        let now = self.clock.now();
        let endpoint = self.endpoint(endpoint);
        let granted = endpoint.health().budget.withdraw(class.rules().cost, pressed, now);
        endpoint.metrics.repeat(granted);
        granted
    }

    /// A streamed request begins: it earns its share of a second call.
    pub fn streamed(&self) {
        self.hedges().earn();
    }

    /// How long to wait for the first token of an endpoint before a second one is asked; `None` for ever.
    pub fn hedge_after(&self, endpoint: EndpointId, prompt_kib: f64) -> Option<Duration> {
        let (hedge, now) = (&self.policy.hedge, self.clock.now());
        let usual = self.endpoint(endpoint).health().first_token.quantile(hedge.quantile, prompt_kib, now);
        hedge.after(usual)
    }

    /// Picks a second endpoint beside those in `ask.tried`, the slow one among them. `None` if the budget is
    /// used up, if one of the pool's endpoints fails most of its attempts, or if nobody else is willing and
    /// has a fifth of its places free.
    pub fn hedge(&self, ask: &Ask<'_>) -> Option<Lease> {
        let (what, lease) = if self.is_pressed(ask) {
            (Hedging::Pressed, None)
        } else if !self.hedges().take() {
            (Hedging::NoBudget, None)
        } else {
            match pick::pick_second(self, ask) {
                Some(lease) => (Hedging::Sent, Some(lease)),
                None => {
                    self.hedges().give_back();
                    (Hedging::Nobody, None)
                }
            }
        };
        self.metrics.hedging(what);
        lease
    }

    /// Somebody looked whether an endpoint is there. If so, an open circuit lets probes through at once; if
    /// not, it is a fault.
    pub fn checked(&self, endpoint: EndpointId, ok: bool) {
        let now = self.clock.now();
        let endpoint = self.endpoint(endpoint);
        let mut health = endpoint.health();
        let era = health.circuit.era();
        health.circuit.checked(ok, endpoint.jitter(), now);
        endpoint.learned(&health, era, now);
    }

    /// The endpoints that somebody should look after, each every [`Endpoint::health_check`].
    pub fn to_check(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.endpoints.iter().filter(|endpoint| endpoint.health_check().is_some())
    }

    /// Whether a pool has an endpoint that speaks `dialect`.
    pub fn speaks(&self, pool: PoolId, dialect: Dialect) -> bool {
        self.speakers(pool, dialect).next().is_some()
    }

    /// Whether a pool has several endpoints of the same tier, so that it matters which one a conversation goes to.
    pub fn has_choice(&self, pool: PoolId) -> bool {
        self.tiers(pool).any(|tier| tier.len() > 1)
    }

    /// How many calls a pool's endpoints take at one time, together; those count whole that it shares with other pools.
    /// Cheap, to be asked again and again.
    pub fn room(&self, pool: PoolId, now: Instant) -> Room {
        self.tiers(pool).flatten().map(|id| self.endpoint(*id).room(now)).sum()
    }

    /// A pool as those see it who decide about pressure.
    pub fn pulse(&self, pool: PoolId) -> Pulse {
        let now = self.clock.now();
        let room = self.room(pool, now);
        let mut pulse = Pulse { room, first_attempts: 0, good_first_attempts: 0, all_open: true };
        for id in self.tiers(pool).flatten() {
            let endpoint = self.endpoint(*id);
            let mut health = endpoint.health();
            let Firsts { decided, good } = health.firsts(now);
            pulse.first_attempts += decided;
            pulse.good_first_attempts += good;
            pulse.all_open &= health.circuit.shut_until(now).is_some();
        }
        pulse
    }

    /// Whether nobody of a pool can be reached: every circuit is open. As soon as one may be tried again, this is over.
    pub fn is_down(&self, pool: PoolId) -> bool {
        let now = self.clock.now();
        let mut endpoints = self.tiers(pool).flatten();
        endpoints.all(|id| self.endpoint(*id).health().circuit.shut_until(now).is_some())
    }

    /// Whether requests can be served: the readiness of the process. A full endpoint, or one that asked for a
    /// pause, still serves (the queue waits); one whose circuit is open does not.
    pub fn can_serve(&self) -> bool {
        let now = self.clock.now();
        self.endpoints.iter().any(|endpoint| endpoint.health().circuit.shut_until(now).is_none())
    }

    /// Every endpoint as it is now, for status pages.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let now = self.clock.now();
        self.endpoints.iter().map(|endpoint| Snapshot::of(endpoint, &self.policy, now)).collect()
    }

    /// Whether one of those that could be asked lately failed most of its attempts: then nothing is done
    /// twice.
    fn is_pressed(&self, ask: &Ask<'_>) -> bool {
        let now = self.clock.now();
        self.speakers(ask.pool, ask.dialect).any(|(_, endpoint)| endpoint.health().budget.is_failing(now))
    }

    fn hedges(&self) -> MutexGuard<'_, Hedges> {
        self.hedges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An endpoint by its place in the table.
    pub fn endpoint(&self, id: EndpointId) -> &Arc<Endpoint> {
        &self.endpoints[id.0]
    }

    /// A pool's endpoints, tier by tier.
    fn tiers(&self, pool: PoolId) -> impl Iterator<Item = &Vec<EndpointId>> {
        self.pools[pool.0].tiers.iter()
    }

    /// Those of a pool that speak a dialect, each with the number of its tier.
    pub fn speakers(&self, pool: PoolId, dialect: Dialect) -> impl Iterator<Item = (usize, &Arc<Endpoint>)> {
        let numbered = self.tiers(pool).enumerate();
        let members = numbered.flat_map(|(tier, ids)| ids.iter().map(move |id| (tier, *id)));
        let endpoints = members.map(|(tier, id)| (tier, self.endpoint(id)));
        endpoints.filter(move |(_, endpoint)| endpoint.speaks(dialect))
    }
}
