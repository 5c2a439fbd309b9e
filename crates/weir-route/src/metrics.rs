//! Calls per endpoint: how many, how they ended, how many are in flight.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use weir_core::{Class, End};

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
struct AttemptLabels {
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

pub(crate) struct Metrics {
    in_flight: Family<EndpointLabels, Gauge>,
    limit: Family<EndpointLabels, Gauge>,
    closed: Family<EndpointLabels, Gauge>,
    first_token: Family<EndpointLabels, Histogram, fn() -> Histogram>,
    attempts: Family<AttemptLabels, Counter>,
    service: Family<ServiceLabels, Counter>,
}

/// One endpoint's handles.
pub(crate) struct EndpointMetrics {
    pub(crate) in_flight: Gauge,
    pub(crate) limit: Gauge,
    pub(crate) closed: Gauge,
    pub(crate) first_token: Histogram,
    results: Vec<(Counter, Counter)>,
}

/// Complete, abandoned, then the classes of failure.
const RESULTS: usize = 2 + Class::ALL.len();

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let first_token: fn() -> Histogram = || Histogram::new(FIRST_TOKEN_BUCKETS);
        let metrics = Self {
            in_flight: Family::default(),
            limit: Family::default(),
            closed: Family::default(),
            first_token: Family::new_with_constructor(first_token),
            attempts: Family::default(),
            service: Family::default(),
        };
        registry.register("weir_upstream_inflight", "Calls in flight", metrics.in_flight.clone());
        registry.register(
            "weir_upstream_concurrency_limit",
            "Calls allowed in flight",
            metrics.limit.clone(),
        );
        registry.register(
            "weir_upstream_circuit_closed",
            "1 while the circuit is closed",
            metrics.closed.clone(),
        );
        let help = "From sending an attempt to its first meaningful part";
        registry.register("weir_upstream_time_to_first_token_seconds", help, metrics.first_token.clone());
        registry.register("weir_upstream_attempts", "Attempts by how they ended", metrics.attempts.clone());
        registry.register("api_requests", "Calls to a service, by how they ended", metrics.service.clone());
        metrics
    }

    pub(crate) fn endpoint(&self, endpoint: &str, model: &str) -> EndpointMetrics {
        let labels = EndpointLabels { endpoint: endpoint.to_owned(), model: model.to_owned() };
        let results = (0..RESULTS).map(|index| {
            let result = result_name(index);
            let (endpoint, model) = (endpoint.to_owned(), model.to_owned());
            let service = ServiceLabels { service: endpoint.clone(), model: model.clone(), result };
            let attempt = AttemptLabels { endpoint, model, result };
            (self.attempts.get_or_create(&attempt).clone(), self.service.get_or_create(&service).clone())
        });
        EndpointMetrics {
            in_flight: self.in_flight.get_or_create(&labels).clone(),
            limit: self.limit.get_or_create(&labels).clone(),
            closed: self.closed.get_or_create(&labels).clone(),
            first_token: self.first_token.get_or_create(&labels).clone(),
            results: results.collect(),
        }
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
}

fn result_name(index: usize) -> &'static str {
    match index {
        0 => "ok",
        1 => "abandoned",
        class => Class::ALL[class - 2].name(),
    }
}
