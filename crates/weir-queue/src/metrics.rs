//! How long the lines are.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PoolLabel {
    pool: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LeftLabel {
    pool: String,
    reason: &'static str,
}

pub(crate) struct Metrics {
    depth: Family<PoolLabel, Gauge>,
    permits: Family<PoolLabel, Gauge>,
    wait: Family<PoolLabel, Histogram, fn() -> Histogram>,
    left: Family<LeftLabel, Counter>,
}

/// One pool's handles.
pub(crate) struct PoolMetrics {
    pub(crate) depth: Gauge,
    pub(crate) permits: Gauge,
    pub(crate) wait: Histogram,
    pub(crate) refused: Counter,
    pub(crate) timed_out: Counter,
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        // 1 ms doubling to about 17 minutes: a queue in front of a congested service waits that long.
        let waits: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 2.0, 21));
        let metrics = Self {
            depth: Family::default(),
            permits: Family::default(),
            wait: Family::new_with_constructor(waits),
            left: Family::default(),
        };
        registry.register("weir_queue_depth", "Requests waiting for a permit", metrics.depth.clone());
        registry.register("weir_queue_permits_out", "Permits in use", metrics.permits.clone());
        registry.register(
            "weir_queue_wait_seconds",
            "Time spent waiting, of those who waited",
            metrics.wait.clone(),
        );
        registry.register("weir_queue_left", "Requests that got no permit, by reason", metrics.left.clone());
        metrics
    }

    pub(crate) fn pool(&self, name: &str) -> PoolMetrics {
        let pool = PoolLabel { pool: name.to_owned() };
        let left = |reason| self.left.get_or_create(&LeftLabel { pool: name.to_owned(), reason }).clone();
        PoolMetrics {
            depth: self.depth.get_or_create(&pool).clone(),
            permits: self.permits.get_or_create(&pool).clone(),
            wait: self.wait.get_or_create(&pool).clone(),
            refused: left("full"),
            timed_out: left("timeout"),
        }
    }
}
