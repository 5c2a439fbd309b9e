//! Active health checks, for endpoints whose config asks for them: so that the end of an outage is seen without a caller's
//! request being spent on it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use weir_pipeline::Pipeline;
use weir_route::EndpointId;

/// Checks until `stop`.
pub async fn run(pipeline: Arc<Pipeline>, stop: CancellationToken) {
    let mut checks = JoinSet::new();
    for endpoint in pipeline.attempts.route().to_check() {
        if let Some(period) = endpoint.health_check() {
            checks.spawn(check(pipeline.clone(), endpoint.id(), period));
        }
    }
    stop.cancelled().await;
}

async fn check(pipeline: Arc<Pipeline>, endpoint: EndpointId, period: Duration) {
    let mut tick = tokio::time::interval(period);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        pipeline.attempts.check(endpoint, period).await;
    }
}
