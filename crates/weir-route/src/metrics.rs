//! Calls per endpoint: how many, how they ended, how many are in flight; and what kept them away, or sent
//! them twice.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use weir_core::{Class, End};

use crate::circuit::Circuit;
use crate::health::Learned;

/// First tokens: OpenTelemetry's buckets stop at 10 s, a congested peak does not.
const FIRST_TOKEN_BUCKETS: [f64; 20] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0,
    320.0, 640.0,
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: String,
    model: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    endpoint: String,
    model: String,
    result: &'static str,
}

/// The name the requirement's query uses: `rate(api_requests_total{service="deepseek"}[1m])`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ServiceLabels {
    service: String,
    model: String,
    result: &'static str,
}

/// Why an endpoint rests.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RestLabels {
    endpoint: String,
    model: String,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

pub(crate) struct Metrics {
    in_flight: Family<EndpointLabels, Gauge>,
    limit: Family<EndpointLabels, Gauge>,
    closed: Family<EndpointLabels, Gauge>,
    first_token: Family<EndpointLabels, Histogram, fn() -> Histogram>,
    attempts: Family<ResultLabels, Counter>,
    service: Family<ServiceLabels, Counter>,
    rests: Family<RestLabels, Counter>,
    repeats: Family<ResultLabels, Counter>,
    held_back: Family<EndpointLabels, Counter>,
    hedges: [Counter; Hedging::ALL.len()],
    sessions: [Counter; 2],
}

/// What became of the wish to ask a second endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hedging {
    Sent,
    NoBudget,
    /// Most attempts fail.
    Pressed,
    /// Nobody else is willing and has places to spare.
    Nobody,
}

impl Hedging {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Sent, "sent"),
        (Self::NoBudget, "no_budget"),
        (Self::Pressed, "pressed"),
        (Self::Nobody, "nobody"),
    ];
}

/// One endpoint's handles.
pub(crate) struct EndpointMetrics {
    pub(crate) in_flight: Gauge,
    pub(crate) limit: Gauge,
    pub(crate) closed: Gauge,
    pub(crate) first_token: Histogram,
    results: Vec<(Counter, Counter)>,
    opened: Counter,
    cooled: Counter,
    key_paused: Counter,
    granted: Counter,
    refused: Counter,
    pub(crate) held_back: Counter,
}

/// Complete, abandoned, then the classes of failure.
const RESULTS: usize = 2 + Class::ALL.len();

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let first_token: fn() -> Histogram = || Histogram::new(FIRST_TOKEN_BUCKETS);
        let hedges: Family<ResultLabel, Counter> = Family::default();
        let sessions: Family<ResultLabel, Counter> = Family::default();
        let of = |family: &Family<_, Counter>, result| family.get_or_create(&ResultLabel { result }).clone();
        let metrics = Self {
            in_flight: Family::default(),
            limit: Family::default(),
            closed: Family::default(),
            first_token: Family::new_with_constructor(first_token),
            attempts: Family::default(),
            service: Family::default(),
            rests: Family::default(),
            repeats: Family::default(),
            held_back: Family::default(),
            hedges: Hedging::ALL.map(|(_, name)| of(&hedges, name)),
            sessions: ["away", "home"].map(|name| of(&sessions, name)),
        };
        registry.register("weir_hedges", "Wishes to ask a second endpoint, by what became of them", hedges);
        registry.register("weir_session_picks", "Picks for a conversation, by where they went", sessions);
        metrics.register(registry);
        metrics
    }

    fn register(&self, registry: &mut Registry) {
        registry.register("weir_upstream_inflight", "Calls in flight", self.in_flight.clone());
        registry.register("weir_upstream_concurrency_limit", "Calls allowed in flight", self.limit.clone());
        registry.register(
            "weir_upstream_circuit_closed",
            "1 while the circuit is closed",
            self.closed.clone(),
        );
        let help = "From sending an attempt to its first meaningful part";
        registry.register("weir_upstream_time_to_first_token_seconds", help, self.first_token.clone());
        registry.register("weir_upstream_attempts", "Attempts by how they ended", self.attempts.clone());
        registry.register("api_requests", "Calls to a service, by how they ended", self.service.clone());
        registry.register("weir_upstream_rests", "Times an endpoint was left alone", self.rests.clone());
        let help = "Wishes to repeat an attempt, by whether the budget allowed it";
        registry.register("weir_upstream_repeats", help, self.repeats.clone());
        let help = "Calls that were held back because most calls to the endpoint are refused";
        registry.register("weir_upstream_held_back", help, self.held_back.clone());
    }

    pub(crate) fn endpoint(&self, endpoint: &str, model: &str) -> EndpointMetrics {
        let labels = EndpointLabels { endpoint: endpoint.to_owned(), model: model.to_owned() };
        let result_of = |family: &Family<ResultLabels, Counter>, result| {
            let (endpoint, model) = (endpoint.to_owned(), model.to_owned());
            family.get_or_create(&ResultLabels { endpoint, model, result }).clone()
        };
        let rest = |reason| {
            let (endpoint, model) = (endpoint.to_owned(), model.to_owned());
            self.rests.get_or_create(&RestLabels { endpoint, model, reason }).clone()
        };
        let results = (0..RESULTS).map(|index| {
            let result = result_name(index);
            let service = ServiceLabels { service: endpoint.to_owned(), model: model.to_owned(), result };
            (result_of(&self.attempts, result), self.service.get_or_create(&service).clone())
        });
        EndpointMetrics {
            in_flight: self.in_flight.get_or_create(&labels).clone(),
            limit: self.limit.get_or_create(&labels).clone(),
            closed: self.closed.get_or_create(&labels).clone(),
            first_token: self.first_token.get_or_create(&labels).clone(),
            results: results.collect(),
            opened: rest("circuit"),
            cooled: rest("overload"),
            key_paused: rest("key"),
            granted: result_of(&self.repeats, "granted"),
            refused: result_of(&self.repeats, "refused"),
            held_back: self.held_back.get_or_create(&labels).clone(),
        }
    }

    /// A conversation's call went to its home, or to another endpoint.
    pub(crate) fn session(&self, home: bool) {
        self.sessions[usize::from(home)].inc();
    }

    pub(crate) fn hedging(&self, what: Hedging) {
        self.hedges[what as usize].inc();
    }
}

impl EndpointMetrics {
    pub(crate) fn count(&self, end: End) {
        let index = match end {
            End::Complete => 0,
            End::Abandoned => 1,
            End::Failed(class) => 2 + Class::ALL.iter().position(|known| *known == class).unwrap_or(0),
        };
        let (attempts, service) = &self.results[index];
        attempts.inc();
        service.inc();
    }

    /// The circuit may have changed since `era`.
    pub(crate) fn circuit(&self, circuit: &Circuit, era: u32) {
        if circuit.era() != era {
            self.closed.set(i64::from(circuit.is_closed()));
            self.opened.inc_by(u64::from(!circuit.is_closed()));
        }
    }

    pub(crate) fn learned(&self, learned: Learned) {
        self.cooled.inc_by(u64::from(learned.cools));
        self.key_paused.inc_by(u64::from(learned.key_paused));
    }

    pub(crate) fn repeat(&self, granted: bool) {
        if granted { &self.granted } else { &self.refused }.inc();
    }
}

fn result_name(index: usize) -> &'static str {
    match index {
        0 => "ok",
        1 => "abandoned",
        class => Class::ALL[class - 2].name(),
    }
}
