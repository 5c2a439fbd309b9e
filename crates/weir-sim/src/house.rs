//! The real stages around modelled services: the one place that knows how weir is put together.
//!
//! Everything is as an operator gets it without writing a line of config, but for what the worlds say: the names
//! of the services, that they take more calls than weir would send unasked, that the second one is a fallback,
//! the thresholds of one world. A measure that is left out is left out by config, or by building less.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::registry::Registry;
use weir_admit::Admit;
use weir_cache::{Cache, Parts as CacheParts, Secret};
use weir_core::{CacheState, Chance, Clock, PoolId, Priority};
use weir_pipeline::{Around, Attempts, Models, Pipeline, forms, repeats};
use weir_pressure::{Change, Pressure};
use weir_queue::Queue;
use weir_route::config::Endpoint;
use weir_route::{KeySource, Member, PoolPlan, Route};
use weir_settle::{Settle, Settled, Sink};

use crate::draw;
use crate::parts::{Part, Parts};
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
    pub(crate) pipeline: Arc<Pipeline>,
    records: Records,
    attempts_max: u32,
    looks: bool,
}

/// What is asked of the records: how many, and the most attempts in one.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<(u32, u32)>>);

impl Sink for Records {
    fn settled(&self, settled: &Settled) {
        // Nobody asked for it: an answer that was given is fetched anew.
        if settled.cache == CacheState::Refresh {
            return;
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = (seen.0 + 1, seen.1.max(settled.attempts));
    }
}

/// What a house is built for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes {
    /// The measures it has.
    pub(crate) parts: Parts,
    /// `[pressure] qps`.
    pub(crate) qps: Option<[u32; 3]>,
    /// The cache draws from a source of its own, so that a house without it meets the same chance in all else.
    pub(crate) cache_draws_apart: bool,
}

impl House {
    pub(crate) fn build(upstreams: Upstreams, seed: u64, wishes: Wishes) -> Self {
        let Wishes { parts, qps, cache_draws_apart } = wishes;
        let clock = upstreams.clock;
        let mut registry = Registry::default();
        let chance = Arc::new(draw::fork(seed, 100));
        let drawn = if cache_draws_apart { Arc::new(draw::fork(seed, 101)) } else { chance.clone() };
        let attempts = attempts(parts);
        let attempts_max = sends_max(&attempts);
        let services = if parts.has(Part::Failover) { upstreams.services.len() } else { 1 };
        let endpoints: Vec<Endpoint> = BASES[..services].iter().map(|base| endpoint(base, parts)).collect();
        let route = route(clock, chance.clone(), &endpoints, repeats(&attempts), &mut registry);
        let route = Arc::new(route);
        let mut models = Models::default();
        models.insert(MODEL, POOL, ANSWER_MAX);
        let rooms = route.clone();
        let pools = vec![weir_queue::Pool {
            name: MODEL.to_owned(),
            room: Arc::new(move |now| rooms.room(POOL, now)),
            outage_wait: Duration::from_millis(attempts.outage_wait_ms),
        }];
        let records = Records::default();
        let levels = weir_pressure::config::Pressure { qps, ..Default::default() };
        let pressure = Pressure::new(clock, &levels, &[MODEL], chance.bits(), &mut registry);
        let pressure = Arc::new(pressure);
        let around = Around { route, pressure: pressure.clone(), upstream: Box::new(upstreams) };
        let pipeline = Pipeline {
            clock,
            admit: Admit::new(clock, &[], levels.requests_max, models)
                .expect("without keys there is no bad one"),
            cache: known(clock, drawn, parts, &mut registry),
            queue: Queue::new(clock, &line(parts), pools, &mut registry),
            pressure,
            attempts: Attempts::new(clock, chance, around, &attempts, &mut registry),
            settle: Settle::new(clock, None, &[], &mut registry).with_sink(Box::new(records.clone())),
            spawn: Box::new(begin),
        };
        Self { pipeline: Arc::new(pipeline), records, attempts_max, looks: parts.has(Part::Levels) }
    }

