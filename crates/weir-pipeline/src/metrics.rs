//! What the attempts loop counts: hedges, answers taken up, and what became of them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use weir_core::Rung;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Result {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct By {
    rung: &'static str,
}

/// Counters of the loop; those that can be hit on the path of a request are resolved once.
pub(crate) struct Metrics {
    /// Repetitions that the retry budget refused.
    pub(crate) budget_spent: Counter,
    /// Answers that broke off and were brought to their end.
    pub(crate) rescued: Counter,
    /// Answers that broke off and could not be taken up: the caller was told.
    pub(crate) lost: Counter,
    hedge_won: Counter,
    hedge_lost: Counter,
    taken_up: Family<By, Counter>,
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let budget_spent = Counter::default();
        registry.register(
            "weir_retry_budget_spent",
            "Repeated attempts that the retry budget refused",
            budget_spent.clone(),
        );
        let broken: Family<Result, Counter> = Family::default();
        registry.register(
            "weir_broken_streams",
            "Answers that broke off after they had begun, by what became of them",
            broken.clone(),
        );
        let hedges: Family<Result, Counter> = Family::default();
        registry.register("weir_hedges", "Second endpoints asked, by who began first", hedges.clone());
        let taken_up: Family<By, Counter> = Family::default();
        registry.register(
            "weir_continuations",
            "Times a broken answer was taken up, by how",
            taken_up.clone(),
        );
        let of = |family: &Family<Result, Counter>, result| family.get_or_create(&Result { result }).clone();
        Self {
            budget_spent,
            rescued: of(&broken, "rescued"),
            lost: of(&broken, "lost"),
            hedge_won: of(&hedges, "won"),
            hedge_lost: of(&hedges, "lost"),
            taken_up,
        }
    }

    pub(crate) fn hedged(&self, won: bool) {
        if won {
            self.hedge_won.inc()
        } else {
            self.hedge_lost.inc()
        };
    }

    pub(crate) fn taken_up(&self, rung: Rung) {
        let rung = match rung {
            Rung::Fresh => "fresh",
            Rung::Prefill(_) => "prefill",
            Rung::Replay => "replay",
            Rung::Instructed => "instructed",
        };
        self.taken_up.get_or_create(&By { rung }).inc();
    }
}
