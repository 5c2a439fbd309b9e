//! One place that can answer: a base URL, a key, a model; what it can do, and behind a lock how it fares.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weir_core::{Chance, Dialect, Prefill, Price, Room, Secret};

use crate::config::{Concurrency, Continuation};
use crate::health::{Health, Look};
use crate::limiter::Bounds;
use crate::metrics::{EndpointMetrics, Metrics};
use crate::{Member, Policy, provider, sticky};

/// An endpoint's place in the stage's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointId(pub usize);

/// Where the key of a call comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// No key is sent.
    None,
    /// The operator's.
    Own(Secret),
    /// The caller's own is passed on; its limits are the caller's affair.
    Caller,
}

/// One place that can answer.
pub struct Endpoint {
    id: EndpointId,
    name: Arc<str>,
    model: Option<Arc<str>>,
    /// What conversations are mapped to: the same after a restart and in any order of the config.
    name_hash: u64,
    openai_base: Option<String>,
    anthropic_base: Option<String>,
    /// Below what begun answers are taken up in OpenAI's dialect, where that is another place.
    openai_prefill_base: Option<String>,
    continuation: Continuation,
    health_check: Option<Duration>,
    key: KeySource,
    price: Price,
    include_usage: bool,
    forward_service_tier: bool,
    http2: bool,
    chance: Arc<Chance>,
    /// Guards the state machines for a few arithmetic lines.
    health: Mutex<Health>,
    /// The limit as the lock's last holder left it: the queue asks for it at every turn.
    limit: AtomicUsize,
    /// Whether it may rest, as the lock's last holder left it: while it does not, its room is its limit.
    may_rest: AtomicBool,
    pub(crate) metrics: EndpointMetrics,
}

impl Endpoint {
    pub(crate) fn new(
        id: EndpointId,
        member: &Member<'_>,
        policy: &Policy,
        chance: &Arc<Chance>,
        metrics: &Metrics,
        now: Instant,
    ) -> Self {
        let config = member.config;
        let dialects = config.dialects.clone().unwrap_or_else(|| provider::dialects(&config.base_url));
        let openai_base =
            dialects.contains(&Dialect::OpenAi).then(|| provider::openai_base(&config.base_url));
        let anthropic_base = dialects
            .contains(&Dialect::Anthropic)
            .then(|| provider::anthropic_base(config.anthropic_base_url.as_deref(), &config.base_url));
        let endpoint_metrics = metrics.endpoint(&config.name, member.model.unwrap_or("*"));
        let known = || provider::concurrency(&config.base_url, member.model);
        let max = config.max_concurrent.unwrap_or_else(known);
        let bounds = match config.concurrency {
            Concurrency::Adaptive => Bounds::adaptive(max),
            Concurrency::Fixed => Bounds::fixed(max),
        };
        endpoint_metrics.limit.set(bounds.initial as i64);
        endpoint_metrics.closed.set(1);
        Self {
            id,
            name: config.name.as_str().into(),
            model: member.model.map(Arc::from),
            name_hash: sticky::hash(&[config.name.as_bytes()]),
            openai_prefill_base: openai_base.as_deref().and_then(provider::openai_prefill_base),
            openai_base,
            anthropic_base,
            continuation: config.continuation,
            health_check: config.health_check_s.map(Duration::from_secs),
            key: member.key.clone(),
            price: config.price,
            include_usage: config.include_usage,
            forward_service_tier: config.forward_service_tier,
            http2: config.http2,
            chance: chance.clone(),
            health: Mutex::new(Health::new(bounds, policy, now)),
            limit: AtomicUsize::new(bounds.initial),
            may_rest: AtomicBool::new(false),
            metrics: endpoint_metrics,
        }
    }

    /// Its place in the table.
    pub const fn id(&self) -> EndpointId {
        self.id
    }

    /// Its name in config.
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The model name it is asked for; `None` passes the caller's.
    pub const fn model(&self) -> Option<&Arc<str>> {
        self.model.as_ref()
    }

