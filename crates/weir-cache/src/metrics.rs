//! How often the answer was known.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    tier: &'static str,
    result: &'static str,
}

/// Handles resolved once; counting is one atomic add.
pub(crate) struct Metrics {
    pub(crate) hit: Counter,
    pub(crate) miss: Counter,
    pub(crate) bypass: Counter,
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let requests = Family::<Labels, Counter>::default();
        let help = "Look-ups by tier and result; bypass: the request may not be cached";
        registry.register("weir_cache_requests", help, requests.clone());
        let handle = |result| requests.get_or_create(&Labels { tier: "memory", result }).clone();
        Self { hit: handle("hit"), miss: handle("miss"), bypass: handle("bypass") }
    }
}
