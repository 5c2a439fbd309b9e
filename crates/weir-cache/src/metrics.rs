//! How often the answer was known, and where.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Came {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Held {
    difference: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Judged {
    verdict: &'static str,
    likely: &'static str,
}

/// What comes of questions that are alike.
pub(crate) struct Likeness {
    came: Family<Came, Counter>,
    held_back: Family<Held, Counter>,
    judged: Family<Judged, Counter>,
    pub(crate) unjudged: Counter,
    false_at_least: Gauge<f64, AtomicU64>,
    false_at_most: Gauge<f64, AtomicU64>,
}

impl Likeness {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let likeness = Self {
            came: Family::default(),
            held_back: Family::default(),
            judged: Family::default(),
            unjudged: Counter::default(),
            false_at_least: Gauge::default(),
            false_at_most: Gauge::default(),
        };
        let help = "Questions without a kept answer: given the answer of one that is alike, compared with it, none is alike, or failed";
        registry.register("weir_cache_semantic_requests", help, likeness.came.clone());
        let help = "Questions that were alike but for this";
        registry.register("weir_cache_semantic_held_back", help, likeness.held_back.clone());
        let help =
            "Answers compared with those of questions that are alike; likely: they would have been given";
        registry.register("weir_cache_semantic_judged", help, likeness.judged.clone());
        let help = "Answers that nobody compared: the judge failed, or did not keep up";
        registry.register("weir_cache_semantic_unjudged", help, likeness.unjudged.clone());
        let help = "The share of answers to questions that are alike that is false, at least (95 %)";
        registry.register("weir_cache_semantic_false_share_at_least", help, likeness.false_at_least.clone());
        let help = "The share of answers to questions that are alike that is false, at most (95 %)";
        registry.register("weir_cache_semantic_false_share_at_most", help, likeness.false_at_most.clone());
        likeness.false_at_most.set(1.0);
        likeness
    }

    /// `given`, `compared`, `none` or `failed`.
    pub(crate) fn came(&self, result: &'static str) {
        self.came.get_or_create(&Came { result }).inc();
    }

    pub(crate) fn differs(&self, difference: &'static str) {
        self.held_back.get_or_create(&Held { difference }).inc();
    }

    pub(crate) fn judged(&self, is_same: bool, is_likely: bool, (at_least, at_most): (f64, f64)) {
        let verdict = if is_same { "same" } else { "different" };
        let likely = if is_likely { "yes" } else { "no" };
        self.judged.get_or_create(&Judged { verdict, likely }).inc();
        self.false_at_least.set(at_least);
        self.false_at_most.set(at_most);
    }
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