    /// The URL below which a dialect's paths lie, without a trailing slash; `None` if it does not speak it.
    pub fn base(&self, dialect: Dialect) -> Option<&str> {
        match dialect {
            Dialect::OpenAi => self.openai_base.as_deref(),
            Dialect::Anthropic => self.anthropic_base.as_deref(),
        }
    }

    /// Whether it speaks a dialect.
    pub fn speaks(&self, dialect: Dialect) -> bool {
        self.base(dialect).is_some()
    }

    /// The key to send.
    pub const fn key(&self) -> &KeySource {
        &self.key
    }

    /// What it charges.
    pub const fn price(&self) -> Price {
        self.price
    }

    /// Whether to ask for usage in streams.
    pub const fn include_usage(&self) -> bool {
        self.include_usage
    }

    /// Whether the caller's `service_tier` goes through.
    pub const fn forward_service_tier(&self) -> bool {
        self.forward_service_tier
    }

    /// Whether to speak HTTP/2, with TLS or without.
    pub const fn http2(&self) -> bool {
        self.http2
    }

    /// Calls it is given at one time, as far as is known now.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// How many calls it takes at one time. Without a lock while it serves: the queue asks at every turn.
    pub(crate) fn room(&self, now: Instant) -> Room {
        if !self.may_rest.load(Ordering::Relaxed) {
            return Room::of(self.limit());
        }
        let health = self.health();
        let room = health.room(now);
        self.may_rest.store(room.rests, Ordering::Relaxed);
        room
    }

    /// How often to look whether it is there, if at all.
    pub const fn health_check(&self) -> Option<Duration> {
        self.health_check
    }

    /// Whether an answer that broke off may be taken up here, in whatever way.
    pub fn continues(&self) -> bool {
        self.continuation != Continuation::Off
    }

    /// How it is given the beginning of an answer, asked for `sent_model` in `dialect`; `None` if it cannot
    /// take one up, or has lately refused to.
    pub fn prefill(&self, now: Instant, dialect: Dialect, sent_model: &str) -> Option<Prefill> {
        let prefill = match self.continuation {
            Continuation::Auto => provider::prefill(self.base(dialect)?, dialect, sent_model),
            Continuation::Prefix => Some(Prefill::Prefix),
            Continuation::Partial => Some(Prefill::Partial),
            Continuation::ContinueFinalMessage => Some(Prefill::ContinueFinalMessage),
            Continuation::Trailing => Some(Prefill::Trailing),
            Continuation::Replay | Continuation::Off => None,
        };
        // The others are fields of OpenAI's format.
        let fits = |prefill: &Prefill| dialect == Dialect::OpenAi || *prefill == Prefill::Trailing;
        prefill.filter(fits).filter(|_| self.health().takes_prefill(now))
    }

    /// The URL below which begun answers are taken up; mostly the same as [`base`](Self::base).
    pub fn prefill_base(&self, dialect: Dialect) -> Option<&str> {
        let other = self.openai_prefill_base.as_deref().filter(|_| dialect == Dialect::OpenAi);
        other.or_else(|| self.base(dialect))
    }

    /// It would not take up a begun answer: for an hour it is not given one.
    pub fn prefill_refused(&self, now: Instant) {
        self.health().prefill_refused(now);
    }

    pub(crate) const fn name_hash(&self) -> u64 {
        self.name_hash
    }

    /// Makes known what the endpoint's machines say of it, after they have heard of a call.
    pub(crate) fn learned(&self, health: &Health, era: u32, now: Instant) {
        self.may_rest.store(health.room(now).rests, Ordering::Relaxed);
        let limit = health.limit();
        if self.limit.swap(limit, Ordering::Relaxed) != limit {
            self.metrics.limit.set(limit as i64);
        }
        self.metrics.circuit(&health.circuit, era);
    }

    pub(crate) fn look(&self, now: Instant) -> Look {
        self.health().look(now)
    }

    /// Chance for the length of a pause.
    pub(crate) fn jitter(&self) -> f64 {
        self.chance.unit()
    }

    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
