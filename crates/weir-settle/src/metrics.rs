//! Counts and times of requests, for Prometheus. Labels come from closed sets: operations, outcomes, configured models.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use weir_core::Operation;

use crate::Sink;
use crate::settled::{Outcome, Settled};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StageLabel {
    stage: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    model: String,
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ModelLabel {
    model: String,
}

/// Handles resolved at start; a request costs a few atomic adds and three histogram observations.
pub(crate) struct Metrics {
    pub(crate) in_flight: Gauge,
    requests: Vec<Counter>,
    duration: Vec<Histogram>,
    first_token: Vec<Histogram>,
    stage_queue: Histogram,
    stage_upstream: Histogram,
    stage_own: Histogram,
    models: HashMap<String, ModelMetrics>,
    other: ModelMetrics,
}

#[derive(Clone)]
struct ModelMetrics {
    prompt: Counter,
    cached: Counter,
    completion: Counter,
    reasoning: Counter,
    cost: Counter<f64, AtomicU64>,
}

/// 10 ms doubling to 655 s: OpenTelemetry's duration buckets, carried on to where a congested peak lives.
fn duration_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 2.0, 17))
}

fn first_token_buckets() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0,
    ])
}

fn stage_buckets() -> Histogram {
    Histogram::new([
        1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 0.01, 0.05, 0.25, 1.0, 5.0, 20.0, 80.0, 320.0,
    ])
}

impl Metrics {
    pub(crate) fn new(models: &[String], registry: &mut Registry) -> Self {
        let requests = Family::<RequestLabels, Counter>::default();
        let duration = Family::<OperationLabel, Histogram>::new_with_constructor(duration_buckets);
        let first_token = Family::<OperationLabel, Histogram>::new_with_constructor(first_token_buckets);
        let stages = Family::<StageLabel, Histogram>::new_with_constructor(stage_buckets);
        let tokens = Family::<TokenLabels, Counter>::default();
        let cost = Family::<ModelLabel, Counter<f64, AtomicU64>>::default();
        let in_flight = Gauge::default();
        registry.register("weir_requests", "Requests by how they ended", requests.clone());
        registry.register("weir_requests_in_flight", "Requests not yet ended", in_flight.clone());
        let help = "From arrival to the end of the answer";
        registry.register_with_unit("weir_request_duration", help, Unit::Seconds, duration.clone());
        let help = "From arrival to the first meaningful part";
        registry.register_with_unit("weir_time_to_first_token", help, Unit::Seconds, first_token.clone());
        let help = "Time by stage: queue, upstream (to the first meaningful part), weir (all its own work until then)";
        registry.register_with_unit("weir_stage_duration", help, Unit::Seconds, stages.clone());
        registry.register("weir_tokens", "Tokens reported by services", tokens.clone());
        registry.register("weir_cost_usd", "What they cost at the configured prices", cost.clone());

        let of_model = |model: &str| {
            let kind = |kind| tokens.get_or_create(&TokenLabels { model: model.to_owned(), kind }).clone();
            let label = ModelLabel { model: model.to_owned() };
            ModelMetrics {
                prompt: kind("prompt"),
                cached: kind("prompt_cached"),
                completion: kind("completion"),
                reasoning: kind("reasoning"),
                cost: cost.get_or_create(&label).clone(),
            }
        };
        let outcomes = |operation: Operation| {
            let operation = operation.name();
            Outcome::LABELS
                .map(|outcome| requests.get_or_create(&RequestLabels { operation, outcome }).clone())
        };
        let by_operation = |family: &Family<OperationLabel, Histogram>| -> Vec<Histogram> {
            let label = |operation: Operation| OperationLabel { operation: operation.name() };
            Operation::ALL.iter().map(|&operation| family.get_or_create(&label(operation)).clone()).collect()
        };
        let stage = |stage| stages.get_or_create(&StageLabel { stage }).clone();
        Self {
            in_flight,
            requests: Operation::ALL.into_iter().flat_map(outcomes).collect(),
            duration: by_operation(&duration),
            first_token: by_operation(&first_token),
            stage_queue: stage("queue"),
            stage_upstream: stage("upstream"),
            stage_own: stage("weir"),
            models: models.iter().map(|model| (model.clone(), of_model(model))).collect(),
            other: of_model("other"),
        }
    }
}

impl Sink for Arc<Metrics> {
    fn settled(&self, settled: &Settled) {
        let position = |operation| Operation::ALL.iter().position(|known| *known == operation).unwrap_or(0);
        let operation = position(settled.operation);
        let label = settled.outcome.label();
        let outcome = Outcome::LABELS.iter().position(|known| *known == label).unwrap_or(0);
        self.requests[operation * Outcome::LABELS.len() + outcome].inc();
        self.duration[operation].observe(settled.total.as_secs_f64());
        if let (Some(first_token), Some(upstream)) = (settled.first_token, settled.upstream) {
            self.first_token[operation].observe(first_token.as_secs_f64());
            self.stage_queue.observe(settled.queue.as_secs_f64());
            self.stage_upstream.observe(upstream.as_secs_f64());
            let own = first_token.saturating_sub(upstream).saturating_sub(settled.queue);
            self.stage_own.observe(own.as_secs_f64());
        }
        if settled.usage.total() > 0 {
            let model = self.models.get(&*settled.model).unwrap_or(&self.other);
            model.prompt.inc_by(settled.usage.prompt);
            model.cached.inc_by(settled.usage.cached);
            model.completion.inc_by(settled.usage.completion);
            model.reasoning.inc_by(settled.usage.reasoning);
            model.cost.inc_by(settled.cost_usd);
        }
    }
}
