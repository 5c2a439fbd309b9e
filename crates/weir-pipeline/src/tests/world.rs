//! A pipeline around a scripted service under a paused clock.

use std::cell::OnceCell;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Response, header};
use http_body_util::Full;
use prometheus_client::registry::Registry;
use weir_admit::{Admit, Models};
use weir_cache::{Cache, Parts, Secret};
use weir_core::{Body, Chance, Chunk, ChunkStream, Class, Clock, Failure, Finish, Head, PoolId, Request};
use weir_infer::{Begun, Target, Timers, read};
use weir_pressure::Pressure;
use weir_queue::Queue;
use weir_route::config::Endpoint;
use weir_route::{KeySource, Member, PoolPlan, Route};
use weir_settle::{Settle, Settled, Sink};

use crate::{Around, Attempts, Pipeline, Upstream, forms};

/// What one call does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Script {
    /// Fails after some milliseconds.
    Fails(Class, u64),
    /// Answers after some milliseconds, with so many chunks, whole.
    Answers(u64, u8),
    /// Answers after some milliseconds and breaks off after so many chunks.
    Breaks(u64, u8),
}

/// A service that follows a script, call by call, and then answers.
pub(super) struct Scripted(pub(super) Mutex<std::vec::IntoIter<Script>>);

impl Upstream for Scripted {
    fn call<'a>(
        &'a self,
        request: &'a Request,
        _target: Target<'a>,
        timers: Timers,
    ) -> Pin<Box<dyn Future<Output = Result<Begun, Failure>> + Send + 'a>> {
        let script = self.0.lock().unwrap().next().unwrap_or(Script::Answers(0, 1));
        Box::pin(async move {
            let (after, chunks, whole) = match script {
                Script::Fails(class, ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    return Err(Failure::new(class, "scripted"));
                }
                Script::Answers(ms, chunks) => (ms, chunks, true),
                Script::Breaks(ms, chunks) => (ms, chunks, false),
            };
            tokio::time::sleep(Duration::from_millis(after)).await;
            if request.envelope.stream {
                return read(spoken(chunks, whole), request, timers, clock(), 1 << 20).await;
            }
            Ok(Begun { head: Head::default(), body: Body::Stream(Box::pin(Chunks { left: chunks, whole })) })
        })
    }
}

