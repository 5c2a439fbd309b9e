//! The level of each pool, what moved it, and who was turned away.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use weir_core::Urgency;

use crate::level::Change;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PoolLabel {
    pool: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ChangeLabels {
    pool: String,
    to: &'static str,
    cause: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ShedLabels {
    pool: String,
    class: &'static str,
}

pub(crate) struct Metrics {
    level: Family<PoolLabel, Gauge>,
    changes: Family<ChangeLabels, Counter>,
    shed: Family<ShedLabels, Counter>,
}

/// One pool's handles.
pub(crate) struct PoolMetrics {
    pool: String,
    level: Gauge,
    changes: Family<ChangeLabels, Counter>,
    shed: [Counter; Urgency::ALL.len()],
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self { level: Family::default(), changes: Family::default(), shed: Family::default() };
        registry.register("weir_pressure_level", "How hard a pool is pressed, 0 to 3", metrics.level.clone());
        let help = "Changes of a pool's level, by where it went and what moved it";
        registry.register("weir_pressure_changes", help, metrics.changes.clone());
        let help = "Requests turned away because a pool was pressed too hard, by class of priority";
        registry.register("weir_shed", help, metrics.shed.clone());
        metrics
    }

    pub(crate) fn pool(&self, name: &str) -> PoolMetrics {
        let shed = |class: Urgency| {
            let labels = ShedLabels { pool: name.to_owned(), class: class.name() };
            self.shed.get_or_create(&labels).clone()
        };
        PoolMetrics {
            pool: name.to_owned(),
            level: self.level.get_or_create(&PoolLabel { pool: name.to_owned() }).clone(),
            changes: self.changes.clone(),
            shed: Urgency::ALL.map(shed),
        }
    }
}

impl PoolMetrics {
    pub(crate) fn changed(&self, change: &Change) {
        let Change { to, cause, .. } = *change;
        let labels = ChangeLabels { pool: self.pool.clone(), to: to.name(), cause: cause.name() };
        self.changes.get_or_create(&labels).inc();
        self.level.set(i64::from(to.number()));
    }

    pub(crate) fn shed(&self, class: Urgency) {
        self.shed[class as usize].inc();
    }

    pub(crate) fn name(&self) -> &str {
        &self.pool
    }
}
