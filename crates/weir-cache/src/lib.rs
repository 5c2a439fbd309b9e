//! Stage 2, cache: is the answer already known?
//!
//! What always holds: an answer is found only by the tenant it was made for; only whole answers are kept; every field
//! of a request that weir does not know makes it a different request; what is kept is bounded in bytes and in age.

pub mod config;
mod fill;
mod key;
mod metrics;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, header};
use prometheus_client::registry::Registry;
use quick_cache::Weighter;
use quick_cache::sync::Cache as Memory;
use weir_core::{Answer, Body, CacheState, Chunk, Clock, Head, Operation, Request, Scope, names};

pub use fill::Fill;

use config::Mode;
use key::{Key, Keyed};
use metrics::Metrics;

#[cfg(test)]
mod tests;

/// The stage.
pub struct Cache {
    clock: Clock,
    mode: Mode,
    ttl: Duration,
    answer_bytes_max: usize,
    keyed: Keyed,
    memory: Arc<Memory<Key, Entry, ByteWeight>>,
    metrics: Metrics,
}

/// What a look-up found.
pub enum Lookup {
    /// The answer, known.
    Hit(Answer),
    /// Nothing; the fill keeps the answer that comes, if it may be kept.
    Miss(Fill),
}

/// One kept answer.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) body: Bytes,
    pub(crate) stored: Instant,
}

/// Weighs entries in bytes, with what the table itself needs for one.
#[derive(Clone, Debug)]
pub(crate) struct ByteWeight;

const ENTRY_OVERHEAD_BYTES: u64 = 160;

impl Weighter<Key, Entry> for ByteWeight {
    fn weight(&self, _key: &Key, entry: &Entry) -> u64 {
        entry.body.len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

impl Cache {
    /// Builds the stage. `secret` keys the hashes, so that keys seen in a dump do not reveal guessable prompts.
    pub fn new(clock: Clock, config: &config::Cache, secret: &[u8; 32], registry: &mut Registry) -> Self {
        let bytes = config.memory_mib.saturating_mul(1 << 20);
        // quick_cache wants an estimate of how many items fit; answers are a few kilobytes.
        const USUAL_ENTRY_BYTES: u64 = 4096;
        let items = usize::try_from(bytes / USUAL_ENTRY_BYTES).unwrap_or(usize::MAX).max(16);
        Self {
            clock,
            mode: config.mode,
            ttl: Duration::from_secs(config.ttl_s),
            answer_bytes_max: config.answer_kib_max.saturating_mul(1 << 10),
            keyed: Keyed::new(*secret),
            memory: Arc::new(Memory::with_weighter(items, bytes, ByteWeight)),
            metrics: Metrics::new(registry),
        }
    }

    /// Looks an answer up for a tenant, or makes ready to keep the one that comes.
    pub fn look(&self, request: &Request, scope: &Scope) -> Lookup {
        if !self.may_cache(request) {
            self.metrics.bypass.inc();
            return Lookup::Miss(Fill::none());
        }
        let key = self.keyed.key(scope, request);
        let now = self.clock.now();
        let fresh = |entry: &Entry| now.saturating_duration_since(entry.stored) < self.ttl;
        if let Some(entry) = self.memory.get(&key).filter(fresh).filter(|_| !asks_for_a_new_answer(request)) {
            self.metrics.hit.inc();
            request.trail.cache_said(CacheState::HitMemory);
            return Lookup::Hit(self.replay(request, entry, now));
        }
        self.metrics.miss.inc();
        request.trail.cache_said(CacheState::Miss);
        Lookup::Miss(Fill::new(self.memory.clone(), key, self.answer_bytes_max))
    }

    fn may_cache(&self, request: &Request) -> bool {
        let envelope = &request.envelope;
        let deterministic = match request.operation {
            Operation::Embeddings | Operation::CountTokens => true,
            Operation::Other => return false,
            _ => envelope.temperature_zero || envelope.seeded,
        };
        let asked_not_to = directive(request, "no-store") || request.header(&names::CACHE) == Some("off");
        let by_mode = match self.mode {
            Mode::Off => false,
            // A tool call is an action: repeating it from memory must be the operator's decision.
            Mode::Deterministic => deterministic && !envelope.tools,
            Mode::All => true,
        };
        by_mode && !envelope.stateful && !asked_not_to
    }

    fn replay(&self, request: &Request, entry: Entry, now: Instant) -> Answer {
        let kind = if request.envelope.stream { "text/event-stream" } else { "application/json" };
        let mut head = Head::default();
        head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let age = now.saturating_duration_since(entry.stored).as_secs();
        head.headers.insert(header::AGE, HeaderValue::from(age));
        let chunk = Chunk { bytes: entry.body, progress: true, ..Chunk::default() };
        Answer::new(self.clock, head, Body::Whole(Some(chunk)))
    }
}

/// `Cache-Control: no-cache`: the caller wants a new answer, which may then be kept.
fn asks_for_a_new_answer(request: &Request) -> bool {
    directive(request, "no-cache")
}

fn directive(request: &Request, name: &str) -> bool {
    let value = request.header(&header::CACHE_CONTROL).unwrap_or_default();
    value.split(',').any(|directive| directive.trim().eq_ignore_ascii_case(name))
}