    /// What the binary does ten times a second. No memory is modelled, and no timer comes late. Without levels
    /// nobody looks, so that they stay where they begin.
    pub(crate) fn look(&self) -> impl Iterator<Item = Change> + use<> {
        let changes = if self.looks { self.pipeline.look(None, Duration::ZERO) } else { Vec::new() };
        changes.into_iter().map(|(_pool, change)| change)
    }

    /// Whether somebody of this urgency who came now would have a place at once.
    pub(crate) fn has_room(&self, priority: Priority) -> bool {
        self.pipeline.queue.has_room(POOL, priority)
    }

    /// What must hold once nobody is asking any more and does not, in words. `asked`: how many requests
    /// came in.
    pub(crate) fn broken_promises(&self, asked: u32) -> Vec<String> {
        let Pipeline { admit, queue, attempts, settle, .. } = &*self.pipeline;
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
    endpoints: &[Endpoint],
    policy: weir_route::Policy,
    registry: &mut Registry,
) -> Route {
    let member = |config| Member { config, key: KeySource::None, model: Some(MODEL) };
    let mut members = endpoints.iter().map(member);
    let plan = PoolPlan { first: members.by_ref().take(1).collect(), fallback: members.collect() };
    Route::new(clock, chance, &[plan], policy, registry)
}

/// An endpoint with a name and a URL, as config has it, and the defaults for the rest.
fn endpoint(base: &str, parts: Parts) -> Endpoint {
    let concurrency = if parts.has(Part::Limits) { "adaptive" } else { "fixed" };
    let written = serde_json::json!({
        "name": base,
        "base_url": base,
        "max_concurrent": CONCURRENT_MAX,
        "concurrency": concurrency,
    });
    serde_json::from_value(written).expect("an endpoint needs a name and a base URL")
}

/// `[attempts]`, less what is left out.
fn attempts(parts: Parts) -> weir_infer::config::Attempts {
    let mut attempts = weir_infer::config::Attempts::default();
    if !parts.has(Part::Retry) {
        (attempts.max, attempts.faults_here_max) = (1, 1);
        (attempts.overload_max, attempts.overload_here_max) = (1, 1);
        (attempts.budget.ratio, attempts.budget.ratio_failing, attempts.budget.per_s_min) = (0.0, 0.0, 0.0);
        attempts.continuation.max = 0;
    }
    if !parts.has(Part::Hedge) {
        attempts.hedge.share_max = 0.0;
    }
    attempts
}

/// `[queue]`: without its measures whoever came first goes first, whoever it is, and waits as long as it likes.
fn line(parts: Parts) -> weir_queue::config::Queue {
    use weir_queue::config::{Fairness, Queue};
    if parts.has(Part::Queue) {
        return Queue::default();
    }
    const NEVER_MS: u64 = 86_400_000;
    Queue {
        aging_s: 0,
        fairness: Fairness::None,
        standing_ms: NEVER_MS,
        standing_wait_ms: NEVER_MS,
        ..Queue::default()
    }
}

/// Answers in memory, as the binary keeps them.
fn known(clock: Clock, chance: Arc<Chance>, parts: Parts, registry: &mut Registry) -> Cache {
    use weir_cache::config::{Cache as Config, Mode};
    let mode = if parts.has(Part::Cache) { Mode::default() } else { Mode::Off };
    let config = Config { mode, ..Config::default() };
    let parts = CacheParts {
        clock,
        chance,
        config: &config,
        secret: Secret::Given([1; 32]),
        pools: &[],
        redis_password: None,
        revision: &[],
        embedder: None,
        forms: forms(),
    };
    Cache::in_memory(&parts, registry)
}

/// The simulation's runtime ends with the simulation, and every task with it.
#[expect(clippy::disallowed_methods, reason = "the simulation plays the binary, which begins tasks")]
fn begin(task: Pin<Box<dyn Future<Output = ()> + Send>>) {
    drop(tokio::spawn(task));
}
