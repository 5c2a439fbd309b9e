//! What the attempts loop counts: races between two calls, answers taken up, and what became of them.

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
    /// Answers that broke off and were brought to their end.
    pub(crate) rescued: Counter,
    /// Answers that broke off and could not be taken up: the caller was told.
    pub(crate) lost: Counter,
    second_won: Counter,
    first_won: Counter,
    taken_up: Family<By, Counter>,
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let broken: Family<Result, Counter> = Family::default();
        registry.register(
            "weir_broken_streams",
            "Answers that broke off after they had begun, by what became of them",
            broken.clone(),
        );
        let races: Family<Result, Counter> = Family::default();
        registry.register("weir_races", "Requests asked twice, by which call began first", races.clone());
        let taken_up: Family<By, Counter> = Family::default();
        registry.register(
            "weir_continuations",
            "Times a broken answer was taken up, by how",
            taken_up.clone(),
        );
        let of = |family: &Family<Result, Counter>, result| family.get_or_create(&Result { result }).clone();
        Self {
            rescued: of(&broken, "rescued"),
            lost: of(&broken, "lost"),
            second_won: of(&races, "second"),
            first_won: of(&races, "first"),
            taken_up,
        }
    }

    /// A request was asked twice.
    pub(crate) fn raced(&self, second_won: bool) {
        if second_won { &self.second_won } else { &self.first_won }.inc();
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
