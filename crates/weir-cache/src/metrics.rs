//! How often the answer was known, and where.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use weir_core::CacheState;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    tier: &'static str,
    result: &'static str,
}

/// Handles of the fast tier resolved once; counting there is one atomic add.
pub(crate) struct Metrics {
    requests: Family<Labels, Counter>,
    hit: Counter,
    pub(crate) miss: Counter,
    pub(crate) bypass: Counter,
    stale: Counter,
    pub(crate) unplayable: Counter,
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let requests = Family::<Labels, Counter>::default();
        let help = "Look-ups by tier and result; bypass: the request may not be cached; stale: given although fresh no more";
        registry.register("weir_cache_requests", help, requests.clone());
        let handle = |result| requests.get_or_create(&Labels { tier: "memory", result }).clone();
        let [hit, miss, bypass, stale, unplayable] =
            ["hit", "miss", "bypass", "stale", "unplayable"].map(handle);
        Self { requests, hit, miss, bypass, stale, unplayable }
    }

    /// A kept answer was given. One from below was not in memory.
    pub(crate) fn given(&self, state: CacheState) {
        match state {
            CacheState::HitMemory => self.hit.inc(),
            CacheState::HitStale => self.stale.inc(),
            _ => self.miss.inc(),
        };
    }

    /// A tier below memory was asked.
    pub(crate) fn looked(&self, tier: &'static str, hit: bool) {
        self.count(tier, if hit { "hit" } else { "miss" });
    }

    /// It was not, because it fails.
    pub(crate) fn skipped(&self, tier: &'static str) {
        self.count(tier, "skipped");
    }

    /// It failed, or took too long.
    pub(crate) fn failed(&self, tier: &'static str) {
        self.count(tier, "error");
    }

    fn count(&self, tier: &'static str, result: &'static str) {
        self.requests.get_or_create(&Labels { tier, result }).inc();
    }
}
