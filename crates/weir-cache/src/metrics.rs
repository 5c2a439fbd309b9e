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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Tier {
    tier: &'static str,
}

/// Handles of the fast tier resolved once; counting there is one atomic add.
pub(crate) struct Metrics {
    requests: Family<Labels, Counter>,
    lost: Family<Tier, Counter>,
    hit: Counter,
    pub(crate) miss: Counter,
    pub(crate) bypass: Counter,
    stale: Counter,
    pub(crate) unplayable: Counter,
    pub(crate) refused: Counter,
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let requests = Family::<Labels, Counter>::default();
        let help = "Look-ups by tier and result; bypass: the request may not be cached; stale: given although fresh no more";
        registry.register("weir_cache_requests", help, requests.clone());
        let handle = |result| requests.get_or_create(&Labels { tier: "memory", result }).clone();
        let [hit, miss, bypass, stale, unplayable, refused] =
            ["hit", "miss", "bypass", "stale", "unplayable", "refused"].map(handle);
        let lost = Family::<Tier, Counter>::default();
        let help = "Answers that a tier could not keep: its queue was full, or it failed";
        registry.register("weir_cache_lost_writes", help, lost.clone());
        Self { requests, lost, hit, miss, bypass, stale, unplayable, refused }
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

    /// An answer is not kept there.
    pub(crate) fn lost(&self, tier: &'static str) {
        self.lost.get_or_create(&Tier { tier }).inc();
    }

    /// How many so far.
    pub(crate) fn lost_by(&self, tier: &'static str) -> u64 {
        self.lost.get(&Tier { tier }).map_or(0, |count| count.get())
    }

    /// How often a tier had this result so far.
    pub(crate) fn counted(&self, tier: &'static str, result: &'static str) -> u64 {
        self.requests.get(&Labels { tier, result }).map_or(0, |count| count.get())
    }

    /// It failed, or took too long.
    pub(crate) fn failed(&self, tier: &'static str) {
        self.count(tier, "error");
    }

    fn count(&self, tier: &'static str, result: &'static str) {
        self.requests.get_or_create(&Labels { tier, result }).inc();
    }
}
