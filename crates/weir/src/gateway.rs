//! A running gateway: its two listeners, and how it is stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use percent_encoding::percent_decode_str;
use prometheus_client::encoding::text::encode;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_cache::{Which, Workers};
use weir_core::PoolId;
use weir_http::accept::Limits;
use weir_http::admin::{Admin, Unpurged};
use weir_http::{Door, accept};
use weir_pipeline::Pipeline;
use weir_pressure::memory::Memory;
use weir_settle::Lines;
use weir_store::{Reader, Writer};

use crate::assemble::{House, assemble};
use crate::config::{Config, Loaded};
use crate::telemetry;
use crate::{checks, looks};

/// Connections on the operator's port: a scraper, a probe, a few people.
const ADMIN_CONNECTIONS_MAX: usize = 64;
/// How long a stop waits for whoever writes to a tier of the cache: what it has not written can be made again.
const TIER_PATIENCE: Duration = Duration::from_secs(2);

/// A gateway that answers.
pub struct Gateway {
    /// Where applications call.
    pub data: SocketAddr,
    /// Where operators look.
    pub admin: SocketAddr,
    pipeline: Arc<Pipeline>,
    draining: Arc<AtomicBool>,
    stop_data: CancellationToken,
    stop_admin: CancellationToken,
    cut: CancellationToken,
    data_task: JoinHandle<()>,
    admin_task: JoinHandle<()>,
    log: Option<(std::thread::JoinHandle<()>, Arc<Lines>)>,
    /// The cache's tier on disk.
    disk: Option<[std::thread::JoinHandle<()>; 2]>,
    /// What writes to the tier that nodes share.
    redis: Option<JoinHandle<()>>,
    /// What compares answers to questions that are alike.
    comparing: Option<JoinHandle<()>>,
    delay: Duration,
    patience: Duration,
}

impl Gateway {
    /// Starts to answer on the addresses of the config.
    pub async fn start(loaded: &Loaded) -> anyhow::Result<Self> {
        let server = &loaded.config.server;
        let data = bind(&server.listen, "server.listen").await?;
        let admin = bind(&server.admin, "server.admin").await?;
        Self::start_on(loaded, data, admin)
    }

    /// Starts to answer on given listeners.
    pub fn start_on(loaded: &Loaded, data: TcpListener, admin: TcpListener) -> anyhow::Result<Self> {
        let server = &loaded.config.server;
        let mut house = assemble(loaded)?;
        let Workers { disk, redis, .. } = std::mem::take(&mut house.cache_workers);
        let disk = disk.map(threads_of).transpose()?;
        let redis = redis.map(tokio::spawn);
        let comparing = house.comparing.take().map(tokio::spawn);
        let log = match house.lines.clone() {
            Some(lines) => Some((telemetry::write_out(lines.clone())?, lines)),
            None => None,
        };
        let draining = Arc::new(AtomicBool::new(false));
        let (stop_data, stop_admin) = (CancellationToken::new(), CancellationToken::new());
        let cut = CancellationToken::new();
        let door = Arc::new(Door::new(house.pipeline.clone(), house.chance.clone(), server, cut.clone()));
        let (data_addr, admin_addr) = (data.local_addr()?, admin.local_addr()?);
        let handle = move |request| {
            let door = door.clone();
            async move { door.handle(request).await }
        };
        let reader_timeout = Duration::from_secs(server.reader_timeout_s);
        let limits = Limits { connections_max: server.connections_max, reader_timeout };
        let serve = accept::serve(data, limits, TaskTracker::new(), stop_data.clone(), handle);
        let data_task = tokio::spawn(serve);
        let limits = Limits { connections_max: ADMIN_CONNECTIONS_MAX, reader_timeout };
        let pipeline = house.pipeline.clone();
        let names = loaded.config.pool.iter().map(|pool| pool.model.clone()).collect();
        let admin_page = Arc::new(admin_page(house, &loaded.config, draining.clone()));
        let handle = move |request| {
            let admin_page = admin_page.clone();
            async move { Ok(admin_page.handle(&request).await) }
        };
        let serve = accept::serve(admin, limits, TaskTracker::new(), stop_admin.clone(), handle);
        let admin_task = tokio::spawn(serve);
        tokio::spawn(checks::run(pipeline.clone(), stop_data.clone()));
        let memory = Memory::find(loaded.config.pressure.memory_mib_max, &looks::read);
        tokio::spawn(looks::run(pipeline.clone(), memory, names, stop_data.clone()));
        Ok(Self {
            data: data_addr,
            admin: admin_addr,
            pipeline,
            draining,
            stop_data,
            stop_admin,
            cut,
            data_task,
            admin_task,
            log,
            disk,
            redis,
            comparing,
            delay: Duration::from_secs(server.drain_delay_s),
            patience: Duration::from_secs(server.drain_timeout_s),
        })
    }

    /// Answers that broke off and were brought to their end all the same.
    pub fn rescued(&self) -> u64 {
        self.pipeline.attempts.rescued()
    }

    /// The highest level of pressure of a pool, and how many requests wait in all.
    pub fn pressed(&self) -> (u8, usize) {
        let pools = (0..self.pipeline.pressure.pools()).map(PoolId);
        pools.fold((0, 0), |(level, waiting), pool| {
            let own = self.pipeline.pressure.level(pool).number();
            (level.max(own), waiting + self.pipeline.queue.depth(pool).0)
        })
    }

