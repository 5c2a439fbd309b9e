//! The real stages around modelled services: the one place that knows how weir is put together.
//!
//! Everything is as an operator gets it without writing a line of config, but for three facts of the
//! worlds: the names of the services, that they take more calls than weir would send unasked, and that the
//! second one is a fallback.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use prometheus_client::registry::Registry;
use weir_admit::Admit;
use weir_cache::Cache;
use weir_core::{Chance, Clock, PoolId};
use weir_pipeline::{Around, Attempts, Models, Pipeline, repeats};
use weir_pressure::Pressure;
use weir_queue::Queue;
use weir_route::config::Endpoint;
use weir_route::{KeySource, Member, PoolPlan, Route};
use weir_settle::{Settle, Settled, Sink};

use crate::draw;
use crate::upstreams::Upstreams;

/// The model that applications ask for.
pub(crate) const MODEL: &str = "m";
/// Base URLs of the services, in the order in which weir uses them.
pub(crate) const BASES: [&str; 2] = ["http://first.test", "http://second.test"];
/// Calls in flight that weir is told a service takes: far more than a world needs, so that a service's true
/// limit stays hidden from it.
const CONCURRENT_MAX: usize = 1_000;
/// The longest an answer may take: the default of `[[pool]]`.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(600);
/// The one pool.
const POOL: PoolId = PoolId(0);

/// The pipeline, and what it leaves behind.
pub(crate) struct House {
    pub(crate) pipeline: Pipeline,
    records: Records,
    attempts_max: u32,
}

/// What is asked of the records: how many, and the most attempts in one.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<(u32, u32)>>);

impl Sink for Records {
    fn settled(&self, settled: &Settled) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = (seen.0 + 1, seen.1.max(settled.attempts));
    }
}

/// The clock of a paused runtime. What people read as the time of day stands still.
#[expect(clippy::disallowed_methods, reason = "tokio's clock, paused, is the simulation's clock")]
pub(crate) fn clock() -> Clock {
    Clock::new(|| tokio::time::Instant::now().into_std(), || UNIX_EPOCH)
}

impl House {
    pub(crate) fn build(upstreams: Upstreams, seed: u64) -> Self {
        let clock = upstreams.clock;
        let mut registry = Registry::default();
        let chance = Arc::new(draw::fork(seed, 100));
        let attempts = weir_infer::config::Attempts::default();
        let attempts_max = sends_max(&attempts);
        let route = route(clock, chance.clone(), upstreams.services.len(), repeats(&attempts), &mut registry);
        let route = Arc::new(route);
        let mut models = Models::default();
        models.insert(MODEL, POOL, ANSWER_MAX);
        let pools = vec![weir_queue::Pool { name: MODEL.to_owned(), room: route.clone().room(POOL) }];
        let records = Records::default();
        let levels = weir_pressure::config::Pressure::default();
        let pressure = Pressure::new(clock, &levels, &[MODEL], chance.bits(), &mut registry);
        let pressure = Arc::new(pressure);
        let around = Around { route, pressure: pressure.clone(), upstream: Box::new(upstreams) };
        let pipeline = Pipeline {
            clock,
            admit: Admit::new(clock, &[], levels.requests_max, models)
                .expect("without keys there is no bad one"),
            cache: Cache::new(clock, &weir_cache::config::Cache::default(), &[1; 32], &mut registry),
            queue: Queue::new(clock, &weir_queue::config::Queue::default(), pools, &mut registry),
            pressure,
            attempts: Attempts::new(clock, chance, around, &attempts, &mut registry),
            settle: Settle::new(clock, None, &[], &mut registry).with_sink(Box::new(records.clone())),
        };
        Self { pipeline, records, attempts_max }
    }

    /// What must hold once nobody is asking any more and does not, in words. `asked`: how many requests
    /// came in.
    pub(crate) fn broken_promises(&self, asked: u32) -> Vec<String> {
        let Pipeline { admit, queue, attempts, settle, .. } = &self.pipeline;
        let (records, attempts_seen) = *self.records.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (waiting, permits) = queue.depth(POOL);
        let leases: usize = attempts.route().snapshots().iter().map(|endpoint| endpoint.in_flight).sum();
        let held = [
            ("records without an end", settle.in_flight().unsigned_abs() as usize),
            ("seats not given back", admit.in_house()),
            ("requests left in line", waiting),
            ("permits not given back", permits),
            ("leases not given back", leases),
            ("requests without exactly one record", records.abs_diff(asked) as usize),
            ("attempts beyond the most allowed", attempts_seen.saturating_sub(self.attempts_max) as usize),
        ];
        held.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect()
    }
}

/// The most calls that one request may cost: those before the first token, those that take up a broken
/// answer, one hedge.
fn sends_max(attempts: &weir_infer::config::Attempts) -> u32 {
    attempts.max.max(attempts.overload_max) + attempts.continuation.max + 1
}

fn route(
    clock: Clock,
    chance: Arc<Chance>,
    services: usize,
    policy: weir_route::Policy,
    registry: &mut Registry,
) -> Route {
    let endpoints: Vec<Endpoint> = BASES[..services].iter().map(|base| endpoint(base)).collect();
    let member = |config| Member { config, key: KeySource::None, model: Some(MODEL) };
    let mut members = endpoints.iter().map(member);
    let plan = PoolPlan { first: members.by_ref().take(1).collect(), fallback: members.collect() };
    Route::new(clock, chance, &[plan], policy, registry)
}

/// An endpoint with a name and a URL, as config has it, and the defaults for the rest.
fn endpoint(base: &str) -> Endpoint {
    let written = serde_json::json!({ "name": base, "base_url": base, "max_concurrent": CONCURRENT_MAX });
    serde_json::from_value(written).expect("an endpoint needs a name and a base URL")
}
