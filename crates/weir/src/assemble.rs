//! Builds the stages once, from a config that has been found valid.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use weir_admit::{Admit, Models};
use weir_cache::semantic::judge::{Exact, Judge};
use weir_cache::{Cache, Parts, Secret, Workers};
use weir_core::{Chance, Clock, PoolId};
use weir_infer::Infer;
use weir_pipeline::{Around, Attempts, Itself, ModelJudge, Pipeline, Spawn, forms, repeats};
use weir_pressure::Pressure;
use weir_queue::Queue;
use weir_route::config::{Endpoint, Pool};
use weir_route::{KeySource, Member, PoolPlan, Route};
use weir_settle::{Lines, Settle};

use crate::config::{Config, Loaded};
use crate::embedders;
use crate::telemetry;

/// Compares answers until the cache is gone.
pub type Comparing = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The stages, and what they share.
pub struct House {
    /// The six stages in order.
    pub pipeline: Arc<Pipeline>,
    /// Where chance comes from.
    pub chance: Arc<Chance>,
    /// The access log, if there is one, on its way out.
    pub lines: Option<Arc<Lines>>,
    /// What works for the cache's tiers below memory.
    pub cache_workers: Workers,
    /// What compares answers to questions that are alike, until the cache is gone.
    pub comparing: Option<Comparing>,
    /// Every metric.
    pub registry: Registry,
}

/// The process's clock: the machine's own. (Tokio's can be paused, which nobody does to a gateway, and is read several times
/// for each chunk.)
pub fn clock() -> Clock {
    Clock::new(Instant::now, SystemTime::now)
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the operating system gives no random bytes")?;
    Ok(bytes)
}

/// Builds the stages.
pub fn assemble(loaded: &Loaded) -> anyhow::Result<House> {
    let config = &loaded.config;
    let clock = clock();
    let chance = Arc::new(Chance::seeded(u64::from_le_bytes(random()?)));
    let mut registry = Registry::default();
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    registry.register("weir_build", "The running build", Info::new(version.to_vec()));

    let plans: Vec<_> = config.pool.iter().map(|pool| plan(pool, loaded)).collect();
    let route = Route::new(clock, chance.clone(), &plans, repeats(&config.attempts), &mut registry);
    let route = Arc::new(route);
    let models = models(config);
    let names = models.names().to_vec();
    let admit = Admit::new(clock, &config.key, config.pressure.requests_max, models)?;
    let (secret, revision) = (cache_secret(loaded)?, revision(config));
    let (semantic, itself) = (config.cache.semantic.as_ref(), Arc::new(Itself::default()));
    let parts = Parts {
        clock,
        chance: chance.clone(),
        config: &config.cache,
        pools: &config.pool.iter().map(|pool| pool.cache).collect::<Vec<_>>(),
        secret,
        redis_password: loaded.cache_secrets.redis.clone(),
        embedder: semantic.map(|semantic| embedders::of(semantic, &itself, &revision)).transpose()?,
        revision: &revision,
        forms: forms(),
    };
    let (cache, mut cache_workers) = Cache::new(parts, &mut registry)?;
    let judge: Box<dyn Judge> = match semantic.and_then(|semantic| semantic.judge_model.clone()) {
        Some(model) => Box::new(ModelJudge::new(itself.clone(), model)),
        None => Box::new(Exact),
    };
    let comparing =
        cache_workers.comparing.take().map(|comparing| Box::pin(comparing.run(judge)) as Comparing);
    let lines: Vec<_> = config
        .pool
        .iter()
        .enumerate()
        .map(|(index, pool)| {
            let route = route.clone();
            weir_queue::Pool {
                name: pool.model.clone(),
                room: Arc::new(move |now| route.room(PoolId(index), now)),
                outage_wait: Duration::from_millis(config.attempts.outage_wait_ms),
            }
        })
        .collect();
    let queue = Queue::new(clock, &config.queue, lines, &mut registry);
    let tls = config.endpoint.iter().any(|endpoint| {
        let secure = |url: &str| url.starts_with("https:");
        secure(&endpoint.base_url) || endpoint.anthropic_base_url.as_deref().is_some_and(secure)
    });
    let infer = Infer::new(clock, &config.attempts, tls)?;
    let seed = u64::from_le_bytes(random()?);
    let pools: Vec<_> = config.pool.iter().map(|pool| pool.model.as_str()).collect();
    let pressure = Arc::new(Pressure::new(clock, &config.pressure, &pools, seed, &mut registry));
    let around = Around { route, pressure: pressure.clone(), upstream: Box::new(infer) };
    let attempts = Attempts::new(clock, chance.clone(), around, &config.attempts, &mut registry);
    let lines = config
        .telemetry
        .access_log
        .then(|| Lines::new(telemetry::for_people(&config.telemetry), &mut registry));
    let spawn: Spawn = Box::new(|call| drop(tokio::spawn(call)));
    let settle = Settle::new(clock, lines.clone(), &names, &mut registry);
    let pipeline = Arc::new(Pipeline { clock, admit, cache, queue, pressure, attempts, settle, spawn });
    itself.is(&pipeline, &chance);
    Ok(House { pipeline, chance, lines, cache_workers, comparing, registry })
}

/// What the keys of kept answers are made with.
pub fn cache_secret(loaded: &Loaded) -> anyhow::Result<Secret> {
    Ok(match &loaded.cache_secrets.keys {
        Some(secret) => Secret::given(secret.expose()),
        None => Secret::Random(random()?),
    })
}

/// What answers depend on besides the request: which model, where, answers for which. What was kept under another config is
/// not found.
pub fn revision(config: &Config) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = |text: &str| parts.push(text.to_owned());
    for pool in &config.pool {
        part(&pool.model);
        let of_pool = |endpoint: &&Endpoint| {
            pool.endpoints.iter().chain(&pool.fallback).any(|name| *name == endpoint.name)
        };
        for endpoint in config.endpoint.iter().filter(of_pool) {
            part(&endpoint.base_url);
            part(sent_as(endpoint, &pool.model).unwrap_or_default());
        }
    }
    parts
}

fn models(config: &Config) -> Models {
    let mut models = Models::default();
    for (index, pool) in config.pool.iter().enumerate() {
        models.insert(&pool.model, PoolId(index), Duration::from_secs(pool.deadline_s));
    }
    for (index, pool) in config.pool.iter().enumerate() {
        if let Some(cheaper) = &pool.degrade_to {
            models.degrade(PoolId(index), cheaper);
        }
    }
    models
}

/// A pool's endpoints by reference. A name that is no endpoint has been refused by the config's own check.
fn plan<'a>(pool: &'a Pool, loaded: &'a Loaded) -> PoolPlan<'a> {
    let member = |name: &String| {
        let index = loaded.config.endpoint.iter().position(|endpoint| endpoint.name == *name)?;
        let config = &loaded.config.endpoint[index];
        let key = loaded.endpoint_keys.get(index).cloned().unwrap_or(KeySource::None);
        Some(Member { config, key, model: sent_as(config, &pool.model) })
    };
    PoolPlan {
        first: pool.endpoints.iter().filter_map(member).collect(),
        fallback: pool.fallback.iter().filter_map(member).collect(),
    }
}

/// The name an endpoint is asked for: its own for the pool's model, or the caller's in a pool for any model.
fn sent_as<'a>(endpoint: &'a Endpoint, model: &'a str) -> Option<&'a str> {
    match endpoint.model_map.get(model) {
        Some(own) => Some(own),
        None if model == "*" => None,
        None => Some(model),
    }
}
