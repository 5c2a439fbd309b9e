//! How long the lines are, and who left them without a turn. By pool and class, never by tenant.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use weir_core::Urgency;

use crate::line::Why;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PoolLabel {
    pool: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ClassLabel {
    pool: String,
    class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LeftLabel {
    pool: String,
    reason: &'static str,
}

pub(crate) struct Metrics {
    depth: Family<ClassLabel, Gauge>,
    permits: Family<PoolLabel, Gauge>,
    room: Family<PoolLabel, Gauge>,
    wait: Family<ClassLabel, Histogram, fn() -> Histogram>,
    left: Family<LeftLabel, Counter>,
}

/// One pool's handles.
pub(crate) struct PoolMetrics {
    pub(crate) depth: [Gauge; 4],
    pub(crate) permits: Gauge,
    pub(crate) room: Gauge,
    wait: [Histogram; 4],
    full: Counter,
    timeout: Counter,
    standing: Counter,
    too_late: Counter,
    pushed_out: Counter,
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        // 1 ms doubling to about 17 minutes: a queue in front of a congested service waits that long.
        let waits: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 2.0, 21));
        let metrics = Self {
            depth: Family::default(),
            permits: Family::default(),
            room: Family::default(),
            wait: Family::new_with_constructor(waits),
            left: Family::default(),
        };
        registry.register("weir_queue_depth", "Requests waiting for a permit", metrics.depth.clone());
        registry.register("weir_queue_permits_out", "Permits in use", metrics.permits.clone());
        registry.register("weir_queue_room", "Permits that may be in use", metrics.room.clone());
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
        let class = |class: Urgency| ClassLabel { pool: name.to_owned(), class: class.name() };
        let left = |reason| self.left.get_or_create(&LeftLabel { pool: name.to_owned(), reason }).clone();
        PoolMetrics {
            depth: Urgency::ALL.map(|of| self.depth.get_or_create(&class(of)).clone()),
            permits: self.permits.get_or_create(&pool).clone(),
            room: self.room.get_or_create(&pool).clone(),
            wait: Urgency::ALL.map(|of| self.wait.get_or_create(&class(of)).clone()),
            full: left("full"),
            timeout: left("timeout"),
            standing: left("standing"),
            too_late: left("too_late"),
            pushed_out: left("pushed_out"),
        }
    }
}

impl PoolMetrics {
    /// Someone waited so long, for a turn or for nothing.
    pub(crate) fn waited(&self, class: Urgency, seconds: f64) {
        self.wait[class as usize].observe(seconds);
    }

    /// Someone got no turn.
    pub(crate) fn left(&self, why: Why) {
        let counter = match why {
            Why::Full(_) => &self.full,
            Why::PushedOut(_) => &self.pushed_out,
            Why::TooLate => &self.too_late,
            Why::Timeout => &self.timeout,
            Why::Standing => &self.standing,
        };
        counter.inc();
    }
}
