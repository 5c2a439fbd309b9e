//! One place that can answer: a base URL, a key, a model.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use weir_core::{Dialect, Price, Secret};

use crate::Member;
use crate::health::{Health, Snapshot};
use crate::metrics::{EndpointMetrics, Metrics};

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
    openai_base: Option<String>,
    anthropic_base: Option<String>,
    key: KeySource,
    price: Price,
    include_usage: bool,
    forward_service_tier: bool,
    http2: bool,
    /// Guards the state machine for a few arithmetic lines.
    health: Mutex<Health>,
    pub(crate) metrics: EndpointMetrics,
}

impl Endpoint {
    pub(crate) fn new(id: EndpointId, member: &Member<'_>, metrics: &Metrics, now: Instant) -> Self {
        let config = member.config;
        let dialects = config.dialects.clone().unwrap_or_else(|| known_dialects(&config.base_url));
        let speaks = |dialect| dialects.contains(&dialect);
        let endpoint_metrics = metrics.endpoint(&config.name, member.model.unwrap_or("*"));
        endpoint_metrics.limit.set(config.max_concurrent as i64);
        endpoint_metrics.closed.set(1);
        Self {
            id,
            name: config.name.as_str().into(),
            model: member.model.map(Arc::from),
            openai_base: speaks(Dialect::OpenAi).then(|| openai_base(&config.base_url)),
            anthropic_base: speaks(Dialect::Anthropic)
                .then(|| anthropic_base(config.anthropic_base_url.as_deref(), &config.base_url)),
            key: member.key.clone(),
            price: config.price,
            include_usage: config.include_usage,
            forward_service_tier: config.forward_service_tier,
            http2: config.http2,
            health: Mutex::new(Health::new(config.max_concurrent, now)),
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

    /// Calls it takes at one time.
    pub fn limit(&self) -> usize {
        self.health().limit()
    }

    pub(crate) fn could_take(&self, now: Instant) -> bool {
        self.health().is_willing(now)
    }

    pub(crate) fn snapshot(&self, now: Instant) -> Snapshot {
        self.health().snapshot(&self.name, self.model.as_deref().unwrap_or("*"), now)
    }

    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The dialects of providers everybody knows; others are taken to speak both.
fn known_dialects(base_url: &str) -> Vec<Dialect> {
    match host(base_url) {
        "api.openai.com" => vec![Dialect::OpenAi],
        "api.anthropic.com" => vec![Dialect::Anthropic],
        _ => vec![Dialect::OpenAi, Dialect::Anthropic],
    }
}

/// Below what OpenAI's paths lie: the SDK's convention, with `/v1` for a URL that has no path.
fn openai_base(base_url: &str) -> String {
    let base = base_url.trim_end_matches('/');
    if has_path(base) { base.to_owned() } else { format!("{base}/v1") }
}

/// Below what Anthropic's paths lie: its SDK's base URL ends before `/v1`.
fn anthropic_base(own: Option<&str>, base_url: &str) -> String {
    let base = own.unwrap_or(base_url).trim_end_matches('/');
    let base = base.strip_suffix("/v1").unwrap_or(base);
    if own.is_none() && host(base) == "api.deepseek.com" {
        return format!("{}/anthropic/v1", base.trim_end_matches("/beta"));
    }
    format!("{base}/v1")
}

fn has_path(url: &str) -> bool {
    url.split_once("://").map_or(url, |(_, rest)| rest).contains('/')
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}