    /// Stops in order: says "not ready", stops accepting, lets answers finish, and tells and cuts those that do not in
    /// time or when `hurry` resolves.
    pub async fn stop(mut self, hurry: impl Future<Output = ()>) {
        self.draining.store(true, Ordering::Relaxed);
        tokio::pin!(hurry);
        let mut hurried = tokio::select! {
            biased;
            () = &mut hurry => true,
            () = tokio::time::sleep(self.delay) => false,
        };
        self.stop_data.cancel();
        if !hurried {
            let finished = tokio::time::timeout(self.patience, &mut self.data_task);
            hurried = tokio::select! {
                biased;
                finished = finished => finished.is_err(),
                () = &mut hurry => true,
            };
        }
        if hurried {
            self.cut.cancel();
            // Streams have been told; what still holds on after this (a peer that does not read) is dropped.
            let _told = tokio::time::timeout(Duration::from_secs(1), &mut self.data_task).await;
            self.data_task.abort();
        }
        self.stop_admin.cancel();
        let _closed = tokio::time::timeout(Duration::from_secs(1), &mut self.admin_task).await;
        self.admin_task.abort();
        if let Some((writer, lines)) = self.log {
            lines.close();
            // A writer stuck on a full pipe is left behind; the process is ending.
            let written = tokio::task::spawn_blocking(move || writer.join());
            let _written = tokio::time::timeout(Duration::from_secs(1), written).await;
        }
        // The threads end when the last of the pipeline is gone, after having written what was handed over.
        drop(self.pipeline);
        if let Some(comparing) = self.comparing {
            // What it would learn is forgotten with the process.
            comparing.abort();
        }
        if let Some(writer) = self.redis {
            let _written = tokio::time::timeout(TIER_PATIENCE, writer).await;
        }
        for thread in self.disk.into_iter().flatten() {
            let written = tokio::task::spawn_blocking(move || thread.join());
            let _written = tokio::time::timeout(TIER_PATIENCE, written).await;
        }
    }
}

/// Gives the cache's tier on disk its threads.
fn threads_of((reader, writer): (Reader, Writer)) -> std::io::Result<[std::thread::JoinHandle<()>; 2]> {
    let named = |name: &str| std::thread::Builder::new().name(name.into());
    Ok([named("cache-read").spawn(|| reader.run())?, named("cache-write").spawn(|| writer.run())?])
}

/// Binds an address, with a remedy when that fails.
pub async fn bind(address: &str, field: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} ({field}); is another gateway running? choose another port")
    })
}

/// What a query names: `all`, or one of `key`, `model` and `tag` with its name.
fn which(query: &str) -> Result<Which, String> {
    let expected = "expected one of `?all`, `?key=NAME`, `?model=NAME`, `?tag=NAME`";
    if query == "all" {
        return Ok(Which::All);
    }
    let (what, name) = query.split_once('=').ok_or_else(|| format!("the query is `{query}`; {expected}"))?;
    let name = percent_decode_str(name)
        .decode_utf8()
        .map_err(|error| format!("`{name}` is no text: {error}; {expected}"))?;
    let name = name.into_owned();
    match what {
        "key" => Ok(Which::Tenant(name)),
        "model" => Ok(Which::Model(name)),
        "tag" => Ok(Which::Tag(name)),
        _ => Err(format!("`{what}` is nothing that answers are known by; {expected}")),
    }
}

fn admin_page(house: House, config: &Config, draining: Arc<AtomicBool>) -> Admin {
    let House { pipeline, registry, .. } = house;
    let (ready_pipeline, status_pipeline) = (pipeline.clone(), pipeline.clone());
    let (held_pipeline, cache_pipeline) = (pipeline.clone(), pipeline);
    let pools: Vec<String> = config.pool.iter().map(|pool| pool.model.clone()).collect();
    let closing = draining.clone();
    Admin {
        metrics: Box::new(move || {
            let mut text = String::with_capacity(16 << 10);
            // Writing to a string cannot fail.
            let _infallible = encode(&mut text, &registry);
            text
        }),
        cache: Box::new(move || {
            let pipeline = held_pipeline.clone();
            Box::pin(async move {
                let tiers = pipeline.cache.stats().await;
                json!({ "tiers": tiers, "semantic": pipeline.cache.semantic_stats() })
            })
        }),
        purge: Box::new(move |query| {
            let (which, pipeline) = (which(query), cache_pipeline.clone());
            Box::pin(async move {
                let which = which.map_err(Unpurged::Query)?;
                pipeline.cache.purge(&which).await.map_err(Unpurged::Tier)
            })
        }),
        ready: Box::new(move || {
            if draining.load(Ordering::Relaxed) {
                return Err("draining");
            }
            if ready_pipeline.attempts.route().can_serve() {
                Ok(())
            } else {
                Err("no endpoint can take a call")
            }
        }),
        status: Box::new(move || {
            let pools: Vec<_> = pools
                .iter()
                .enumerate()
                .map(|(index, model)| {
                    let pool = PoolId(index);
                    let line = status_pipeline.queue.look(pool);
                    let pressure = &status_pipeline.pressure;
                    json!({
                        "model": model,
                        "level": pressure.level(pool).number(),
                        "admitted_share": pressure.admitted(pool),
                        "waiting": line.waiting,
                        "permits_out": line.out,
                        "room": line.room,
                        "predicted_wait_ms": line.predicted_wait.as_millis() as u64,
                    })
                })
                .collect();
            json!({
                "version": env!("CARGO_PKG_VERSION"),
                "draining": closing.load(Ordering::Relaxed),
                "in_flight": status_pipeline.settle.in_flight(),
                "pools": pools,
                "endpoints": status_pipeline.attempts.route().snapshots(),
            })
        }),
    }
}