/// The same as events on a connection: so many words, and either the end or nothing more.
fn spoken(words: u8, whole: bool) -> Response<Full<Bytes>> {
    let event = |delta: &str, finish: &str| {
        format!(r#"data: {{"id":"c","choices":[{{"index":0,"delta":{delta}{finish}}}]}}"#) + "\n\n"
    };
    let mut text: String = (0..words).map(|word| event(&format!(r#"{{"content":" {word}"}}"#), "")).collect();
    if whole {
        text += &event("{}", r#","finish_reason":"stop""#);
        text += "data: [DONE]\n\n";
    }
    let head = Response::builder().header(header::CONTENT_TYPE, "text/event-stream");
    head.body(Full::new(text.into())).unwrap()
}

/// A service in a script for each endpoint, by the name of its host.
pub(super) struct TwoServices(pub(super) [Scripted; 2]);

impl Upstream for TwoServices {
    fn call<'a>(
        &'a self,
        request: &'a Request,
        target: Target<'a>,
        timers: Timers,
    ) -> Pin<Box<dyn Future<Output = Result<Begun, Failure>> + Send + 'a>> {
        self.0[usize::from(target.base.starts_with("http://b"))].call(request, target, timers)
    }
}

pub(super) struct Chunks {
    pub(super) left: u8,
    pub(super) whole: bool,
}

impl ChunkStream for Chunks {
    fn poll_chunk(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        let Some(left) = self.left.checked_sub(1) else {
            let end = (!self.whole).then(|| Err(Failure::new(Class::Truncated, "scripted")));
            self.whole = true;
            return Poll::Ready(end);
        };
        self.left = left;
        let finish = (left == 0 && self.whole).then_some(Finish::Whole);
        Poll::Ready(Some(Ok(Chunk {
            bytes: Bytes::from_static(b"x"),
            progress: true,
            finish,
            ..Chunk::default()
        })))
    }
}

/// The records made.
#[derive(Clone, Default)]
pub(super) struct Records(pub(super) Arc<Mutex<Vec<Settled>>>);

impl Sink for Records {
    fn settled(&self, settled: &Settled) {
        self.0.lock().unwrap().push(settled.clone());
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock of a paused runtime")]
pub(super) fn clock() -> Clock {
    fn wall() -> SystemTime {
        thread_local!(static BEGUN: OnceCell<Instant> = const { OnceCell::new() });
        let now = tokio::time::Instant::now().into_std();
        UNIX_EPOCH + BEGUN.with(|begun| now - *begun.get_or_init(|| now))
    }
    Clock::new(|| tokio::time::Instant::now().into_std(), wall)
}

/// A pipeline with one pool of two endpoints, two calls each, over services that follow a script.
pub(super) fn pipeline(script: Vec<Script>, requests_max: usize) -> (Arc<Pipeline>, Records) {
    pipeline_over(Box::new(Scripted(Mutex::new(script.into_iter()))), requests_max)
}

/// The same over any services.
pub(super) fn pipeline_over(upstream: Box<dyn Upstream>, requests_max: usize) -> (Arc<Pipeline>, Records) {
    build(upstream, requests_max, false)
}

/// The same, with the second endpoint as a fallback for the first.
pub(super) fn pipeline_with_fallback(upstream: Box<dyn Upstream>) -> (Arc<Pipeline>, Records) {
    build(upstream, 10, true)
}

fn build(upstream: Box<dyn Upstream>, requests_max: usize, fallback: bool) -> (Arc<Pipeline>, Records) {
    let clock = clock();
    let mut registry = Registry::default();
    let chance = Arc::new(Chance::seeded(5));
    let endpoint = |name: &str| -> Endpoint {
        let text = format!(r#"{{"name":"{name}","base_url":"http://{name}.test","max_concurrent":2}}"#);
        serde_json::from_str(&text).unwrap()
    };
    let (a, b) = (endpoint("a"), endpoint("b"));
    let member = |config| Member { config, key: KeySource::None, model: Some("m") };
    let mut members = vec![member(&a), member(&b)];
    let second = if fallback { members.split_off(1) } else { vec![] };
    let plan = PoolPlan { first: members, fallback: second };
    let config = weir_infer::config::Attempts::default();
    let route = Route::new(clock, chance.clone(), &[plan], crate::repeats(&config), &mut registry);
    let mut models = Models::default();
    models.insert("m", PoolId(0), Duration::from_secs(300));
    let route = Arc::new(route);
    let rooms = route.clone();
    let pools = vec![weir_queue::Pool {
        name: "m".into(),
        room: Arc::new(move |now| rooms.room(PoolId(0), now)),
        outage_wait: Duration::from_millis(config.outage_wait_ms),
    }];
    let records = Records::default();
    let levels = weir_pressure::config::Pressure::default();
    let pressure = Arc::new(Pressure::new(clock, &levels, &["m"], 1, &mut registry));
    let around = Around { route, pressure: pressure.clone(), upstream };
    let pipeline = Pipeline {
        clock,
        admit: Admit::new(clock, &[], requests_max, models).unwrap(),
        cache: known(clock, chance.clone(), &mut registry),
        queue: Queue::new(clock, &weir_queue::config::Queue::default(), pools, &mut registry),
        pressure,
        attempts: Attempts::new(clock, chance, around, &config, &mut registry),
        settle: Settle::new(clock, None, &[], &mut registry).with_sink(Box::new(records.clone())),
        spawn: Box::new(begin),
    };
    (Arc::new(pipeline), records)
}

fn known(clock: Clock, chance: Arc<Chance>, registry: &mut Registry) -> Cache {
    let config = weir_cache::config::Cache::default();
    let parts = Parts {
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

#[expect(clippy::disallowed_methods, reason = "the test plays the binary, which begins tasks")]
fn begin(task: Pin<Box<dyn Future<Output = ()> + Send>>) {
    drop(tokio::spawn(task));
}
